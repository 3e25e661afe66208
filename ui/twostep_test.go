package ui

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
)

func TestTwoStepPage(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/account/mfa", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "It is off.", `href="/_auth/account/mfa/app"`)
	if strings.Contains(w.Body.String(), "/mfa/off") || strings.Contains(w.Body.String(), "/mfa/codes") {
		t.Error("offers what there is not")
	}
	p.twoStep.factors = mfa.Factors{TwoStepAt: testNow, AppAt: testNow, Secret: []byte("x"), Codes: 2}
	p.accounts.browsers = []account.Browser{{ID: "b1", UserAgent: safari, IP: "203.0.113.9", ExpiresAt: testNow}}
	want(t, p.get("/_auth/account/mfa", "Cookie", cookieLine()), http.StatusOK, "It is on", "Set up on 2026-11-23", "Few backup codes are left: 2", "Safari", `value="b1"`, "/_auth/account/mfa/off")
	p.twoStep.factors.Codes = 0
	want(t, p.get("/_auth/account/mfa", "Cookie", cookieLine()), http.StatusOK, "No backup codes are left.")
	answer := decode(t, p.get("/_auth/account/mfa", "Cookie", cookieLine(), "Accept", asJSON))
	if answer["two_step"] != true || answer["app"] != true || answer["backup_codes"] != 0.0 || answer["trusted_browsers"] != 1.0 {
		t.Errorf("%v", answer)
	}
	want(t, p.get("/_auth/account", "Cookie", cookieLine()), http.StatusOK, "Two-step sign-in")
	p.facts.Client.OneStep = true
	if w := p.get("/_auth/account", "Cookie", cookieLine()); strings.Contains(w.Body.String(), "Two-step sign-in") {
		t.Error("offers what the site never asks for")
	}
}

func TestEnroll(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/account/mfa/app?return_to=/page", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "<svg class=\"qr\"", "GEZD GNBV", `value="sealed"`, `value="/page"`)
	answer := decode(t, p.get("/_auth/account/mfa/app", "Cookie", cookieLine(), "Accept", asJSON))
	if answer["offer"] != "sealed" || !strings.HasPrefix(answer["uri"].(string), "otpauth://totp/Sigra:ada@example.com?") {
		t.Errorf("%v", answer)
	}
	form := url.Values{"offer": {"sealed"}, "code": {"123456"}, "return_to": {"/page"}}
	w = p.post("/_auth/account/mfa/app", form, "Cookie", cookieLine())
	want(t, w, http.StatusOK, "Backup codes", "1234-5678", "8765-4321", `href="/page"`)
	if c := cookie(w, "__Host-sigra"); c == nil || c.Value != freshToken.String() {
		t.Errorf("the token is the old one: %v", c)
	}
	wantHeader(t, w, "Cache-Control", "no-store")
	p.twoStep.err = &mfa.WrongCodeError{}
	w = p.post("/_auth/account/mfa/app", form, "Cookie", cookieLine())
	want(t, w, http.StatusUnprocessableEntity, "This is not the code that the app shows now.", "GEZD GNBV", `value="sealed"`, `value="/page"`)
	form.Set("offer", "another")
	want(t, p.post("/_auth/account/mfa/app", form, "Cookie", cookieLine()), http.StatusNotFound)
	p.twoStep.err = authcore.ErrUnavailable
	want(t, p.post("/_auth/account/mfa/app", form, "Cookie", cookieLine()), http.StatusServiceUnavailable)
}

func TestTwoStepActions(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/account/mfa/codes", url.Values{}, "Cookie", cookieLine(), "Accept", asJSON)
	if answer := decode(t, w); len(answer["backup_codes"].([]any)) != 2 {
		t.Errorf("%v", answer)
	}
	wantNext(t, p.post("/_auth/account/mfa/off", url.Values{}, "Cookie", cookieLine()), "/_auth/account/mfa")
	wantNext(t, p.post("/_auth/account/mfa/browsers/remove", url.Values{"browser": {"b1"}}, "Cookie", cookieLine()), "/_auth/account/mfa?done=distrusted")
	if p.accounts.calls[0] != "DistrustBrowsers b1" {
		t.Errorf("%v", p.accounts.calls)
	}
	p.accounts.err = authcore.ErrNotFound
	want(t, p.post("/_auth/account/mfa/browsers/remove", url.Values{"browser": {"of-others"}}, "Cookie", cookieLine()), http.StatusNotFound)
}

