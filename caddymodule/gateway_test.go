package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
)

// gateway is a provisioned and started configuration whose handlers are called
// without a network.
type gateway struct {
	app   *App
	chain caddyhttp.Handler
	// upstream is what the handlers call when the request may pass, and fail what they
	// get from it.
	upstream http.HandlerFunc
	fail     error
}

const (
	testEmail    = "ada@example.com"
	testPassword = "correct horse battery staple"
)

// newGateway starts a site from a Caddyfile on localhost and the names below it.
func newGateway(t testing.TB, global, directive string) *gateway {
	t.Helper()
	return newGatewayAt(t, everywhere, global, directive)
}

// everywhere is localhost and the names below it.
const everywhere = "http://localhost:8080, http://*.localhost:8080"

// newGatewayAt starts a site at other addresses.
func newGatewayAt(t testing.TB, addresses, global, directive string) *gateway {
	t.Helper()
	g := provisioned(t, lastingDir(t), addresses, global, directive)
	if err := g.app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.app.Stop() })
	return g
}

// provisioned is a gateway that has not started, with its files in a directory.
func provisioned(t testing.TB, dir, addresses, global, directive string) *gateway {
	t.Helper()
	text := "{\nadmin off\nstorage file_system " + dir + "\nsigra {\nstorage sqlite " + filepath.Join(dir, "test.db") + "\n" +
		global + "\n}\n}\n" + addresses + " {\n" + directive + "\nrespond ok\n}\n"
	app, ctx := appOfCaddyfile(t, text)
	g := &gateway{app: app}
	httpApp, err := ctx.App("http")
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range httpApp.(*caddyhttp.App).Servers {
		g.chain = g.chainOf(server.Routes)
	}
	return g
}

// appOfCaddyfile provisions a Caddyfile, and starts nothing.
func appOfCaddyfile(t testing.TB, text string) (*App, caddy.Context) {
	t.Helper()
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&config)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	loaded, err := ctx.App(appID)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.(*App), ctx
}

// lastingDir is a t.TempDir in which an engine may still write while it drains, after
// its test.
func lastingDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sigra")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for err = os.RemoveAll(dir); err != nil; err = os.RemoveAll(dir) {
			time.Sleep(10 * time.Millisecond)
		}
	})
	return dir
}

// chainOf links the handlers of Sigra as Caddy does, with the test's upstream
// behind them.
func (g *gateway) chainOf(routes caddyhttp.RouteList) caddyhttp.Handler {
	var handlers []caddyhttp.MiddlewareHandler
	var collect func(caddyhttp.RouteList)
	collect = func(routes caddyhttp.RouteList) {
		for _, route := range routes {
			for _, handler := range route.Handlers {
				switch h := handler.(type) {
				case *caddyhttp.Subroute:
					collect(h.Routes)
				case *Strip, *Portal, *Gate:
					handlers = append(handlers, h)
				}
			}
		}
	}
	collect(routes)
	var next caddyhttp.Handler = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if g.upstream != nil {
			g.upstream(w, r)
		}
		return g.fail
	})
	for i := len(handlers) - 1; i >= 0; i-- {
		handler, after := handlers[i], next
		next = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return handler.ServeHTTP(w, r, after)
		})
	}
	return next
}

// prepare gives a request what Caddy's server does.
func prepare(r *http.Request) *http.Request {
	ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{
		caddyhttp.TrustedProxyVarKey: false, caddyhttp.ClientIPVarKey: "192.0.2.1",
	})
	ctx = context.WithValue(ctx, caddy.ReplacerCtxKey, caddy.NewReplacer())
	ctx = context.WithValue(ctx, caddyhttp.OriginalRequestCtxKey, *r)
	return r.WithContext(ctx)
}

// get makes a request to the site.
func get(path string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return prepare(r)
}

// do serves a request.
func (g *gateway) do(t testing.TB, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := g.chain.ServeHTTP(w, r); err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return w
}

// signIn makes an account, unless it exists, and a session of it, and returns
// the cookie.
func (g *gateway) signIn(t testing.TB, change ...func(*account.NewUser)) string {
	t.Helper()
	user := account.NewUser{Email: testEmail, Name: "Ada Lovelace", Password: testPassword, Verified: true}
	for _, f := range change {
		f(&user)
	}
	if _, err := g.app.accounts.Find(t.Context(), user.Email); err != nil {
		if _, err := g.app.accounts.Add(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	signedIn, err := g.app.accounts.SignIn(t.Context(), account.SignIn{
		Email: user.Email, Password: user.Password, Client: authcore.Client{IP: "192.0.2.1", Site: "http://localhost:8080"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return session.CookieFor(false, "").Name + "=" + signedIn.Token.String()
}
