package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
)

// newHalfway is a portal whose visitor has given the first of two factors.
func newHalfway(t *testing.T) *portal {
	p := newPortal(t)
	p.sessions.live.Identity.Pending = true
	p.twoStep.factors = mfa.Factors{Password: true, Secret: []byte("sealed"), Codes: 8, TwoStepAt: testNow}
	return p
}

func TestChallengePage(t *testing.T) {
	p := newHalfway(t)
	w := p.get("/_auth/mfa?return_to=/page", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "Confirm it is you", "a***@example.com", `autocomplete="one-time-code"`, `value="/page"`, `href="/_auth/mfa/backup?return_to=%2fpage"`, `action="/_auth/logout"`, `name="trust"`)
	if strings.Contains(w.Body.String(), "ada@") || strings.Contains(w.Body.String(), "data-ask") {
		t.Error("the page tells the address, or offers a passkey that there is not")
	}
	want(t, p.get("/_auth/mfa/backup?return_to=/page", "Cookie", cookieLine()), http.StatusOK, "Backup code", `action="/_auth/mfa/backup"`)
	p.twoStep.factors = mfa.Factors{Passkeys: 1, Codes: 3, TwoStepAt: testNow}
	w = p.get("/_auth/mfa?return_to=/page", "Cookie", cookieLine())
	want(t, w, http.StatusOK, `data-ask="/_auth/mfa/passkey/options?return_to=%2Fpage"`, `data-answer="/_auth/mfa/passkey?return_to=%2Fpage"`, `name="trust"`)
	if strings.Contains(w.Body.String(), `name="code"`) {
		t.Error("asks for a code of an app that there is not")
	}
	p.twoStep.factors.Secret = []byte("sealed")
	w = p.get("/_auth/mfa", "Cookie", cookieLine(), "Accept", asJSON)
	if want(t, w, http.StatusOK); strings.TrimSpace(w.Body.String()) != `{"methods":["totp","backup_code","passkey"],"status":"second_factor"}` {
		t.Errorf("%s", w.Body)
	}
}

func TestChallengeAfterAKey(t *testing.T) {
	p := newHalfway(t)
	p.sessions.live.Identity.Factors = []authcore.Factor{{Kind: authcore.FactorPasskey}}
	p.twoStep.factors = mfa.Factors{Password: true, Codes: 3, TwoStepAt: testNow}
	w := p.get("/_auth/mfa?return_to=/page", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "Type the password, too", `name="password"`, `href="/_auth/mfa/backup?return_to=%2fpage"`)
	if strings.Contains(w.Body.String(), `name="trust"`) || strings.Contains(w.Body.String(), `name="code"`) {
		t.Error("offers what there is not")
	}
	wantNext(t, p.post("/_auth/mfa", url.Values{"password": {"s3cret-typed"}, "return_to": {"/page"}}, "Cookie", cookieLine()), "/page")
	if !slices.Contains(p.accounts.calls, "CompleteByPassword this s3cret-typed") {
		t.Errorf("calls: %v", p.accounts.calls)
	}
	p.accounts.err = &account.InvalidError{Fields: map[string]account.Problem{"password": account.ProblemWrongPassword}}
	w = p.post("/_auth/mfa", url.Values{"password": {"s3cret-typed"}, "return_to": {"/page"}}, "Cookie", cookieLine())
	if want(t, w, http.StatusUnprocessableEntity, "This is not your password.", `value="/page"`); strings.Contains(w.Body.String(), "s3cret-typed") {
		t.Error("the password is shown again")
	}
	if w := p.get("/_auth/mfa/backup", "Cookie", cookieLine()); strings.Contains(w.Body.String(), `name="trust"`) {
		t.Error("a backup code trusts a browser")
	}
}

func TestFewCodesLeft(t *testing.T) {
	p := newHalfway(t)
	p.twoStep.codesLeft = new(fewCodes)
	wantNext(t, p.post("/_auth/mfa/backup", url.Values{"code": {"1234-5678"}, "return_to": {"/page"}}, "Cookie", cookieLine()), "/_auth/account/mfa?return_to=%2Fpage")
	p.twoStep.codesLeft = new(fewCodes + 1)
	wantNext(t, p.post("/_auth/mfa/backup", url.Values{"code": {"1234-5678"}, "return_to": {"/page"}}, "Cookie", cookieLine()), "/page")
	p.sessions.live.Identity.Pending = false
	want(t, p.get("/_auth/account/mfa?return_to=/page", "Cookie", cookieLine()), http.StatusOK, `<a class="button primary" href="/page">Continue</a>`)
}

func TestAnswerChallenge(t *testing.T) {
	p := newHalfway(t)
	w := p.post("/_auth/mfa", url.Values{"code": {"123 456"}, "trust": {"on"}, "return_to": {"/page"}}, "Cookie", cookieLine()+"; __Host-sigra-device=mark")
	wantNext(t, w, "/page")
	if in := p.twoStep.attempt; in.Code != "123 456" || !in.Trust || !slices.Equal(in.Devices, []string{"mark"}) || in.Client.IP == "" {
		t.Errorf("the service was asked %+v", in)
	}
	for name, value := range map[string]string{"__Host-sigra": freshToken.String(), "__Host-sigra-device": "device-mark", "__Host-sigra-trust": "trust-secret"} {
		if c := cookie(w, name); c == nil || c.Value != value || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: %v", name, c)
		}
	}
}

