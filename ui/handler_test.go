package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

func TestUnknownPaths(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{
		"/_auth/nothing", "/_auth/login/", "/_auth//login", "/_auth/LOGIN", "/_auth/setup", "/_auth/setup/", "/_auth/account/", "/_auth/account/sessions/",
		"/_auth/assets", "/_auth/login/x", "/_auth/%6cogin/..", "/_auth/../login", "/_auth/jwks.json/",
	} {
		want(t, p.get(path, "Cookie", cookieLine()), http.StatusNotFound, "Nothing here")
	}
	if p.sessions.reads.Load() > 0 {
		t.Error("a path that does not exist cost a look for a session")
	}
}

func TestWrongMethods(t *testing.T) {
	p := newPortal(t)
	for path, allow := range map[string]string{
		"/_auth/login": "GET, HEAD, POST", "/_auth/logout": "GET, HEAD, POST", "/_auth/setup/x": "GET, HEAD, POST", "/_auth/step-up": "GET, HEAD, POST",
		"/_auth/account": "GET, HEAD", "/_auth/jwks.json": "GET, HEAD", "/_auth/whoami": "GET, HEAD", "/_auth/healthz": "GET, HEAD", "/_auth/assets/x": "GET, HEAD",
		"/_auth/account/sessions/revoke": "POST", "/_auth/account/sessions/revoke-others": "POST",
	} {
		methods := []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "BREW", "post"}
		if allow == "POST" {
			methods = append(methods, http.MethodGet, http.MethodHead)
		}
		if !strings.Contains(allow, "POST") {
			methods = append(methods, http.MethodPost)
		}
		for _, method := range methods {
			w := p.serve(request(method, path, "", "Cookie", cookieLine()))
			want(t, w, http.StatusMethodNotAllowed)
			wantHeader(t, w, "Allow", allow)
		}
	}
	if len(p.accounts.calls) > 0 {
		t.Errorf("calls: %v", p.accounts.calls)
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/_auth/login", "/_auth/account", "/_auth/whoami", "/_auth/jwks.json", "/_auth/healthz", "/_auth/none"} {
		get := p.get(path, "Cookie", cookieLine())
		head := p.serve(request(http.MethodHead, path, "", "Cookie", cookieLine()))
		if head.Code != get.Code || head.Body.Len() > 0 || head.Header().Get("Content-Type") != get.Header().Get("Content-Type") {
			t.Errorf("%s: %d with %d bytes, GET is %d", path, head.Code, head.Body.Len(), get.Code)
		}
	}
}

func TestSecurityHeadersOnEveryAnswer(t *testing.T) {
	p := newPortal(t)
	for _, w := range []interface{ Header() http.Header }{
		p.get("/_auth/login"), p.get("/_auth/account"), p.get("/_auth/account", "Cookie", cookieLine()), p.get("/_auth/none"),
		p.post("/_auth/login", credentials()), p.post("/_auth/logout", nil), p.get("/_auth/whoami"), p.get("/_auth/healthz"),
		p.get("/_auth/login", "Accept", asJSON), p.post("/_auth/login", nil, "Content-Type", "text/plain"),
		p.problem(request(http.MethodGet, "/page", ""), Problem{Status: 403}),
	} {
		for name, value := range map[string]string{
			"Cache-Control": "no-store", "Vary": "Cookie, Accept", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Access-Control-Allow-Origin": "", "Content-Security-Policy": contentPolicy(""),
		} {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s: %q, want %q", name, got, value)
			}
		}
	}
	for _, directive := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if csp := contentPolicy(""); !slices.Contains(strings.Split(csp, "; "), directive) || strings.Contains(csp, "unsafe") {
			t.Errorf("the policy %q lacks %s", csp, directive)
		}
	}
}

func TestCORSIsClosed(t *testing.T) {
	p := newPortal(t)
	w := p.serve(request(http.MethodOptions, "/_auth/login", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST"))
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is set", name)
		}
	}
}

func TestGarbageCookiesReachNoStore(t *testing.T) {
	p := newPortal(t)
	for _, line := range []string{"", testCookie.Name + "=", testCookie.Name + "=x", testCookie.Name + "=" + strings.Repeat("A", 5000), "sigra=" + testToken.String()} {
		want(t, p.get("/_auth/whoami", "Cookie", line), http.StatusUnauthorized)
	}
	if p.sessions.reads.Load() > 0 {
		t.Errorf("%d reads", p.sessions.reads.Load())
	}
}

func TestSessionStoreAway(t *testing.T) {
	p := newPortal(t)
	p.sessions.err = authcore.ErrUnavailable
	for _, path := range []string{"/_auth/", "/_auth/account", "/_auth/account/sessions", "/_auth/login", "/_auth/logout", "/_auth/step-up", "/_auth/whoami"} {
		w := p.get(path, "Cookie", cookieLine())
		want(t, w, http.StatusServiceUnavailable)
		wantHeader(t, w, "Retry-After", "5")
	}
	want(t, p.get("/_auth/login"), http.StatusOK)
	want(t, p.get("/_auth/jwks.json", "Cookie", cookieLine()), http.StatusOK)
}

func TestPagesAnswerInJSON(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/_auth/login", "/_auth/setup/x"} {
		w := p.get(path, "Accept", asJSON)
		if want(t, w, http.StatusOK); decode(t, w)["status"] != "ok" {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
	w := p.get("/_auth/logout", "Accept", asJSON, "Cookie", cookieLine())
	if want(t, w, http.StatusOK); decode(t, w)["status"] != "ok" {
		t.Errorf("%s", w.Body)
	}
}

func TestPortalOnAnotherPath(t *testing.T) {
	p := newPortal(t)
	p.facts.Base, p.facts.Cookie = "/login/here", session.CookieFor(false, "")
	w := p.get("/login/here/login?return_to=/login/here/logout")
	want(t, w, http.StatusOK, `action="/login/here/login"`, `src="/login/here/assets/`, `value="/login/here/account"`)
	wantNext(t, p.get("/login/here"), "/login/here/login?return_to="+url.QueryEscape("/login/here"))
}
