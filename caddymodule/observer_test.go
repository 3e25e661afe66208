package caddymodule

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/sigra-auth/sigra/authcore/events"
)

func init() { caddy.RegisterModule(new(listener)) }

// listener is an event handler of an operator.
type listener struct{}

// heard is what the listeners of the process were told.
var heard struct {
	sync.Mutex
	events []caddy.Event
}

func (*listener) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.test_listener", New: func() caddy.Module { return new(listener) }}
}

func (*listener) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	return nil
}

func (*listener) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	defer heard.Unlock()
	heard.events = append(heard.events, e)
	return nil
}

// What happens to accounts reaches the handlers that a Caddyfile subscribes, with
// no secret in it.
func TestEventsReachTheHandlersOfTheCaddyfile(t *testing.T) {
	heard.events = nil
	g := newGateway(t, "}\nevents {\non * test_listener", "sigra")
	if err := g.app.observer.events.Start(); err != nil {
		t.Fatal(err)
	}
	cookie := g.signIn(t)
	post := func(path string, form url.Values) {
		t.Helper()
		r := get(path, "Cookie", cookie, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded")
		r.Method, r.Body = http.MethodPost, http.NoBody
		if form != nil {
			r.Body = io.NopCloser(strings.NewReader(form.Encode()))
		}
		g.do(t, r)
	}
	post("/_auth/login", url.Values{"email": {testEmail}, "password": {"wrong"}})
	post("/_auth/logout", nil)
	told := make(map[events.Name]map[string]any)
	heard.Lock()
	defer heard.Unlock()
	for _, e := range heard.events {
		told[events.Name(e.Name())] = e.Data
		for name, value := range e.Data {
			if text, ok := value.(string); ok && (strings.Contains(cookie, text) && len(text) > 20 || text == testPassword || text == "wrong") {
				t.Errorf("%s tells a secret as %s", e.Name(), name)
			}
		}
		if e.Origin() == nil || e.Origin().CaddyModule().ID != appID {
			t.Errorf("%s comes from %v", e.Name(), e.Origin())
		}
	}
	for _, name := range []events.Name{events.UserCreated, events.SignedIn, events.SignInFailed, events.SignedOut} {
		if _, ok := told[name]; !ok {
			t.Errorf("no %s among %v", name, told)
		}
	}
	user, err := g.app.accounts.Find(t.Context(), testEmail)
	if err != nil || told[events.SignedIn]["user_id"] != user.ID {
		t.Errorf("the sign-in was told as %v, %v", told[events.SignedIn], err)
	}
}

var _ caddyevents.Handler = (*listener)(nil)