func TestAnswerChallengeFailures(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		status     int
		retryAfter string
		text       string
	}{
		"wrong":       {&mfa.WrongCodeError{Left: 4}, http.StatusUnprocessableEntity, "", "This code is wrong, or has been used."},
		"one left":    {&mfa.WrongCodeError{Left: 1}, http.StatusUnprocessableEntity, "", "You can try once more."},
		"locked":      {&account.ThrottledError{RetryAfter: time.Minute}, http.StatusTooManyRequests, "60", "Too many attempts"},
		"too many":    {mfa.ErrTooManyFailures, http.StatusUnprocessableEntity, "", "Choose a new password first"},
		"unavailable": {authcore.ErrUnavailable, http.StatusServiceUnavailable, "5", "Back in a moment"},
		"broken":      {errBroken, http.StatusInternalServerError, "", "Error number"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newHalfway(t)
			p.twoStep.err = c.err
			w := p.post("/_auth/mfa", url.Values{"code": {"123456"}, "trust": {"on"}, "return_to": {"/page"}}, "Cookie", cookieLine())
			want(t, w, c.status, c.text)
			wantHeader(t, w, "Retry-After", c.retryAfter)
			if len(w.Result().Cookies()) > 0 || strings.Contains(w.Body.String(), "123456") {
				t.Errorf("cookies %v, body %s", w.Result().Cookies(), w.Body)
			}
			if c.status == http.StatusUnprocessableEntity && !strings.Contains(w.Body.String(), `name="trust" form="code-form" checked`) {
				t.Error("what was ticked is lost")
			}
		})
	}
	p := newHalfway(t)
	p.twoStep.err = authcore.ErrConflict
	wantNext(t, p.post("/_auth/mfa", url.Values{"code": {"123456"}, "return_to": {"/page"}}, "Cookie", cookieLine()), "/_auth/login?expired=1&return_to=%2Fpage")
}

func TestChallengeIsForThoseHalfway(t *testing.T) {
	p := newPortal(t)
	wantNext(t, p.get("/_auth/mfa?return_to=/page", "Cookie", cookieLine()), "/page")
	wantNext(t, p.get("/_auth/mfa?return_to=/page"), "/_auth/login?expired=1&return_to=%2Fpage")
	wantNext(t, p.post("/_auth/mfa", url.Values{"code": {"1"}, "return_to": {"/page"}}), "/_auth/login?expired=1&return_to=%2Fpage")
	want(t, p.post("/_auth/mfa", url.Values{"code": {"1"}}, "Accept", asJSON), http.StatusUnauthorized)
	want(t, p.get("/_auth/login?expired=1"), http.StatusOK, "That took too long.")
	if len(p.twoStep.calls) > 0 {
		t.Errorf("calls: %v", p.twoStep.calls)
	}
}

// TestHalfwayIsSignedOutElsewhere asks every page: a pending sign-in opens none of
// those that a signed-in user has, and does nothing there.
func TestHalfwayIsSignedOutElsewhere(t *testing.T) {
	p, out := newHalfway(t), newPortal(t)
	for _, path := range everyRoute() {
		if strings.HasPrefix(path, "/_auth/mfa") || path == "/_auth/logout" {
			continue
		}
		got, wanted := p.get(path, "Cookie", cookieLine()), out.get(path)
		if got.Code != wanted.Code || got.Header().Get("Location") != wanted.Header().Get("Location") || strings.Contains(got.Body.String(), "ada@example.com") && !strings.Contains(wanted.Body.String(), "ada@example.com") {
			t.Errorf("GET %s: %d to %q, signed out %d to %q", path, got.Code, got.Header().Get("Location"), wanted.Code, wanted.Header().Get("Location"))
		}
		got, wanted = p.post(path, url.Values{}, "Cookie", cookieLine()), out.post(path, url.Values{})
		if got.Code != wanted.Code || got.Header().Get("Location") != wanted.Header().Get("Location") {
			t.Errorf("POST %s: %d to %q, signed out %d to %q", path, got.Code, got.Header().Get("Location"), wanted.Code, wanted.Header().Get("Location"))
		}
	}
	w := p.post("/_auth/logout", url.Values{}, "Cookie", cookieLine())
	if c := cookie(w, "__Host-sigra"); w.Code != http.StatusSeeOther || c == nil || c.MaxAge >= 0 || !slices.Contains(p.accounts.calls, "SignOut this") {
		t.Errorf("cancelling: %d, %v, %v", w.Code, c, p.accounts.calls)
	}
}

func TestMasked(t *testing.T) {
	for email, wanted := range map[string]string{"ada@example.com": "a***@example.com", "ö@example.com": "ö***@example.com", "": "***@"} {
		if got := masked(email); got != wanted {
			t.Errorf("%q: %q", email, got)
		}
	}
}
