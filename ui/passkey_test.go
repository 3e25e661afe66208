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
	"github.com/sigra-auth/sigra/authcore/passkey"
)

// postJSON sends JSON as the script of the pages does.
func (p *portal) postJSON(path, body string, headers ...string) map[string]any {
	p.t.Helper()
	headers = append([]string{"Content-Type", "application/json", "Accept", "application/json", "Sec-Fetch-Site", "same-origin"}, headers...)
	w := p.serve(request(http.MethodPost, path, body, headers...))
	answer := decode(p.t, w)
	answer["code"] = w.Code
	return answer
}

func TestPasskeyOptions(t *testing.T) {
	for path, test := range map[string]struct {
		pending bool
		headers []string
		call    string
	}{
		"/_auth/passkey/login/options":    {false, nil, "SignIn"},
		"/_auth/mfa/passkey/options":      {true, []string{"Cookie", cookieLine()}, "Prove this"},
		"/_auth/step-up/passkey/options":  {false, []string{"Cookie", cookieLine()}, "Prove this"},
		"/_auth/account/passkeys/options": {false, []string{"Cookie", cookieLine()}, "Register"},
	} {
		p := newPortal(t)
		p.sessions.live.Identity.Pending = test.pending
		answer := p.postJSON(path, "{}", test.headers...)
		if options, ok := answer["publicKey"].(map[string]any); !ok || options["challenge"] != "AAAA" || !slices.Equal(p.passkeys.calls, []string{test.call}) || p.passkeys.rp != p.facts.RelyingParty {
			t.Errorf("%s: %v, %v", path, answer, p.passkeys.calls)
		}
		p.sessions.live.Identity.Pending = !test.pending
		p.passkeys.calls = nil
		if test.headers == nil {
			continue
		}
		if p.postJSON(path, "{}", test.headers...); len(p.passkeys.calls) > 0 {
			t.Errorf("%s: pending is %v, and %v", path, !test.pending, p.passkeys.calls)
		}
	}
}

func TestPasskeyAnswers(t *testing.T) {
	const body = `{"id":"AQ","response":{"userHandle":"x"},"remember":true,"trust":true}`
	for path, test := range map[string]struct {
		pending bool
		call    string
	}{
		"/_auth/passkey/login?return_to=/page":    {false, "FinishSignIn"},
		"/_auth/mfa/passkey?return_to=/page":      {true, "FinishProof this"},
		"/_auth/step-up/passkey?return_to=/page":  {false, "FinishProof this"},
		"/_auth/account/passkeys?return_to=/page": {false, "FinishRegistration " + body},
	} {
		p := newPortal(t)
		p.sessions.live.Identity.Pending = test.pending
		answer := p.postJSON(path, body, "Cookie", cookieLine()+"; __Host-sigra-device=mark")
		if answer["next"] != "/page" || !slices.Equal(p.passkeys.calls, []string{test.call}) || p.passkeys.rp != p.facts.RelyingParty {
			t.Errorf("%s: %v, %v", path, answer, p.passkeys.calls)
		}
		if in := p.passkeys.attempt; test.call[:6] == "Finish" && !strings.HasPrefix(test.call, "FinishReg") &&
			(string(in.Response) != body || !in.Remember || !in.Trust || !slices.Equal(in.Devices, []string{"mark"})) {
			t.Errorf("%s: %+v", path, in)
		}
		for _, media := range []string{"application/x-www-form-urlencoded", "text/plain", ""} {
			w := p.serve(request(http.MethodPost, path, body, "Content-Type", media, "Sec-Fetch-Site", "same-origin", "Cookie", cookieLine()))
			want(t, w, http.StatusUnsupportedMediaType)
		}
	}
}

func TestPasskeyErrorsHaveMessages(t *testing.T) {
	seen := map[string]bool{}
	for _, err := range []error{
		passkey.ErrExpired, passkey.ErrWrongSite, passkey.ErrUnknown, passkey.ErrRefused, passkey.ErrCopied, passkey.ErrExists, passkey.ErrTooMany,
	} {
		p := newPortal(t)
		p.passkeys.err = err
		answer := p.postJSON("/_auth/passkey/login", "{}")
		message, _ := answer["errors"].(map[string]any)["passkey"].(string)
		if answer["code"] != http.StatusUnprocessableEntity || message == "" || seen[message] || answer["unknown"] != (err == passkey.ErrUnknown) {
			t.Errorf("%v: %v", err, answer)
		}
		seen[message] = true
	}
	for _, test := range []struct {
		err    error
		status int
	}{
		{&account.ThrottledError{RetryAfter: time.Minute}, http.StatusTooManyRequests}, {authcore.ErrConflict, http.StatusUnauthorized},
		{authcore.ErrUnavailable, http.StatusServiceUnavailable}, {errBroken, http.StatusInternalServerError},
	} {
		p := newPortal(t)
		p.passkeys.err = test.err
		if answer := p.postJSON("/_auth/passkey/login", "{}"); answer["code"] != test.status {
			t.Errorf("%v: %v", test.err, answer)
		}
	}
	p := newPortal(t)
	p.passkeys.err = &account.StaleError{}
	for query, back := range map[string]string{"": "", "?return_to=%2Fkey%2Fx": "?return_to=%2Fkey%2Fx"} {
		answer := p.postJSON("/_auth/account/passkeys/options"+query, "{}", "Cookie", cookieLine())
		if answer["status"] != "step_up" || answer["next"] != "/_auth/step-up?return_to="+url.QueryEscape("/_auth/account/passkeys"+back) {
			t.Errorf("%v", answer)
		}
	}
}

