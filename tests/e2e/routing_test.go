package e2e

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// Caddy's handle decides by the path which gate a request meets. A path that
// the app reads differently must not choose the more lenient one.
func TestHandleDoesNotLeadPastAGate(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: "handle /admin/* {\nsigra {\nrequire role admin\n}\nreverse_proxy {upstream}\n}\n" +
		"handle {\nsigra {\npublic /open/*\n}\nreverse_proxy {upstream}\n}"})
	g.AddUser(ada)
	c, visitor := g.SignedIn(ada), g.NewClient()
	for path, want := range map[string]int{
		"/x": 200, "/open/x": 200, "/admin/x": 403, "/;/admin/x": 403, "/admin;a/x": 403, "/x%5c..%5cadmin%5cx": 403, "/open/..%2fadmin/x": 403,
	} {
		if answer := c.Fetch(path); answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, answer.StatusCode, want)
		}
		if answer := visitor.Fetch(path); (answer.StatusCode == 200) != (path == "/open/x") {
			t.Errorf("%s as a visitor: %d", path, answer.StatusCode)
		}
	}
}

// A request that failed on its way to one app and is passed to another by
// handle_errors has no identity any more, unless a gate gives it one again.
func TestErrorRoutesGetNoIdentity(t *testing.T) {
	for name, test := range map[string]struct {
		guard string
		named bool
	}{"without a gate": {"", false}, "with a gate": {"sigra\n", true}} {
		g := gateway.Start(t, gateway.Config{
			Site: "sigra\nreverse_proxy 127.0.0.1:1\nhandle_errors {\n" + test.guard + "reverse_proxy {upstream}\n}",
		})
		g.AddUser(ada)
		if err := expect(g.SignedIn(ada).Fetch("/"), http.StatusOK); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mustBeOurs(t, name, g, test.named)
		if warned := strings.Contains(g.Log(), "handle_errors passes requests"); warned == test.named {
			t.Errorf("%s: warned %v", name, warned)
		}
	}
}

// A rejected reload leaves the gateway as it was, though its new configuration
// may have started before another part of it failed.
func TestReloadThatFailsAfterItsStartChangesNothing(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	g := gateway.Start(t, gateway.Config{Global: "throttle {\nnetwork 1000 15m\n}"})
	stricter := strings.Replace(g.Caddyfile(), "network 1000 15m", "network 1 15m", 1) + "http://" + busy.Addr().String() + " {\nbind 127.0.0.1\nrespond no\n}\n"
	for range 8 { // Caddy starts its apps in any order
		if err := g.Reload(stricter); err == nil {
			t.Fatal("a configuration with a busy port was accepted")
		}
	}
	for n := range 5 {
		form := url.Values{"email": {"nobody@example.com"}, "password": {"wrong"}}
		if err := expect(g.NewClient().Post("/_auth/login", form), http.StatusUnprocessableEntity); err != nil {
			t.Fatalf("attempt %d: %v", n, err)
		}
	}
}

// A wildcard covers names that may lead elsewhere: they are no place to return
// to, and none that may open a WebSocket.
func TestWildcardSitesVouchForNoOtherHost(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Host: "*.example.com", TLS: true, Global: "cookie {\ndomain example.com\n}"})
	g.URL = strings.Replace(g.URL, "*", "app", 1)
	g.AddUser(ada)
	c := g.NewClient()
	for to, want := range map[string]string{
		"https://elsewhere.example.com/phish": "/_auth/account", g.URL + "/there": g.URL + "/there", "/there": "/there",
	} {
		answer := c.Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}, "return_to": {to}})
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("return to %s leads to %q, want %q", to, got, want)
		}
	}
	for origin, ok := range map[string]bool{g.URL: true, "https://elsewhere.example.com": false} {
		ws, err := c.WebSocket("Origin", origin)
		if err == nil {
			_ = ws.CloseNow()
		}
		if (err == nil) != ok {
			t.Errorf("a WebSocket from %s: %v", origin, err)
		}
	}
}
