package ui

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/profile"
)

var testFields = profile.Fields{
	{Name: "company", Type: profile.Text, Label: "Company", Required: true},
	{Name: "team", Type: profile.Choice, Label: "Team", Options: []string{"Red", "Blue"}},
}

func TestProfile(t *testing.T) {
	p := newPortal(t, func(o *Options) { o.Fields = testFields })
	p.profiles.user = authcore.User{Name: "Ada", Language: "en", Profile: map[string]string{"company": `Acme "&" Sons`, "team": "Blue"}}
	want(t, p.get("/_auth/account/profile", "Cookie", cookieLine()), http.StatusOK,
		`value="Acme &#34;&amp;&#34; Sons"`, "<option selected>Blue</option>", `<option value="en" lang="en" selected>English</option>`)
	fields := url.Values{"name": {"Countess"}, "language": {"en"}, "company": {"Acme"}, "team": {"Red"}}
	wantNext(t, p.post("/_auth/account/profile", fields, "Cookie", cookieLine()), "/_auth/account?changed=profile")
	if c := p.profiles.change; c.Name != "Countess" || c.Language != "en" || c.Profile["company"] != "Acme" {
		t.Errorf("the service was asked %+v", c)
	}
	want(t, p.get("/_auth/account?changed=profile", "Cookie", cookieLine()), http.StatusOK, "Your profile is saved")
	p.profiles.err = &account.InvalidError{Fields: map[string]account.Problem{"company": account.ProblemRequired}}
	want(t, p.post("/_auth/account/profile", fields, "Cookie", cookieLine()), http.StatusUnprocessableEntity,
		`id="company-error">Please fill this in.`, `<a href="#company">Company</a>`, "<option selected>Red</option>")
	fields.Set("language", "tlh")
	want(t, p.post("/_auth/account/profile", fields, "Cookie", cookieLine()), http.StatusBadRequest)
}

func TestRegisterAsksForProfileFields(t *testing.T) {
	p := newPortal(t, func(o *Options) { o.Fields = testFields })
	want(t, p.get("/_auth/register"), http.StatusOK, `<label for="company">Company</label>`, `<option>Red</option>`)
	p.signups.err = &account.InvalidError{Fields: map[string]account.Problem{"team": account.ProblemValue}}
	w := p.post("/_auth/register", url.Values{"email": {"a@example.com"}, "company": {strings.Repeat("é", 500)}, "team": {"Green"}})
	want(t, w, http.StatusUnprocessableEntity, `id="team-error">Enter a valid value.`, `value="`+strings.Repeat("é", 100)+`"`)
	if p.signups.signUp.Profile["team"] != "Green" {
		t.Errorf("the service was asked %+v", p.signups.signUp)
	}
}

func TestWaitingForApproval(t *testing.T) {
	p := newPortal(t)
	p.sessions.live.Identity.Held = authcore.HoldApproval
	wantNext(t, p.get("/_auth/account", "Cookie", cookieLine()), "/_auth/waiting")
	wantNext(t, p.get("/_auth/login?return_to=%2Fx", "Cookie", cookieLine()), "/_auth/waiting?return_to=%2Fx")
	want(t, p.get("/_auth/waiting", "Cookie", cookieLine()), http.StatusOK, "ada@example.com")
	p.sessions.live.Identity.Held = ""
	wantNext(t, p.get("/_auth/waiting?return_to=%2Fx", "Cookie", cookieLine()), "/x")
}
