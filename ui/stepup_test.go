package ui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/session"
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

// TestStepUpElsewhere: a passkey of another site cannot be used here, and nothing may
// be set up in its place without it.
func TestStepUpElsewhere(t *testing.T) {
	p := newPortal(t)
	p.accounts.guards = []string{"wiki.example.com"}
	page := "/_auth/step-up?return_to=/billing&need=totp%2Cbackup_code%2Cpasskey"
	p.twoStep.factors = mfa.Factors{Password: true, Elsewhere: 1}
	w := p.get(page, "Cookie", cookieLine())
	if want(t, w, http.StatusOK, "It works at another site only", "<strong>wiki.example.com</strong>"); strings.Contains(w.Body.String(), "/account/mfa/app") {
		t.Error("the page leads to setting something up")
	}
	w = p.get(page, "Cookie", cookieLine(), "Accept", asJSON)
	want(t, w, http.StatusOK, `"elsewhere":["wiki.example.com"]`, `"methods":[]`)
	for name, factors := range map[string]mfa.Factors{
		"none at all": {Password: true}, "an app too": {Password: true, Elsewhere: 1, Secret: []byte("sealed")},
		"one here too": {Password: true, Elsewhere: 1, Passkeys: 1}, "codes too": {Password: true, Elsewhere: 1, Codes: 1},
	} {
		p.twoStep.factors = factors
		if w := p.get(page, "Cookie", cookieLine()); strings.Contains(w.Body.String(), "wiki.example.com") {
			t.Errorf("%s: it is told to go elsewhere", name)
		}
	}
	p.accounts.guards, p.twoStep.factors = nil, mfa.Factors{Password: true, Elsewhere: 1}
	want(t, p.get(page, "Cookie", cookieLine()), http.StatusOK, "/account/mfa/app") // no site asks for it any more
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

// hashing is an account service that takes as long as a real one.
type hashing struct {
	*fakeAccounts
	hasher *password.Hasher
}

func (h hashing) StepUp(ctx context.Context, _ *session.Live, given string, _ authcore.Client) (account.SignedIn, error) {
	_, err := h.hasher.Hash(ctx, given)
	return account.SignedIn{Session: testSession("this")}, err
}

// TestStepUpHasAShare has one account prove its password in many browsers at once: most
// are told to wait, and none takes the place of others in the queue.
func TestStepUpHasAShare(t *testing.T) {
	slow := password.Params{Memory: 64 << 10, Time: 8, Threads: 1}
	p := newPortal(t, func(o *Options) {
		o.Accounts = hashing{o.Accounts.(*fakeAccounts), password.NewHasher(slow, password.Limits{Concurrent: 1, Wait: time.Minute})}
	})
	var all sync.WaitGroup
	var refused atomic.Int64
	for range 8 {
		all.Go(func() {
			w := p.post("/_auth/step-up", url.Values{"password": {"correct horse"}}, "Cookie", cookieLine())
			if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "1" {
				refused.Add(1)
			} else if w.Code != http.StatusSeeOther {
				t.Errorf("%d", w.Code)
			}
		})
	}
	all.Wait()
	if n := refused.Load(); n == 0 || n > 6 {
		t.Errorf("%d of 8 were refused", n)
	}
}
