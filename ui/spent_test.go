package ui

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
)

func TestSpentLinksSayWhatToDoInstead(t *testing.T) {
	p := newPortal(t)
	p.signups.err, p.recovery.err, p.addresses.err = authcore.ErrNotFound, authcore.ErrNotFound, authcore.ErrNotFound
	for prefix, steps := range map[string][]string{
		magicPrefix:   {`class="button primary" href="/_auth/magic?return_to=%2Fthere">Send a new link<`},
		resetPrefix:   {`class="button primary" href="/_auth/reset?return_to=%2Fthere">Send a new link<`},
		confirmPrefix: {`class="button primary" href="/_auth/login?return_to=%2Fthere">Sign in<`, `href="/_auth/register?return_to=%2Fthere">Create an account<`},
		keepPrefix:    {`class="button primary" href="/_auth/reset">Choose a new password<`, "write to whoever runs this site"},
	} {
		path := testBase + prefix + testSecret
		steps = append(steps, "<h1>This link has expired or was used already</h1>", `<a href="/_auth/login">Sign in</a>`)
		want(t, p.get(path+"?return_to=%2Fthere"), http.StatusNotFound, steps...)
		want(t, p.post(path, url.Values{"return_to": {"/there"}, "password": {"x"}}), http.StatusNotFound, steps...)
		w := p.get(path, "Accept", asJSON)
		if want(t, w, http.StatusNotFound); decode(t, w)["title"] != "This link has expired or was used already" {
			t.Errorf("%s says %s", prefix, w.Body)
		}
	}
	path := testBase + emailPrefix + testSecret
	want(t, p.get(path, "Cookie", cookieLine()), http.StatusNotFound, `href="/_auth/account/email">`, "Go to your account")
	p.signups.closed = true
	if body := p.get(testBase + confirmPrefix + testSecret).Body.String(); strings.Contains(body, "/register") {
		t.Error("leads to a page that is closed")
	}
}

func TestSpentLinksLeadNowhereElse(t *testing.T) {
	p := newPortal(t)
	p.recovery.err = authcore.ErrNotFound
	w := p.get(testBase + magicPrefix + testSecret + "?return_to=https%3A%2F%2Fevil.example")
	if want(t, w, http.StatusNotFound); strings.Contains(w.Body.String(), "evil") {
		t.Errorf("%s", w.Body)
	}
}

func TestNobodySignedOutIsLedToAnAccount(t *testing.T) {
	p := newPortal(t)
	const signIn, home = `<a href="/_auth/login">Sign in</a>`, `<a href="/_auth/account">Go to your account</a>`
	want(t, p.get("/_auth/none"), http.StatusNotFound, signIn)
	want(t, p.get("/_auth/none", "Cookie", cookieLine()), http.StatusNotFound, home)
	want(t, p.get("/_auth/orgs/%00", "Cookie", cookieLine()), http.StatusNotFound, home) // no store was asked
	p.signups.closed = true
	want(t, p.get("/_auth/register", "Cookie", "__Host-sigra="+freshToken.String()), http.StatusNotFound, signIn) // a session that has ended
	want(t, p.get("/_auth/register", "Cookie", cookieLine()), http.StatusNotFound, home)
	want(t, p.problem(request(http.MethodGet, "/page", ""), Problem{Status: http.StatusForbidden, Account: "ada@example.com"}), http.StatusForbidden, home)
}