func TestPasskeysPage(t *testing.T) {
	p := newPortal(t)
	p.passkeys.list = []passkey.Passkey{
		{ID: []byte("key-1"), RPID: "app.example.com", Name: "Laptop <1>", Data: []byte(`{"flags":24,"aaguid":"fbfc3007-154e-4ecc-8c0b-6e020557d7bd"}`), BackedUp: true, CreatedAt: testNow, UsedAt: testNow},
		{ID: []byte("key-2"), RPID: "other.example.com", Name: "Key", Data: []byte(`{"flags":0}`), CreatedAt: testNow},
	}
	w := p.get("/_auth/account/passkeys?return_to=/page", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "Laptop &lt;1&gt;", "iCloud Keychain", "Synced", "On one device", "Works after your password", "not used yet", "For another site", "last used on 2026-11-23",
		`data-ask="/_auth/account/passkeys/options?return_to=%2Fpage"`, `data-answer="/_auth/account/passkeys?return_to=%2Fpage"`, "&#34;allAcceptedCredentialIds&#34;:[&#34;a2V5LTE&#34;]")
	wantNext(t, p.post("/_auth/account/passkeys/rename", url.Values{"passkey": {"a2V5LTE"}, "nickname": {"Phone"}}, "Cookie", cookieLine()), "/_auth/account/passkeys")
	wantNext(t, p.post("/_auth/account/passkeys/delete", url.Values{"passkey": {"a2V5LTE"}}, "Cookie", cookieLine()), "/_auth/account/passkeys")
	if !slices.Equal(p.passkeys.calls, []string{"Rename a2V5LTE Phone", "Remove a2V5LTE"}) {
		t.Errorf("%v", p.passkeys.calls)
	}
	p.passkeys.err = passkey.ErrLast
	want(t, p.post("/_auth/account/passkeys/delete", url.Values{"passkey": {"a2V5LTE"}}, "Cookie", cookieLine()), http.StatusUnprocessableEntity, "This passkey is your only second factor.", "Laptop")
	p.twoStep.factors.Password = false
	want(t, p.post("/_auth/account/passkeys/delete", url.Values{"passkey": {"a2V5LTE"}}, "Cookie", cookieLine()), http.StatusUnprocessableEntity, "Without this passkey you could not sign in any more.")
	p.passkeys.err = &account.InvalidError{Fields: map[string]account.Problem{"nickname": account.ProblemRequired}}
	want(t, p.post("/_auth/account/passkeys/rename", url.Values{"passkey": {"a2V5LTE"}}, "Cookie", cookieLine()), http.StatusUnprocessableEntity, "Please fill this in.")
	p.passkeys.err = authcore.ErrNotFound
	want(t, p.post("/_auth/account/passkeys/delete", url.Values{"passkey": {"eA"}}, "Cookie", cookieLine()), http.StatusNotFound)
	if list := decode(t, p.get("/_auth/account/passkeys", "Cookie", cookieLine(), "Accept", asJSON))["passkeys"].([]any); len(list) != 2 {
		t.Errorf("%v", list)
	}
	p.passkeys.list = slices.Repeat(p.passkeys.list[:1], passkey.MaxPerUser)
	w = p.get("/_auth/account/passkeys", "Cookie", cookieLine())
	if want(t, w, http.StatusOK, "You have 10 passkeys", "allAcceptedCredentialIds"); strings.Contains(w.Body.String(), "data-create") {
		t.Error("offers an eleventh")
	}
}

func TestSitesWithoutPasskeys(t *testing.T) {
	p := newPortal(t)
	p.facts.RelyingParty.ID = ""
	p.twoStep.factors = mfa.Factors{Password: true, Passkeys: 1}
	for _, path := range []string{"/_auth/login", "/_auth/step-up?return_to=/"} {
		if w := p.get(path, "Cookie", cookieLine()); strings.Contains(w.Body.String(), "data-ask") {
			t.Errorf("%s offers a passkey", path)
		}
	}
	want(t, p.get("/_auth/account/passkeys", "Cookie", cookieLine()), http.StatusOK, "There are no passkeys at this address.")
	for _, path := range []string{"/_auth/passkey/login/options", "/_auth/account/passkeys/options"} {
		if answer := p.postJSON(path, "{}", "Cookie", cookieLine()); answer["code"] != http.StatusNotFound || len(p.passkeys.calls) > 0 {
			t.Errorf("%s: %v", path, answer)
		}
	}
}