// TestStaleProofLeadsToStepUp: a page that needs a fresh proof asks for it and
// comes back.
func TestStaleProofLeadsToStepUp(t *testing.T) {
	p := newPortal(t)
	p.twoStep.err = &account.StaleError{Wanted: []authcore.FactorKind{authcore.FactorTOTP, authcore.FactorPasskey}}
	p.accounts.stale = &account.StaleError{}
	p.twoStep.factors = mfa.Factors{Password: true, Secret: []byte("x"), Passkeys: 1}
	need := "&need=totp%2Cpasskey"
	for path, location := range map[string]string{
		"GET /_auth/account/mfa/app?return_to=%2Fpage": "/_auth/step-up?return_to=" + url.QueryEscape("/_auth/account/mfa/app?return_to=%2Fpage") + need,
		"POST /_auth/account/mfa/app":                  "/_auth/step-up?return_to=" + url.QueryEscape("/_auth/account/mfa/app?return_to=%2Fpage") + need,
		"POST /_auth/account/mfa/off":                  "/_auth/step-up?return_to=" + url.QueryEscape("/_auth/account/mfa?return_to=%2Fpage") + need,
		"POST /_auth/account/mfa/codes":                "/_auth/step-up?return_to=" + url.QueryEscape("/_auth/account/mfa?return_to=%2Fpage") + need,
		"GET /_auth/account/password":                  "/_auth/step-up?return_to=" + url.QueryEscape("/_auth/account/password"),
		"GET /_auth/account/email":                     "/_auth/step-up?return_to=" + url.QueryEscape("/_auth/account/email"),
		"GET /_auth/account/delete":                    "/_auth/step-up?return_to=" + url.QueryEscape("/_auth/account/delete"),
	} {
		method, path, _ := strings.Cut(path, " ")
		w := p.get(path, "Cookie", cookieLine())
		if method == http.MethodPost {
			w = p.post(path, url.Values{"return_to": {"/page"}}, "Cookie", cookieLine())
		}
		wantNext(t, w, location)
		back, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		want(t, p.get(location, "Cookie", cookieLine()), http.StatusOK, "return_to", html.EscapeString(back.Query().Get("return_to")))
	}
	w := p.post("/_auth/account/mfa/off", url.Values{}, "Cookie", cookieLine(), "Accept", asJSON)
	if want(t, w, http.StatusForbidden); decode(t, w)["status"] != "step_up" {
		t.Errorf("%s", w.Body)
	}
}

func TestStepUpOffersWhatTheUserHas(t *testing.T) {
	const password, code, passkey, link, app, key = `name="password"`, `name="code"`, "data-ask", "/_auth/magic", `href="/_auth/account/mfa/app?return_to=%2fpage"`, `href="/_auth/account/passkeys?return_to=%2fpage"`
	all := mfa.Factors{Password: true, Secret: []byte("x"), Codes: 3, Passkeys: 1}
	for name, test := range map[string]struct {
		factors mfa.Factors
		need    string
		shown   []string
	}{
		"all":                    {all, "", []string{password, code, passkey}},
		"a second factor":        {all, "totp,backup_code,passkey", []string{code, passkey}},
		"a passkey":              {all, "passkey", []string{passkey}},
		"a code":                 {all, "totp", []string{code}},
		"nonsense":               {all, "x,<script>", []string{password, code, passkey}},
		"password alone":         {mfa.Factors{Password: true}, "", []string{password}},
		"nothing but mail":       {mfa.Factors{}, "", []string{link}},
		"no second factor":       {mfa.Factors{Password: true}, "totp,backup_code,passkey", []string{app, key}},
		"no passkey":             {mfa.Factors{Password: true, Secret: []byte("x")}, "passkey", []string{key}},
		"backup codes are codes": {mfa.Factors{Codes: 1}, "backup_code", []string{code}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t)
			p.twoStep.factors = test.factors
			w := p.get("/_auth/step-up?return_to=/page&need="+url.QueryEscape(test.need), "Cookie", cookieLine())
			want(t, w, http.StatusOK, test.shown...)
			for _, part := range []string{password, code, passkey, link, app, key} {
				if strings.Contains(w.Body.String(), part) && !strings.Contains(strings.Join(test.shown, " "), part) {
					t.Errorf("shows %s", part)
				}
			}
		})
	}
}

