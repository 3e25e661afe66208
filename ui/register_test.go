package ui

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
)

func registration(pairs ...string) url.Values {
	form := url.Values{"email": {"ada@example.com"}, "name": {"Ada"}, "password": {"a fine password"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func TestRegister(t *testing.T) {
	p := newPortal(t)
	want(t, p.get("/_auth/register?return_to=%2Fthere"), http.StatusOK, `autocomplete="new-password"`, `value="/there"`)
	want(t, p.get("/_auth/login"), http.StatusOK, "/_auth/register")
	w := p.post("/_auth/register", registration("return_to", "/there"))
	wantNext(t, w, "/_auth/confirm?return_to=%2Fthere")
	if c := cookie(w, testCookie.Name+"-signup"); c == nil || c.Value != "ticket" || !c.HttpOnly || !c.Secure || c.MaxAge <= 0 {
		t.Errorf("the ticket: %v", c)
	}
	if cookie(w, testCookie.Name) != nil {
		t.Error("an address that is not proven was signed in")
	}
	if in := p.signups.signUp; in.Email != "ada@example.com" || in.Name != "Ada" || in.Password != "a fine password" || in.ReturnTo != "/there" {
		t.Errorf("signed up %+v", in)
	}
	p.signups.err = &account.InvalidError{Fields: map[string]account.Problem{"email": account.ProblemEmailDomain, "password": account.ProblemTooShort}}
	w = p.post("/_auth/register", registration("name", "<b>"))
	want(t, w, http.StatusUnprocessableEntity, "cannot sign up here", "too short", "&lt;b&gt;")
	if strings.Contains(w.Body.String(), "a fine password") {
		t.Error("the password is shown again")
	}
	p.signups.err = &account.ThrottledError{RetryAfter: time.Minute}
	w = p.post("/_auth/register", registration())
	want(t, w, http.StatusTooManyRequests, "Too many attempts")
	wantHeader(t, w, "Retry-After", "60")
	if body := w.Body.String(); strings.Contains(body, "check the fields") || strings.Contains(body, "aria-invalid") {
		t.Errorf("a limit is shown as a fault of the fields:\n%s", body)
	}
	wantNext(t, p.get("/_auth/register", "Cookie", cookieLine()), "/_auth/account")
}

func TestRegisterClosed(t *testing.T) {
	p := newPortal(t)
	p.signups.closed, p.signups.err = true, authcore.ErrNotFound
	want(t, p.get("/_auth/register"), http.StatusNotFound)
	want(t, p.post("/_auth/register", registration()), http.StatusNotFound)
	if strings.Contains(p.get("/_auth/login").Body.String(), "/register") {
		t.Error("the sign-in page leads to a page that is closed")
	}
}

const ticketLine = "__Host-sigra-signup=ticket"

func TestConfirmByCode(t *testing.T) {
	p := newPortal(t)
	want(t, p.get("/_auth/confirm", "Cookie", ticketLine), http.StatusOK, "ada@example.com", `autocomplete="one-time-code"`)
	p.signups.err = &account.InvalidError{Fields: map[string]account.Problem{"code": account.ProblemWrongCode}}
	want(t, p.post("/_auth/confirm", url.Values{"code": {"1"}}, "Cookie", ticketLine), http.StatusUnprocessableEntity, "not the code")
	p.signups.err = &account.ThrottledError{RetryAfter: time.Minute}
	want(t, p.post("/_auth/confirm", url.Values{"code": {"1"}}, "Cookie", ticketLine), http.StatusTooManyRequests)
	p.signups.err = nil
	w := p.post("/_auth/confirm", url.Values{"code": {"123 456"}, "return_to": {"/there"}}, "Cookie", ticketLine)
	wantNext(t, w, "/there")
	if c := cookie(w, testCookie.Name); c == nil || c.Value != freshToken.String() {
		t.Errorf("the session: %v", c)
	}
	if c := cookie(w, testCookie.Name+"-signup"); c == nil || c.MaxAge >= 0 {
		t.Errorf("the ticket is kept: %v", c)
	}
	wantNext(t, p.post("/_auth/confirm/resend", url.Values{"return_to": {"/there"}}, "Cookie", ticketLine), "/_auth/confirm?resent=1&return_to=%2Fthere")
	want(t, p.get("/_auth/confirm?resent=1", "Cookie", ticketLine), http.StatusOK, "another e-mail is on its way")
	p.signups.resendErr = &account.ThrottledError{RetryAfter: time.Minute}
	want(t, p.post("/_auth/confirm/resend", url.Values{}, "Cookie", ticketLine), http.StatusTooManyRequests)
}

// The page may be open still when the address has been confirmed in another tab or on
// another device.
func TestConfirmPageThatNothingWaitsFor(t *testing.T) {
	p := newPortal(t)
	form := url.Values{"code": {"123456"}, "return_to": {"/there"}}
	for _, w := range []*httptest.ResponseRecorder{
		p.get("/_auth/confirm?return_to=%2Fthere"), p.post("/_auth/confirm", form), p.post("/_auth/confirm/resend", form),
	} {
		wantNext(t, w, "/_auth/login?unawaited=1&return_to=%2Fthere")
	}
	want(t, p.get("/_auth/login?unawaited=1"), http.StatusOK, "Nothing waits for a confirmation in this browser.")
	for _, w := range []*httptest.ResponseRecorder{
		p.get("/_auth/confirm?return_to=%2Fthere", "Cookie", cookieLine()), p.post("/_auth/confirm", form, "Cookie", cookieLine()),
		p.post("/_auth/confirm/resend", form, "Cookie", cookieLine()),
	} {
		wantNext(t, w, "/there")
	}
	if len(p.signups.calls) > 0 {
		t.Errorf("did %v", p.signups.calls)
	}
	want(t, p.get("/_auth/confirm?return_to=%2Fthere", "Cookie", ticketLine), http.StatusOK, "Confirmed on another device?", `href="/_auth/login?return_to=%2fthere"`)
}

func TestAnotherAddressInstead(t *testing.T) {
	p := newPortal(t)
	const again = `<a href="/_auth/register?return_to=%2fthere">Use another address</a>`
	want(t, p.get("/_auth/confirm?return_to=%2Fthere", "Cookie", ticketLine), http.StatusOK, again)
	p.signups.err = &account.InvalidError{Fields: map[string]account.Problem{"code": account.ProblemWrongCode}}
	want(t, p.post("/_auth/confirm", url.Values{"code": {"1"}, "return_to": {"/there"}}, "Cookie", ticketLine), http.StatusUnprocessableEntity, again)
	p.signups.closed = true
	if strings.Contains(p.get("/_auth/confirm", "Cookie", ticketLine).Body.String(), "/register") {
		t.Error("leads to a page that is closed")
	}
}

func TestConfirmByLink(t *testing.T) {
	p := newPortal(t)
	path := "/_auth/confirm/" + testSecret
	w := p.get(path+"?return_to=%2Fthere", "Cookie", ticketLine)
	want(t, w, http.StatusOK, `action="`+path+`"`, `value="/there"`)
	wantHeader(t, w, "Referrer-Policy", "no-referrer")
	want(t, p.get(path), http.StatusOK, "another browser")
	for _, call := range p.signups.calls {
		if !strings.HasPrefix(call, "Check ") {
			t.Errorf("opening the page did %s", call)
		}
	}
	wantNext(t, p.post(path, url.Values{"return_to": {"/there"}}), "/there")
	p.signups.confirmed.HasPassword = false
	wantNext(t, p.post(path, url.Values{"return_to": {"/there"}}), "/_auth/account/password?return_to=%2Fthere")
	wantNext(t, p.post(path, url.Values{}), "/_auth/account/password")
	p.signups.err = authcore.ErrNotFound
	want(t, p.get(path), http.StatusNotFound)
	want(t, p.post(path, url.Values{}), http.StatusNotFound)
	wantNext(t, p.get(path, "Cookie", cookieLine()), "/_auth/account")
}

func TestUnprovenUsersSeeTheConfirmationPage(t *testing.T) {
	p := newPortal(t)
	s := testSession("this")
	s.Identity.EmailVerified = false
	p.sessions.live = &session.Live{Session: s}
	for _, path := range []string{"/_auth/account", "/_auth/account/sessions", "/_auth/account/password", "/_auth/step-up", "/_auth/"} {
		wantNext(t, p.get(path, "Cookie", cookieLine()), "/_auth/confirm")
	}
	want(t, p.get("/_auth/confirm", "Cookie", cookieLine()), http.StatusOK, "ada@example.com")
	wantNext(t, p.get("/_auth/login?return_to=%2Fthere", "Cookie", cookieLine()), "/_auth/confirm?return_to=%2Fthere")
	want(t, p.get("/_auth/logout", "Cookie", cookieLine()), http.StatusOK)
	if p.signups.waiting.Live == nil {
		t.Error("the session is not told")
	}
}

func TestChangePassword(t *testing.T) {
	p := newPortal(t)
	want(t, p.get("/_auth/account/password", "Cookie", cookieLine()), http.StatusOK, `autocomplete="current-password"`, `autocomplete="new-password"`)
	w := p.post("/_auth/account/password", url.Values{"current": {"old"}, "password": {"new"}}, "Cookie", cookieLine())
	wantNext(t, w, "/_auth/account?changed=password")
	if !slices.Contains(p.accounts.calls, "ChangePassword old new") || cookie(w, testCookie.Name) == nil {
		t.Errorf("%v, %v", p.accounts.calls, w.Result().Cookies())
	}
	want(t, p.get("/_auth/account?changed=password", "Cookie", cookieLine()), http.StatusOK, "Your password has changed")
	p.accounts.err = &account.InvalidError{Fields: map[string]account.Problem{"current": account.ProblemWrongPassword}}
	want(t, p.post("/_auth/account/password", url.Values{}, "Cookie", cookieLine()), http.StatusUnprocessableEntity, "This is not your password")
	p.accounts.err = &account.ThrottledError{RetryAfter: time.Minute}
	want(t, p.post("/_auth/account/password", url.Values{}, "Cookie", cookieLine()), http.StatusTooManyRequests)
	p.accounts.err = &account.StaleError{}
	wantNext(t, p.post("/_auth/account/password", url.Values{}, "Cookie", cookieLine()), "/_auth/step-up?return_to=%2F_auth%2Faccount%2Fpassword")
	p.accounts.noPassword = true
	if w := p.get("/_auth/account/password", "Cookie", cookieLine()); strings.Contains(w.Body.String(), "current-password") {
		t.Error("asks for a password that there is not")
	}
}

// TestLengthOfPasswords: pages say how long a password must be here.
func TestLengthOfPasswords(t *testing.T) {
	p := newPortal(t, func(o *Options) { o.MinPassword = 15 })
	p.signups.err = &account.InvalidError{Fields: map[string]account.Problem{"password": account.ProblemTooShort}}
	for language, says := range map[string][2]string{"en": {"At least 15 characters", "Use at least 15 characters"}, "de": {"Mindestens 15 Zeichen", "mindestens 15 Zeichen"}} {
		want(t, p.get("/_auth/register", "Accept-Language", language), http.StatusOK, says[0])
		want(t, p.get("/_auth/reset/secret", "Accept-Language", language), http.StatusOK, says[0])
		want(t, p.post("/_auth/register", registration(), "Accept-Language", language), http.StatusUnprocessableEntity, says[1])
	}
	want(t, newPortal(t).get("/_auth/register"), http.StatusOK, "At least 8 characters")
}

// Who confirms in another browser than the one that signed up is asked for all of it
// again, and then gets to where they were going.
func TestSignUpAnewElsewhere(t *testing.T) {
	p := newPortal(t)
	link := "/_auth/confirm/" + testSecret
	p.signups.confirmed.HasPassword, p.signups.confirmed.Anew = false, true
	password := p.post(link, url.Values{"return_to": {"/there"}}).Header().Get("Location")
	p.accounts.noPassword, p.accounts.list = true, twoSessions()[:1]
	const profile = "/_auth/account/profile?anew=1&return_to=%2Fthere"
	w := p.get(password, "Cookie", cookieLine())
	want(t, w, http.StatusOK, "You sign in with it from now on.", `name="return_to" value="/_auth/account/profile?anew=1&amp;return_to=%2Fthere"`)
	if strings.Contains(w.Body.String(), "Other devices") {
		t.Error("there are none")
	}
	wantNext(t, p.post("/_auth/account/password", url.Values{"password": {"x"}, "return_to": {profile}}, "Cookie", cookieLine()), profile)
	const asked = "You signed up in another browser. For your safety, please enter your name and details again."
	want(t, p.get(profile, "Cookie", cookieLine()), http.StatusOK, asked, `name="return_to" value="/there"`)
	form := url.Values{"anew": {"on"}, "return_to": {"/there"}}
	wantNext(t, p.post("/_auth/account/profile", form, "Cookie", cookieLine()), "/there")
	p.profiles.err = &account.InvalidError{Fields: map[string]account.Problem{"name": account.ProblemNameTooLong}}
	want(t, p.post("/_auth/account/profile", form, "Cookie", cookieLine()), http.StatusUnprocessableEntity, asked, `name="return_to" value="/there"`)
	p.signups.confirmed.Passkey = true
	wantNext(t, p.post(link, url.Values{}), "/_auth/account/profile?anew=1&return_to=%2F_auth%2Faccount%2Fpasskeys%3Fwelcome%3D1")
	p.accounts.list = twoSessions()
	want(t, p.get("/_auth/account/password", "Cookie", cookieLine()), http.StatusOK, "Other devices will be signed out.")
}
