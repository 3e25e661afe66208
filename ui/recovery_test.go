package ui

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
)

var testSecret = strings.Repeat("A", 43)

func TestAskingForALink(t *testing.T) {
	for page, call := range map[string]string{"magic": "AskSignInLink", "reset": "AskReset"} {
		p := newPortal(t)
		path := "/_auth/" + page
		want(t, p.get(path), http.StatusOK, `action="/_auth/`+page+`"`, `name="email"`, `autocomplete="username"`)
		w := p.post(path, url.Values{"email": {"ada@example.com"}, "return_to": {"/there"}})
		wantNext(t, w, path+"?sent=1&return_to=%2Fthere")
		if p.recovery.asked.Email != "ada@example.com" || p.recovery.asked.ReturnTo != "/there" || p.recovery.calls[0] != call {
			t.Errorf("%s asked for %+v", page, p.recovery)
		}
		asked := cookie(w, "__Host-sigra-asked")
		if asked == nil || !asked.HttpOnly || !asked.Secure || asked.MaxAge <= 0 {
			t.Fatalf("the address is not kept: %v", asked)
		}
		w = p.get(path+"?sent=1&return_to=%2Fthere", "Cookie", asked.Name+"="+asked.Value)
		want(t, w, http.StatusOK, "If there is an account with this address", "ada@example.com", "among the spam", `name="email" value="ada@example.com"`,
			`name="return_to" value="/there"`, `<a href="/_auth/`+page+`?return_to=%2fthere">Use another address</a>`, `href="/_auth/login?return_to=%2fthere"`)
		wantNext(t, p.post(path, url.Values{"email": {"ada@example.com"}, "again": {"on"}}), path+"?sent=again")
		want(t, p.get(path+"?sent=again"), http.StatusOK, "another link is on its way", "Use another address")
		p.recovery.err = &account.InvalidError{Fields: map[string]account.Problem{"email": account.ProblemEmail}}
		want(t, p.post(path, url.Values{"email": {"<x>"}}), http.StatusUnprocessableEntity, "not an e-mail address", `value="&lt;x&gt;"`)
		p.recovery.err = &account.ThrottledError{RetryAfter: 90 * time.Second}
		w = p.post(path, url.Values{"email": {"a@b.c"}})
		want(t, w, http.StatusTooManyRequests, "Too many attempts")
		wantHeader(t, w, "Retry-After", "90")
		p.recovery.err = authcore.ErrUnavailable
		want(t, p.post(path, url.Values{"email": {"a@b.c"}}), http.StatusServiceUnavailable)
	}
}

func TestPlantedAddressesAreNotShown(t *testing.T) {
	p := newPortal(t)
	for _, line := range []string{"", "__Host-sigra-asked=***", "__Host-sigra-asked=_w", "__Host-sigra-asked=eA; __Host-sigra-asked=eQ"} {
		w := p.get("/_auth/magic?sent=1", "Cookie", line)
		if want(t, w, http.StatusOK, "If there is an account with this address"); strings.Contains(w.Body.String(), `class="who"`) {
			t.Errorf("%q is shown", line)
		}
	}
	w := p.get("/_auth/magic?sent=1", "Cookie", "__Host-sigra-asked="+base64.RawURLEncoding.EncodeToString([]byte(xss)))
	if want(t, w, http.StatusOK, "&lt;script&gt;"); strings.Contains(w.Body.String(), "<script>alert") {
		t.Errorf("%s", w.Body)
	}
}

func TestAskedLinksLeadNowhereElse(t *testing.T) {
	p := newPortal(t)
	p.post("/_auth/magic", url.Values{"email": {"ada@example.com"}, "return_to": {"https://evil.example/"}})
	if got := p.recovery.asked.ReturnTo; got != "" {
		t.Errorf("returns to %q", got)
	}
}

func TestLinksActOnlyWhenTheButtonIsPressed(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/_auth/magic/" + testSecret, "/_auth/reset/" + testSecret} {
		w := p.get(path)
		want(t, w, http.StatusOK, `action="`+path+`"`, `method="post"`)
		wantHeader(t, w, "Referrer-Policy", "no-referrer")
		for _, call := range p.recovery.calls {
			if !strings.HasPrefix(call, "Check ") {
				t.Errorf("opening %s did %s", path, call)
			}
		}
		p.recovery.err = authcore.ErrNotFound
		want(t, p.get(path), http.StatusNotFound, "has expired or was used already")
		want(t, p.post(path, url.Values{"password": {"x"}}), http.StatusNotFound)
		p.recovery.err, p.recovery.calls = nil, nil
	}
}

func TestSigningInByLink(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/magic/" + testSecret + "?return_to=%2Fthere")
	want(t, w, http.StatusOK, `name="return_to" value="/there"`)
	w = p.post("/_auth/magic/"+testSecret, url.Values{"return_to": {"/there"}, "remember": {"on"}}, "Cookie", cookieLine())
	wantNext(t, w, "/there")
	if c := cookie(w, testCookie.Name); c == nil || c.Value != freshToken.String() {
		t.Errorf("the session: %v", c)
	}
	if got := p.recovery.calls[len(p.recovery.calls)-1]; got != "SignIn "+testSecret+"true" {
		t.Errorf("called %s", got)
	}
}

func TestResettingByLink(t *testing.T) {
	p := newPortal(t)
	path := "/_auth/reset/" + testSecret
	p.recovery.err = &account.InvalidError{Fields: map[string]account.Problem{"password": account.ProblemCommon}}
	w := p.post(path, url.Values{"password": {"password1"}})
	want(t, w, http.StatusUnprocessableEntity, "most common passwords", `action="`+path+`"`)
	if strings.Contains(w.Body.String(), "password1") {
		t.Error("the password is shown again")
	}
	p.recovery.err = nil
	wantNext(t, p.post(path, url.Values{"password": {"a better one"}}), "/_auth/login?changed=1")
	want(t, p.get("/_auth/login?changed=1"), http.StatusOK, "Your password has changed")
}

func TestAForgottenPasswordKeepsTheWay(t *testing.T) {
	p := newPortal(t)
	path := "/_auth/reset/" + testSecret
	want(t, p.get("/_auth/login?return_to=/there"), http.StatusOK, `href="/_auth/reset?return_to=%2fthere"`)
	want(t, p.get("/_auth/reset?return_to=/there"), http.StatusOK, `name="return_to" value="/there"`)
	want(t, p.get(path+"?return_to=/there"), http.StatusOK, `name="return_to" value="/there"`)
	form := url.Values{"password": {"x"}, "return_to": {"/there"}}
	wantNext(t, p.post(path, form), "/_auth/login?changed=1&return_to=%2Fthere")
	p.recovery.err = &account.InvalidError{Fields: map[string]account.Problem{"password": account.ProblemTooShort}}
	want(t, p.post(path, form), http.StatusUnprocessableEntity, `name="return_to" value="/there"`)
	form.Set("return_to", "//evil.example")
	p.recovery.err = nil
	wantNext(t, p.post(path, form), "/_auth/login?changed=1")
}
