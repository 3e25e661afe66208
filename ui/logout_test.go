package ui

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
)

func TestLogoutPageOnlyAsks(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/logout", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "<title>Sign out? · Sigra</title>", "ada@example.com", `<form method="post" action="/_auth/logout">`)
	if len(p.accounts.calls) > 0 || len(w.Result().Cookies()) > 0 {
		t.Error("looking signed out")
	}
	wantNext(t, p.get("/_auth/logout"), "/_auth/login")
}

func TestLogout(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/logout", nil, "Cookie", cookieLine())
	wantNext(t, w, "/_auth/login?done=signed_out")
	wantHeader(t, w, "Clear-Site-Data", `"cache", "storage"`)
	if !slices.Equal(p.accounts.calls, []string{"SignOut this"}) {
		t.Errorf("calls: %v", p.accounts.calls)
	}
	if c := cookie(w, "__Host-sigra"); c == nil || c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("the cookie stays: %v", c)
	}
	if cookie(w, "__Host-sigra-device") != nil {
		t.Error("the browser is not known any more")
	}
}

func TestLogoutToUseAnotherAccount(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/logout", url.Values{"return_to": {"/page?x=1"}}, "Cookie", cookieLine())
	wantNext(t, w, "/_auth/login?return_to=%2Fpage%3Fx%3D1&done=signed_out")
	w = p.post("/_auth/logout", url.Values{"return_to": {"//evil.example"}}, "Cookie", cookieLine())
	wantNext(t, w, "/_auth/login?return_to=%2F_auth%2Faccount&done=signed_out")
}

func TestLogoutWithoutASession(t *testing.T) {
	p := newPortal(t)
	for _, line := range []string{"", testCookie.Name + "=garbage", testCookie.Name + "=" + freshToken.String()} {
		w := p.post("/_auth/logout", nil, "Cookie", line)
		wantNext(t, w, "/_auth/login?done=signed_out")
		if cookie(w, "__Host-sigra") == nil {
			t.Errorf("%q stays in the browser", line)
		}
	}
	if len(p.accounts.calls) > 0 {
		t.Errorf("calls: %v", p.accounts.calls)
	}
}

func TestLogoutThatCannotBe(t *testing.T) {
	p := newPortal(t)
	p.accounts.signOutErr = authcore.ErrUnavailable
	w := p.post("/_auth/logout", nil, "Cookie", cookieLine())
	want(t, w, http.StatusServiceUnavailable)
	if len(w.Result().Cookies()) > 0 || w.Header().Get("Clear-Site-Data") != "" {
		t.Error("it looks like signed out, but is not")
	}
	p = newPortal(t)
	p.sessions.err = authcore.ErrUnavailable
	w = p.post("/_auth/logout", nil, "Cookie", cookieLine())
	want(t, w, http.StatusServiceUnavailable)
	if len(w.Result().Cookies()) > 0 {
		t.Error("the session was forgotten, but lives on")
	}
}

func TestLogoutFromAnotherSite(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/logout", nil, "Cookie", cookieLine(), "Sec-Fetch-Site", "cross-site")
	want(t, w, http.StatusForbidden)
	if len(p.accounts.calls) > 0 || len(w.Result().Cookies()) > 0 {
		t.Error("another site signed the visitor out")
	}
}

func TestLogoutAsJSON(t *testing.T) {
	p := newPortal(t)
	w := p.serve(request(http.MethodPost, "/_auth/logout", "", "Cookie", cookieLine(), "Accept", asJSON))
	if want(t, w, http.StatusOK); decode(t, w)["next"] != "/_auth/login" {
		t.Errorf("%s", w.Body)
	}
}
