package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// What the operator's graphs are made of, before and after a reload: a counter
// that starts over would look like a restart.
func TestMetrics(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp)})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for range 3 {
		c.Get("/")
	}
	g.NewClient().Get("/")
	lockOut(g, ada)
	smtp.Await(t, ada, 1)
	want := map[string]int{
		`decisions_total{decision="allow"}`: 3, `decisions_total{decision="sign_in"}`: 1, `decisions_total{decision="forbid"}`: 0,
		`events_total{event="user_created"}`: 1, `events_total{event="user_signed_in"}`: 1, `events_total{event="account_locked"}`: 1, `events_total{event="sign_in_failed"}`: 5,
		`sessions_cached`: 1, `session_lookups_total{answer="unavailable"}`: 0,
		`jobs{kind="mail",state="waiting"}`: 0, `jobs{kind="mail",state="dead"}`: 0, `jobs_total{kind="mail",result="done"}`: 1,
	}
	for round := range 3 {
		for name, n := range want {
			g.Await(func() error { // a job is counted when it is over
				if got := metricOf(t, g, "caddy_sigra_"+name); got != strconv.Itoa(n) {
					return fmt.Errorf("round %d: %s is %q, want %d", round, name, got, n)
				}
				return nil
			})
		}
		cache, store := lookups(t, g, "cache"), lookups(t, g, "store")
		if cache+store < 3+round || store == 0 {
			t.Errorf("round %d: %d sessions from the cache and %d from the store", round, cache, store)
		}
		if err := g.Reload(strings.Replace(g.Caddyfile(), "sigra\nreverse_proxy", fmt.Sprintf("header X-Version %d\nsigra\nreverse_proxy", round), 1)); err != nil {
			t.Fatal(err)
		}
		c.Get("/")
		want[`decisions_total{decision="allow"}`]++
	}
}

// lookups returns how many sessions were resumed so.
func lookups(t *testing.T, g *gateway.Gateway, answer string) int {
	t.Helper()
	n, err := strconv.Atoi(metricOf(t, g, `caddy_sigra_session_lookups_total{answer="`+answer+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
