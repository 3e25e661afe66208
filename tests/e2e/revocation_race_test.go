package e2e

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// roomy keeps the limits away from tests that sign in often.
const roomy = "throttle {\naccount 10000 15m\nnetwork 10000 15m\n}"

var revokeButton = regexp.MustCompile(`name="session" value="([^"]+)"`)

func TestRevokingOneSessionSparesTheOthers(t *testing.T) {
	p := newPair(t, roomy)
	stays, goes := p.a.SignedIn(ada), openAt(t, p)
	spared := openAt(t, p)
	out, err := p.a.CLI("", "session", "list", ada)
	if err != nil {
		t.Fatal(err)
	}
	page := stays.Get("/_auth/account/sessions").Text
	ids := revokeButton.FindAllStringSubmatch(page, -1)
	if len(ids) < 2 {
		t.Fatalf("the page offers %d sessions to revoke:\n%s\n%s", len(ids), page, out)
	}
	own := goes.Fetch("/_auth/whoami").Text
	for _, id := range ids {
		if !regexp.MustCompile(regexp.QuoteMeta(id[1])).MatchString(own) {
			continue
		}
		if err := expect(stays.Post("/_auth/account/sessions/revoke", url.Values{"session": {id[1]}}), http.StatusSeeOther); err != nil {
			t.Fatal(err)
		}
		goes.mustEnd(t)
		for name, c := range map[string]*gateway.Client{"the revoking": stays.At(p.b), "another": spared.Client} {
			if answer := c.Fetch("/"); answer.StatusCode != http.StatusOK {
				t.Errorf("%s session at B: %d", name, answer.StatusCode)
			}
		}
		if err := pingPong(spared.ws); err != nil {
			t.Errorf("the WebSocket of another session: %v", err)
		}
		return
	}
	t.Fatalf("no button for the session %s among %v", own, ids)
}

// A fill of B's cache that races with the revocation must lose.
func TestRevocationBeatsRequestsInFlight(t *testing.T) {
	p := newPair(t, roomy)
	for round := range 15 {
		c := p.a.SignedIn(ada)
		token := c.SessionCookie()
		var over atomic.Bool
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				visitor := p.b.NewClient()
				for end := time.Now().Add(150 * time.Millisecond); time.Now().Before(end); {
					revoked := over.Load()
					answer, err := visitor.Try(visitor.Request("GET", "/", "", "Cookie", "sigra="+token))
					switch {
					case err != nil:
						t.Errorf("round %d: %v", round, err)
					case revoked && answer.StatusCode != http.StatusUnauthorized:
						t.Errorf("round %d: a request that began after the sign-out got %d: %.300s", round, answer.StatusCode, answer.Text)
					}
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		if err := expect(c.Post("/_auth/logout", nil), http.StatusSeeOther); err != nil {
			t.Fatal(err)
		}
		over.Store(true)
		all.Wait()
		if t.Failed() {
			t.Fatal(p.b.Log())
		}
	}
}

// While the link is down nobody tells B; it has to ask.
func TestRevocationWhileTheLinkIsCut(t *testing.T) {
	p := newPair(t, roomy)
	client := redis.NewClient(&redis.Options{Addr: p.redis.Addr})
	defer client.Close()
	o := openAt(t, p)
	stop, cutting := make(chan struct{}), make(chan struct{})
	var cuts atomic.Int64
	go func() {
		defer close(cutting)
		for {
			n, err := client.ClientKillByFilter(context.Background(), "TYPE", "pubsub").Result()
			if err != nil {
				t.Errorf("cutting: %v", err)
				return
			}
			cuts.Add(n)
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	for i := range 20 {
		c := p.a.SignedIn(ada)
		if answer := c.At(p.b).Fetch("/"); answer.StatusCode != http.StatusOK {
			t.Fatalf("round %d: %d", i, answer.StatusCode)
		}
		token := c.SessionCookie()
		c.Post("/_auth/logout", nil)
		if answer := p.b.NewClient().Fetch("/", "Cookie", "sigra="+token); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("round %d: signed out while the link was cut, B answers %d", i, answer.StatusCode)
		}
	}
	if _, err := p.a.CLI("", "session", "revoke", ada); err != nil {
		t.Fatal(err)
	}
	if answer := o.Fetch("/"); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("revoked while the link was cut, B answers %d", answer.StatusCode)
	}
	close(stop)
	<-cutting
	if cuts.Load() == 0 {
		t.Fatal("there was no link to cut")
	}
	o.mustEnd(t)
}
