package ui

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
)

func TestStepUpPage(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/step-up?return_to=/billing", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "<title>Is it still you? · Sigra</title>", "ada@example.com", `value="/billing"`, `autocomplete="current-password"`)
	wantNext(t, p.get("/_auth/step-up?return_to=/billing"), "/_auth/login?return_to="+url.QueryEscape("/_auth/step-up?return_to=/billing"))
}

func TestStepUpForPrograms(t *testing.T) {
	p := newPortal(t)
	p.twoStep.factors = mfa.Factors{Password: true, Secret: []byte("sealed"), Codes: 1, Passkeys: 1}
	for need, methods := range map[string]string{
		"": `["password","totp","backup_code","passkey"]`, "passkey": `["passkey"]`, "totp,passkey": `["totp","passkey"]`, "link": `["link"]`,
	} {
		w := p.get("/_auth/step-up?return_to=/billing&need="+need, "Cookie", cookieLine(), "Accept", asJSON)
		if want(t, w, http.StatusOK); strings.TrimSpace(w.Body.String()) != `{"methods":`+methods+`,"status":"step_up"}` {
			t.Errorf("%s: %s", need, w.Body)
		}
	}
}

func TestStepUp(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/step-up", url.Values{"password": {"correct horse"}, "return_to": {"/billing"}}, "Cookie", cookieLine())
	wantNext(t, w, "/billing")
	if p.accounts.password != "correct horse" {
		t.Errorf("checked %q", p.accounts.password)
	}
	if c := cookie(w, "__Host-sigra"); c == nil || c.Value != freshToken.String() {
		t.Errorf("the token is the old one: %v", c)
	}
	for _, call := range p.accounts.calls {
		if strings.HasPrefix(call, "SignOut") {
			t.Error("the session was ended, not renewed")
		}
	}
}

func TestStepUpFailures(t *testing.T) {
	wrong := &account.InvalidError{Fields: map[string]account.Problem{"password": account.ProblemWrongPassword}}
	for name, c := range map[string]struct {
		err        error
		status     int
		retryAfter string
		text       string
	}{
		"wrong":       {wrong, http.StatusUnprocessableEntity, "", "This is not your password."},
		"throttled":   {&account.ThrottledError{RetryAfter: time.Minute}, http.StatusTooManyRequests, "60", "Too many attempts"},
		"ended":       {authcore.ErrNotFound, http.StatusNotFound, "", "Nothing here"},
		"changed":     {authcore.ErrConflict, http.StatusUnauthorized, "", "Please sign in"},
		"unavailable": {authcore.ErrUnavailable, http.StatusServiceUnavailable, "5", "Back in a moment"},
		"broken":      {errBroken, http.StatusInternalServerError, "", "Error number"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t)
			p.accounts.err = c.err
			w := p.post("/_auth/step-up", url.Values{"password": {"s3cret-typed"}, "return_to": {xss}}, "Cookie", cookieLine())
			want(t, w, c.status, c.text)
			wantHeader(t, w, "Retry-After", c.retryAfter)
			if body := w.Body.String(); strings.Contains(body, "s3cret-typed") || strings.Contains(body, "<script>alert") {
				t.Errorf("the page echoes too much:\n%s", body)
			}
			if len(w.Result().Cookies()) > 0 {
				t.Error("a failed proof sets cookies")
			}
		})
	}
}

func TestStepUpNeedsASession(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/step-up", url.Values{"password": {"x"}})
	want(t, w, http.StatusUnauthorized, "Please sign in", `href="/_auth/login"`)
	if len(p.accounts.calls) > 0 {
		t.Errorf("calls: %v", p.accounts.calls)
	}
}
