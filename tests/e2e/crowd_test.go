package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// The clients of a trusted proxy are told apart, and only a trusted proxy is
// believed (see TestNetworkLimit).
func TestClientsOfATrustedProxyHaveBudgetsOfTheirOwn(t *testing.T) {
	g := gateway.Start(t, gateway.Config{
		Global: "throttle {\nnetwork 3 15m\n}", Servers: "servers {\ntrusted_proxies static 127.0.0.1/32 ::1/128\ntrusted_proxies_strict\n}",
	})
	g.AddUser(ada)
	try := func(from string, form url.Values) int {
		return g.NewClient().Post("/_auth/login", form, "X-Forwarded-For", from).StatusCode
	}
	for i := range 3 {
		if status := try("203.0.113.7", url.Values{"email": {fmt.Sprintf("u%d@example.com", i)}, "password": {"wrong"}}); status != http.StatusUnprocessableEntity {
			t.Fatalf("attempt %d: %d", i, status)
		}
	}
	for from, want := range map[string]int{
		"203.0.113.7": http.StatusTooManyRequests, "203.0.113.8": http.StatusSeeOther,
		"203.0.113.9, 203.0.113.7": http.StatusTooManyRequests, // the proxy adds the last one
	} {
		if status := try(from, credentialsOf(ada)); status != want {
			t.Errorf("from %s: %d, want %d", from, status, want)
		}
	}
}

// A flood of sign-ins is turned away in an orderly way, and the rest of the
// gateway stays quick.
func TestFloodOfSignIns(t *testing.T) {
	const visitors = 200
	g := gateway.Start(t, gateway.Config{Global: roomy})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	idle := median(t, c, func(n int) bool { return n < 50 })
	var answers sync.Map
	var flood sync.WaitGroup
	for i := range visitors {
		visitor := g.NewClient()
		r := visitor.Request("POST", "/_auth/login", url.Values{"email": {fmt.Sprintf("u%d@example.com", i)}, "password": {"wrong"}}.Encode(),
			"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
		flood.Go(func() {
			answer, err := visitor.Try(r)
			if err != nil {
				t.Error(err)
				return
			}
			answers.Store(i, answer)
		})
	}
	over := make(chan struct{})
	go func() {
		flood.Wait()
		close(over)
	}()
	during := median(t, c, func(int) bool {
		select {
		case <-over:
			return false
		default:
			return true
		}
	})
	counts := make(map[int]int)
	answers.Range(func(_, value any) bool {
		answer := value.(gateway.Answer)
		counts[answer.StatusCode]++
		switch busy := answer.StatusCode == http.StatusServiceUnavailable || answer.StatusCode == http.StatusTooManyRequests; {
		case busy && answer.Header.Get("Retry-After") == "":
			t.Errorf("%d does not say when to try again", answer.StatusCode)
		case !busy && answer.StatusCode != http.StatusUnprocessableEntity:
			t.Errorf("an answer of %d", answer.StatusCode)
		}
		return true
	})
	if counts[http.StatusServiceUnavailable]+counts[http.StatusTooManyRequests] == 0 || counts[http.StatusUnprocessableEntity] == 0 {
		t.Errorf("%d sign-ins at once: %v", visitors, counts)
	}
	if during > max(20*idle, time.Second) {
		t.Errorf("a request of a session takes %s when idle and %s during the flood", idle, during)
	}
	t.Logf("%v; a request of a session took %s, then %s", counts, idle, during)
	g.Await(func() error {
		return expect(g.NewClient().Post("/_auth/login", credentialsOf(ada)), http.StatusSeeOther)
	})
}

// median makes requests while it shall and returns how long half of them took at
// most.
func median(t *testing.T, c *gateway.Client, more func(made int) bool) time.Duration {
	t.Helper()
	var took []time.Duration
	for more(len(took)) {
		began := time.Now()
		if err := expect(c.Get("/"), http.StatusOK); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	if len(took) == 0 {
		t.Fatal("not one request was made")
	}
	return took[len(took)/2]
}
