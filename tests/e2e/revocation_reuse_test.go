package e2e

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// A sign-out interrupts the requests of other tabs. Their connections must not
// be left in a state in which nothing works on them any more; the next request
// is for a page of the portal, which asks for no session.
func TestConnectionsWorkAfterASignOut(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Global: roomy})
	g.AddUser(ada)
	for round := range 40 {
		c := g.SignedIn(ada)
		cookie, tabs := "sigra="+c.SessionCookie(), make([]*gateway.Client, 8)
		for i := range tabs {
			tabs[i] = g.NewClient()
			tabs[i].Get("/_auth/login") // opens the connection
		}
		var all sync.WaitGroup
		for i, tab := range tabs {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 300 * time.Microsecond)
				// Some of these are interrupted, which is meant.
				_, _ = tab.Try(tab.Request("GET", "/", "", "Cookie", cookie))
			})
		}
		if err := expect(c.Post("/_auth/logout", nil), http.StatusSeeOther); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		for _, tab := range tabs {
			form := url.Values{"email": {ada}, "password": {gateway.Password}}
			if err := expect(tab.Post("/_auth/login", form), http.StatusSeeOther); err != nil {
				t.Fatalf("round %d: signing in again: %.60v", round, err)
			}
			if err := expect(tab.Get("/"), http.StatusOK); err != nil {
				t.Fatalf("round %d: after signing in again: %v", round, err)
			}
		}
	}
}

// The app's slow answer to a session that ends meanwhile never arrives.
func TestSlowAnswersEndWithTheSession(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	slow := make(chan error, 1)
	started := g.Upstream.Count()
	go func() {
		_, err := c.Try(c.Request("POST", "/slow", ""))
		slow <- err
	}()
	g.Await(func() error {
		if g.Upstream.Count() == started {
			return errStatus(0)
		}
		return nil
	})
	if _, err := g.CLI("", "session", "revoke", ada); err != nil {
		t.Fatal(err)
	}
	if err := <-slow; err == nil {
		t.Error("an answer arrived after the session had ended")
	}
	c.SignIn(ada)
	if answer := c.Get("/"); answer.StatusCode != http.StatusOK {
		t.Errorf("after signing in again: %d", answer.StatusCode)
	}
}
