package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// boss owns the organizations of these tests.
const boss = "boss@example.com"

// run runs a command of the CLI.
func run(t *testing.T, g *gateway.Gateway, args ...string) {
	t.Helper()
	if _, err := g.CLI("", args...); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// newAcme is a pair of gateways of an app for the admins of organizations, with one
// organization: Ada and Bob are its admins.
func newAcme(t *testing.T) pair {
	t.Helper()
	p := newPair(t, "throttle {\naccount 1000 15m\nnetwork 1000 15m\n}")
	for _, g := range []*gateway.Gateway{p.a, p.b} {
		g.Site = "sigra {\nrequire org\nrequire role admin\n}\nreverse_proxy {upstream}"
		if err := g.Reload(g.Caddyfile()); err != nil {
			t.Fatal(err)
		}
	}
	p.a.AddUser(boss)
	p.a.AddUser(bob)
	run(t, p.a, "org", "create", "--name", "Acme", "--slug", "acme", "--owner", boss)
	for _, admin := range []string{ada, bob} {
		run(t, p.a, "org", "add-member", "acme", admin, "--role", "admin")
	}
	return p
}

// echoes reports whether a WebSocket works.
func echoes(ws *websocket.Conn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageText, []byte("still there")); err != nil {
		return false
	}
	_, message, err := ws.Read(ctx)
	return err == nil && string(message) == "still there"
}

// mustLose checks that the streams end within a second of a change, and that no
// request passes any more on any node.
func (o open) mustLose(t *testing.T, p pair, since time.Time) {
	t.Helper()
	for _, g := range []*gateway.Gateway{p.b, p.a} {
		if answer := o.At(g).Fetch("/"); answer.StatusCode != http.StatusForbidden {
			t.Errorf("the next request: %d", answer.StatusCode)
		}
		if ws, err := o.At(g).WebSocket(); err == nil {
			t.Error("a new WebSocket opens")
			_ = ws.CloseNow()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if _, _, err := o.ws.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the WebSocket is open: %v", err)
	}
	buffer := make([]byte, 64)
	for ended := false; !ended; {
		if _, err := o.events.Read(buffer); err != nil {
			ended = true
		} else if time.Since(since) > 3*time.Second {
			t.Fatal("the event stream is open")
		}
	}
	if took := time.Since(since); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

// A change of what somebody may do in an organization holds from the next request
// on, on every node, and ends what was let through before.
func TestRightsInAnOrganizationEndEverywhere(t *testing.T) {
	p := newAcme(t)
	other := p.a.SignedIn(bob).At(p.b)
	untouched, err := other.WebSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer untouched.CloseNow()
	for name, change := range map[string]struct{ take, give []string }{
		"demoted": {[]string{"org", "set-role", "acme", ada, "member"}, []string{"org", "set-role", "acme", ada, "admin"}},
		"removed": {[]string{"org", "remove-member", "acme", ada}, []string{"org", "add-member", "acme", ada, "--role", "admin"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := openAt(t, p)
			run(t, p.a, change.take...)
			o.mustLose(t, p, time.Now())
			run(t, p.a, change.give...)
			for _, g := range []*gateway.Gateway{p.a, p.b} {
				if answer := o.At(g).Fetch("/"); answer.StatusCode != http.StatusOK || g.Upstream.Last().Header.Get("Sigra-Org-Role") != "admin" {
					t.Errorf("when it is given back: %d, the app was told %v", answer.StatusCode, g.Upstream.Last().Header)
				}
			}
			ws, err := o.WebSocket()
			if err != nil {
				t.Fatalf("a WebSocket after that: %v", err)
			}
			time.Sleep(3 * time.Second) // longer than streams that are to end are looked after
			if !echoes(ws) {
				t.Error("a WebSocket that was opened after the change was closed")
			}
			_ = ws.CloseNow()
		})
	}
	if !echoes(untouched) {
		t.Error("a WebSocket of another member was closed")
	}
}

// A Redis that falls back to an older state, as at a fail-over to a replica that lags,
// gives nobody back what they have lost.
func TestLostRightsStayLostWhenRedisForgets(t *testing.T) {
	p := newAcme(t)
	o := p.a.SignedIn(ada)
	client := redis.NewClient(&redis.Options{Addr: p.redis.Addr})
	defer client.Close()
	names, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	older := make(map[string]string)
	for _, name := range names {
		if older[name], err = client.Dump(t.Context(), name).Result(); err != nil {
			t.Fatal(err)
		}
	}
	run(t, p.a, "org", "set-role", "acme", ada, "member")
	for name, value := range older {
		if err := client.RestoreReplace(t.Context(), name, time.Hour, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	for _, g := range []*gateway.Gateway{p.a, p.b} {
		g.Await(func() error { return expect(o.At(g).Fetch("/"), http.StatusForbidden) })
	}
}

// What does not change what somebody may do leaves their streams alone.
func TestNamesLeaveStreamsAlone(t *testing.T) {
	p := newAcme(t)
	o := openAt(t, p)
	run(t, p.a, "org", "rename", "acme", "Acme Incorporated")
	time.Sleep(2 * time.Second)
	if !echoes(o.ws) {
		t.Error("another name of the organization closed a WebSocket")
	}
	run(t, p.a, "org", "set-slug", "acme", "acme-inc")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, _, err := o.ws.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the organization is known by another slug, but a WebSocket that named the old one is open: %v", err)
	}
	if answer := o.Fetch("/"); answer.StatusCode != http.StatusOK || p.b.Upstream.Last().Header.Get("Sigra-Org") != "acme-inc" {
		t.Errorf("%d, the app was told %v", answer.StatusCode, p.b.Upstream.Last().Header)
	}
}

// A role that a request carries after a change is never the old one.
func TestRoleOfTheNextRequest(t *testing.T) {
	p := newAcme(t)
	for _, g := range []*gateway.Gateway{p.a, p.b} {
		g.Site = "sigra {\nrequire org\n}\nreverse_proxy {upstream}"
		if err := g.Reload(g.Caddyfile()); err != nil {
			t.Fatal(err)
		}
	}
	c := p.a.SignedIn(ada)
	for _, role := range []string{"member", "admin", "member", "admin", "member"} {
		run(t, p.a, "org", "set-role", "acme", ada, role)
		for _, g := range []*gateway.Gateway{p.b, p.a} {
			c.At(g).Fetch("/")
			told := g.Upstream.Last().Header
			if told.Get("Sigra-Org-Role") != role || told.Get("Remote-Groups") != "acme:"+role {
				t.Errorf("the role is %s, the app was told %v", role, told)
			}
		}
	}
}
