package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// A database that answers late is one that is away only when it is very late.
func TestPostgresSlow(t *testing.T) {
	slow := servers.SlowPostgres(t, servers.Postgres(t))
	g := gateway.Start(t, gateway.Config{Global: "storage postgres " + slow.DSN + "\nsessions redis " + servers.Redis(t).URL})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	slow.By(30 * time.Millisecond)
	if err := expect(g.NewClient().Post("/_auth/login", credentialsOf(ada)), http.StatusSeeOther); err != nil {
		t.Errorf("sign-in with a slow database: %v", err)
	}
	slow.By(20 * time.Second)
	for range 5 {
		began := time.Now()
		if err := expect(c.Get("/"), http.StatusOK); err != nil || time.Since(began) > 3*time.Second {
			t.Errorf("a session in Redis, after %s: %v", time.Since(began), err)
		}
	}
	began := time.Now()
	if err := expect(g.NewClient().Post("/_auth/login", credentialsOf(ada)), http.StatusServiceUnavailable); err != nil || time.Since(began) > 12*time.Second {
		t.Errorf("sign-in with a hanging database, after %s: %v", time.Since(began), err)
	}
	slow.By(0)
	g.Await(func() error {
		return expect(g.NewClient().Post("/_auth/login", credentialsOf(ada)), http.StatusSeeOther)
	})
}

// Sessions in a database that is away: those in the cache go on, for nothing can
// revoke them meanwhile, and the others are not known.
func TestSessionsInPostgresAway(t *testing.T) {
	postgres := servers.DedicatedPostgres(t)
	g := gateway.Start(t, gateway.Config{
		Global: "storage postgres " + postgres.DSN, Site: "sigra {\npublic /public/*\n}\nreverse_proxy {upstream}",
	})
	g.AddUser(ada)
	for name, fault := range map[string]struct{ lose, restore func(testing.TB) }{
		"killed": {postgres.Kill, postgres.Start},
		"hung":   {postgres.Pause, postgres.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			c, fresh := g.SignedIn(ada), g.SignedIn(ada)
			if err := expect(c.Get("/"), http.StatusOK); err != nil {
				t.Fatal(err)
			}
			fault.lose(t)
			if err := expect(c.Get("/"), http.StatusOK); err != nil {
				t.Errorf("a session that is cached: %v", err)
			}
			if answer := fresh.Get("/"); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Errorf("a session that is not cached: %d", answer.StatusCode)
			}
			if answer := fresh.Get("/public/x"); answer.StatusCode != http.StatusOK || g.Upstream.Last().Header.Get("Remote-User") != "" {
				t.Errorf("a public path: %d as %q", answer.StatusCode, g.Upstream.Last().Header.Get("Remote-User"))
			}
			if err := expect(g.NewClient().Post("/_auth/login", credentialsOf(ada)), http.StatusServiceUnavailable); err != nil {
				t.Errorf("sign-in: %v", err)
			}
			fault.restore(t)
			until(t, fresh, "/", http.StatusOK, 15*time.Second)
			until(t, c, "/", http.StatusOK, 15*time.Second)
		})
	}
}
