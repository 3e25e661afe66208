package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
)

const (
	asJSON = "application/json"
	xss    = `"><script>alert(1)</script>`
)

func credentials(more ...string) url.Values {
	form := url.Values{"email": {"ada@example.com"}, "password": {"correct horse"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

func TestLoginPage(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/login?return_to=/page%3Fx%3D1")
	want(t, w, http.StatusOK, `<html lang="en">`, "<title>Sign in · Sigra</title>", `action="/_auth/login"`,
		`autocomplete="username webauthn"`, `autocomplete="current-password"`, `name="return_to" value="/page?x=1"`,
		`href="#main"`, `name="remember"`)
	wantHeader(t, w, "Content-Type", "text/html; charset=utf-8")
	if strings.Contains(w.Body.String(), "aria-invalid") {
		t.Error("an error before anything was sent")
	}
}

func TestLoginPageSendsMembersOn(t *testing.T) {
	p := newPortal(t)
	wantNext(t, p.get("/_auth/login?return_to=/page", "Cookie", cookieLine()), "/page")
	wantNext(t, p.get("/_auth/login?return_to=//evil.example", "Cookie", cookieLine()), "/_auth/account")
	w := p.get("/_auth/login?return_to=/page", "Cookie", cookieLine(), "Accept", asJSON)
	if want(t, w, http.StatusOK); decode(t, w)["next"] != "/page" {
		t.Errorf("%s", w.Body)
	}
}

func TestLogin(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/login", credentials("remember", "on", "return_to", "/page"), "Cookie", testCookie.Name+"-device=mark; "+testCookie.Name+"-trust=secret")
	wantNext(t, w, "/page")
	if in := p.accounts.signIn; in.Email != "ada@example.com" || in.Password != "correct horse" || !in.Remember || !slices.Equal(in.Devices, []string{"mark"}) || in.Client.IP != p.facts.Client.IP || !slices.Equal(in.Client.Trust, []string{"secret"}) {
		t.Errorf("the service was asked %+v", in)
	}
	c := cookie(w, "__Host-sigra")
	if c == nil || c.Value != freshToken.String() || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("session cookie: %v", c)
	}
	d := cookie(w, "__Host-sigra-device")
	if d == nil || d.Value != "device-mark" || !d.HttpOnly || !d.Secure || d.SameSite != http.SameSiteLaxMode || d.Path != "/" || d.MaxAge != 365*24*3600 || d.Domain != "" {
		t.Errorf("device cookie: %v", d)
	}
}

func TestLoginAsJSON(t *testing.T) {
	p := newPortal(t)
	body := `{"email":"ada@example.com","password":"correct horse","remember":true,"return_to":"/page"}`
	w := p.serve(request(http.MethodPost, "/_auth/login", body, "Content-Type", "application/json; charset=utf-8", "Accept", asJSON))
	want(t, w, http.StatusOK)
	wantHeader(t, w, "Content-Type", asJSON)
	if got := decode(t, w); got["status"] != "ok" || got["next"] != "/page" || !p.accounts.signIn.Remember {
		t.Errorf("%v, asked %+v", got, p.accounts.signIn)
	}
	p.accounts.err = account.ErrInvalidCredentials
	w = p.serve(request(http.MethodPost, "/_auth/login", body, "Content-Type", asJSON, "Accept", asJSON))
	want(t, w, http.StatusUnprocessableEntity)
	if got := decode(t, w); got["status"] != "error" || got["errors"].(map[string]any)["form"] == "" {
		t.Errorf("%v", got)
	}
}

func TestLoginRefused(t *testing.T) {
	p := newPortal(t)
	p.accounts.err = account.ErrInvalidCredentials
	w := p.post("/_auth/login", credentials("email", xss, "password", "s3cret-typed", "remember", "on", "return_to", "/page"))
	want(t, w, http.StatusUnprocessableEntity, "The e-mail address or the password is wrong, or there were too many attempts.", `value="&#34;&gt;&lt;script&gt;`,
		`role="alert"`, "autofocus", `aria-invalid="true"`, `aria-describedby="form-error"`, " checked", `value="/page"`)
	if body := w.Body.String(); strings.Contains(body, "s3cret-typed") || strings.Contains(body, "<script>alert") {
		t.Errorf("the page echoes too much:\n%s", body)
	}
	if len(w.Result().Cookies()) > 0 {
		t.Error("a refused sign-in sets cookies")
	}
}

func TestLoginShowsNoMoreThanAnAddress(t *testing.T) {
	p := newPortal(t)
	p.accounts.err = account.ErrInvalidCredentials
	w := p.post("/_auth/login", credentials("email", strings.Repeat("é", 400)))
	want(t, w, http.StatusUnprocessableEntity, strings.Repeat("é", 127)+`"`)
	if body := w.Body.String(); strings.Contains(body, strings.Repeat("é", 128)) || !utf8.ValidString(body) {
		t.Error("the address is not cut between characters at 254 bytes")
	}
	w = p.post("/_auth/login", credentials("email", "a"+strings.Repeat("é", 400)))
	if body := w.Body.String(); !utf8.ValidString(body) || strings.ContainsRune(body, utf8.RuneError) {
		t.Error("half a character is shown")
	}
}

func TestLoginFailures(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		status     int
		retryAfter string
		text       string
	}{
		"throttled":   {&account.ThrottledError{RetryAfter: 1500 * time.Millisecond}, http.StatusTooManyRequests, "2", "Too many attempts"},
		"unavailable": {authcore.ErrUnavailable, http.StatusServiceUnavailable, "5", "Back in a moment"},
		"broken":      {errBroken, http.StatusInternalServerError, "", "Something went wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t)
			p.accounts.err = c.err
			w := p.post("/_auth/login", credentials("return_to", "https://other.example.com/x"))
			want(t, w, c.status, c.text)
			wantHeader(t, w, "Retry-After", c.retryAfter)
			if again := `href="/_auth/login?return_to=https%3A%2F%2Fother.example.com%2Fx">Try again<`; w.Code >= 500 && !strings.Contains(w.Body.String(), again) {
				t.Errorf("the page lacks %s:\n%s", again, w.Body)
			}
			if len(w.Result().Cookies()) > 0 {
				t.Error("a failed sign-in sets cookies")
			}
		})
	}
}

