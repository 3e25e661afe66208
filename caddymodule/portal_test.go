package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// post sends a form to the site.
func post(path string, form url.Values, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return prepare(r)
}

// sessionCookie returns the session cookie that a response sets.
func sessionCookie(w *httptest.ResponseRecorder) string {
	for _, c := range w.Result().Cookies() {
		if c.Name == "sigra" {
			return c.Name + "=" + c.Value
		}
	}
	return ""
}

func TestSignInAndOut(t *testing.T) {
	g := newGateway(t, "", "sigra")
	g.signIn(t)
	kept := g.seen()
	form := url.Values{"email": {testEmail}, "password": {testPassword}, "return_to": {"/page?x=1"}}
	w := g.do(t, post("/_auth/login", form))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/page?x=1" {
		t.Fatalf("%d to %s", w.Code, w.Header().Get("Location"))
	}
	cookie := sessionCookie(w)
	g.do(t, get("/page?x=1", "Cookie", cookie))
	if kept.Get("Remote-User") != testEmail {
		t.Fatalf("the app was told %v", *kept)
	}
	w = g.do(t, post("/_auth/logout", nil, "Cookie", cookie))
	if w.Code != http.StatusSeeOther || !strings.Contains(w.Header().Get("Clear-Site-Data"), "cache") {
		t.Errorf("sign-out: %d %v", w.Code, w.Header())
	}
	if w := g.do(t, get("/", "Cookie", cookie)); w.Code != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", w.Code)
	}
}

func TestStepUpLetsTheRequestGoOn(t *testing.T) {
	g := newGateway(t, "", "sigra {\nrequire fresh 1s\n}")
	cookie := g.signIn(t)
	g.app.engine.sessions.Configure(g.app.Session.settings())
	waitStale(t, g, cookie)
	w := g.do(t, get("/billing", "Cookie", cookie, "Sec-Fetch-Mode", "navigate"))
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/_auth/step-up?return_to=%2Fbilling" {
		t.Fatalf("%d to %s", w.Code, got)
	}
	w = g.do(t, post("/_auth/step-up", url.Values{"password": {"wrong"}, "return_to": {"/billing"}}, "Cookie", cookie))
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("wrong password: %d", w.Code)
	}
	w = g.do(t, post("/_auth/step-up", url.Values{"password": {testPassword}, "return_to": {"/billing"}}, "Cookie", cookie))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/billing" {
		t.Fatalf("%d to %s", w.Code, w.Header().Get("Location"))
	}
	fresh := sessionCookie(w)
	if w := g.do(t, get("/billing", "Cookie", fresh)); w.Code != http.StatusOK {
		t.Errorf("with the new token: %d", w.Code)
	}
	if w := g.do(t, get("/billing", "Cookie", cookie)); w.Code != http.StatusUnauthorized || strings.Contains(w.Header().Get("Www-Authenticate"), "insufficient") {
		t.Errorf("the old token is alive: %d", w.Code)
	}
}

// waitStale waits until a proof is too old for the site.
func waitStale(t *testing.T, g *gateway, cookie string) {
	t.Helper()
	for range 100 {
		if w := g.do(t, get("/", "Cookie", cookie)); w.Code == http.StatusUnauthorized {
			return
		}
		pause()
	}
	t.Fatal("the proof stays fresh")
}

func TestPortalOwnsItsPathAlone(t *testing.T) {
	p := &Portal{base: "/_auth"}
	for path, want := range map[string]bool{
		"/_auth": true, "/_auth/": true, "/_auth/login": true, "/_auth/../x": true,
		"/_authx": false, "/_aut": false, "/": false, "/x/_auth": false, "/_AUTH/login": false,
	} {
		if got := p.owns(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestValidatePortal(t *testing.T) {
	for portal, ok := range map[string]bool{
		"/_auth": true, "/a/b": true,
		"": false, "/": false, "/_auth/": false, "auth": false, "/a/../b": false, "/a//b": false,
		"https://login.example.com/_auth": false, "javascript:alert(1)": false,
	} {
		if err := validatePortal(portal); (err == nil) != ok {
			t.Errorf("%q: %v", portal, err)
		}
	}
}