func TestStepUpByCode(t *testing.T) {
	p := newPortal(t)
	p.twoStep.factors = mfa.Factors{Password: true, Secret: []byte("x")}
	form := url.Values{"code": {"123456"}, "return_to": {"/page"}, "need": {"totp"}}
	wantNext(t, p.post("/_auth/step-up", form, "Cookie", cookieLine()), "/page")
	if p.twoStep.attempt.Code != "123456" || len(p.accounts.calls) > 0 {
		t.Errorf("%+v, %v", p.twoStep.attempt, p.accounts.calls)
	}
	p.twoStep.err = &mfa.WrongCodeError{Left: 3}
	w := p.post("/_auth/step-up", form, "Cookie", cookieLine())
	want(t, w, http.StatusUnprocessableEntity, "This code is wrong", `value="totp"`, `value="/page"`)
	if strings.Contains(w.Body.String(), `name="password"`) {
		t.Error("what was asked for is forgotten")
	}
	p.twoStep.err = authcore.ErrConflict
	want(t, p.post("/_auth/step-up", form, "Cookie", cookieLine()), http.StatusUnauthorized)
}

func TestReloadedCodesAreNotReplaced(t *testing.T) {
	for _, path := range []string{"/_auth/account/mfa/codes", "/_auth/account/mfa/passkeys"} {
		p := newPortal(t)
		form := url.Values{"once": {"this-form"}}
		w := p.post(path, form, "Cookie", cookieLine())
		want(t, w, http.StatusOK, "1234-5678")
		made := cookie(w, "__Host-sigra-codes")
		if made == nil {
			t.Fatalf("%s: the browser keeps nothing of the form", path)
		}
		p.twoStep.calls = nil
		wantNext(t, p.post(path, form, "Cookie", cookieLine()+"; "+made.Name+"="+made.Value), "/_auth/account/mfa")
		if len(p.twoStep.calls) > 0 {
			t.Errorf("%s: a reload made other codes: %v", path, p.twoStep.calls)
		}
		want(t, p.post(path, url.Values{"once": {"another"}}, "Cookie", cookieLine()+"; "+made.Name+"="+made.Value), http.StatusOK, "1234-5678")
	}
}

func TestAppOnThisDevice(t *testing.T) {
	p := newPortal(t)
	want(t, p.get("/_auth/account/mfa/app", "Cookie", cookieLine()), http.StatusOK,
		`href="otpauth://totp/Sigra:ada@example.com?algorithm=SHA1&amp;digits=6`, "Open in an authenticator app on this device", `data-copied="Copied."`)
}

func TestAccountWithoutAPasswordIsToldOfNone(t *testing.T) {
	p := newPortal(t)
	p.twoStep.factors.Password, p.accounts.noPassword = false, true
	if w := p.get("/_auth/account/mfa", "Cookie", cookieLine()); strings.Contains(w.Body.String(), "password") {
		t.Errorf("%s", w.Body)
	}
	if w := p.get("/_auth/account/password", "Cookie", cookieLine()); strings.Contains(w.Body.String(), "Other devices") {
		t.Errorf("there is only this one: %s", w.Body)
	}
	p.accounts.list = twoSessions()
	want(t, p.get("/_auth/account/password", "Cookie", cookieLine()), http.StatusOK, "Other devices will be signed out.")
}