func TestLoginEndsTheSessionBefore(t *testing.T) {
	p := newPortal(t)
	wantNext(t, p.post("/_auth/login", credentials(), "Cookie", cookieLine()), "/_auth/account")
	if got := p.accounts.calls; !slices.Equal(got, []string{"SignIn", "SignOut this"}) {
		t.Errorf("calls: %v", got)
	}
	p.accounts.signOutErr = authcore.ErrUnavailable
	w := p.post("/_auth/login", credentials(), "Cookie", cookieLine())
	want(t, w, http.StatusServiceUnavailable)
	if len(w.Result().Cookies()) > 0 {
		t.Error("a new session was handed out beside one that lives on")
	}
}

func TestLoginKeepsTheSessionBeforeWhenRefused(t *testing.T) {
	p := newPortal(t)
	p.accounts.err = account.ErrInvalidCredentials
	want(t, p.post("/_auth/login", credentials(), "Cookie", cookieLine()), http.StatusUnprocessableEntity)
	if slices.Contains(p.accounts.calls, "SignOut this") {
		t.Error("a wrong password signed the visitor out")
	}
}

func TestLoginFromAnotherSite(t *testing.T) {
	p := newPortal(t)
	for name, headers := range map[string][]string{
		"fetch metadata": {"Sec-Fetch-Site", "cross-site"},
		"sibling":        {"Sec-Fetch-Site", "same-site"},
		"origin":         {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		"null origin":    {"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		w := p.post("/_auth/login", credentials(), headers...)
		want(t, w, http.StatusForbidden, "This came from another site")
		if len(p.accounts.calls) > 0 || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: the sign-in happened", name)
		}
	}
	wantNext(t, p.post("/_auth/login", credentials(), "Sec-Fetch-Site", "", "Origin", testOrigin), "/_auth/account")
}

func TestLoginMayLeadToAnotherConfiguredOrigin(t *testing.T) {
	p := newPortal(t)
	const there = "https://other.example.com/x"
	w := p.get("/_auth/login?return_to=" + url.QueryEscape(there))
	want(t, w, http.StatusOK, `value="`+there+`"`)
	for _, status := range []error{account.ErrInvalidCredentials, &account.ThrottledError{RetryAfter: time.Second}} {
		p.accounts.err = status
		again := p.post("/_auth/login", credentials("return_to", there))
		wantHeader(t, again, "Content-Security-Policy", w.Header().Get("Content-Security-Policy"))
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://other.example.com;") {
		t.Errorf("the form may not lead on: %s", csp)
	}
	p.accounts.err = nil
	wantNext(t, p.post("/_auth/login", credentials("return_to", there)), there)
}

func TestPlantedDeviceCookiesHideNoGoodOne(t *testing.T) {
	p := newPortal(t)
	p.post("/_auth/login", credentials(), "Cookie", "__Host-sigra-device=a; __Host-sigra-device=b")
	if !slices.Equal(p.accounts.signIn.Devices, []string{"a", "b"}) {
		t.Errorf("passed on %q", p.accounts.signIn.Devices)
	}
	p.post("/_auth/login", credentials(), "Cookie", strings.Repeat("__Host-sigra-device=a; ", 100))
	if n := len(p.accounts.signIn.Devices); n != maxDevices {
		t.Errorf("passed on %d of 100", n)
	}
}

func TestDeviceCookieFollowsTheSession(t *testing.T) {
	p := newPortal(t)
	p.facts.Cookie = session.CookieFor(true, "example.com")
	c := cookie(p.post("/_auth/login", credentials()), "__Secure-sigra-device")
	if c == nil || c.Domain != "example.com" || !c.Secure {
		t.Errorf("shared: %v", c)
	}
	p.facts.Cookie = session.CookieFor(false, "")
	c = cookie(p.post("/_auth/login", credentials()), "sigra-device")
	if c == nil || c.Domain != "" || c.Secure {
		t.Errorf("plain: %v", c)
	}
}

func TestLoginWithNothingTyped(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/login", url.Values{"return_to": {"/page"}})
	want(t, w, http.StatusUnprocessableEntity, `id="email-error" role="alert">Please fill this in.`, `id="password-error" role="alert">Please fill this in.`, `value="/page"`)
	w = p.post("/_auth/login", url.Values{"email": {"ada@example.com"}})
	want(t, w, http.StatusUnprocessableEntity, `aria-describedby="password-error" autofocus`)
	if body := w.Body.String(); strings.Contains(body, "email-error") || strings.Contains(body, "is wrong") {
		t.Errorf("what was typed is called wrong: %s", body)
	}
	if len(p.accounts.calls) > 0 {
		t.Errorf("nothing was counted as an attempt: %v", p.accounts.calls)
	}
}
