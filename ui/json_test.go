package ui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/kept"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/profile"
)

// pagesInJSON are the routes of a GET with a part of what each tells; nothing for
// pages that only hold a form.
var pagesInJSON = map[string][]string{
	"/": {`"email":"ada@example.com"`}, "/account": {`"email":"ada@example.com"`}, "/account/sessions": {`"sessions":[]`},
	"/login":            {`"sign_up":true`, `"passkey":true`},
	"/account/profile":  {`"name":"Ada"`, `"profile":{"team":"Red"}`, `"name":"team"`, `"options":["Red","Blue"]`, `"value":"Red"`, `"languages":[`},
	"/account/password": {`"has_password":true`},
	"/account/email":    {`"email":"ada@example.com"`, `"pending":"new@example.com"`, `"has_password":true`},
	"/account/activity": {`"events":[]`}, "/account/data": nil,
	"/account/delete": {`"until":"2026-12-07"`, `"has_password":true`},
	"/reactivate":     {`"when":"2026-11-23"`},
	"/register":       {`"fields":[{"name":"team","label":"Team","type":"choice","required":true`, `"passkey":true`},
	"/confirm":        {`"email":"ada@example.com"`, `"resent":false`},
	"/magic":          {`"email":"`}, "/reset": {`"email":"`},
	"/waiting": {`"next":"/_auth/account"`},
	"/mfa":     {`"methods":[`}, "/mfa/backup": {`"methods":[`},
	"/account/mfa":      {`"two_step":false`, `"trusted_browsers":1`, `"browsers":[{"id":"b1"`},
	"/account/mfa/app":  {`"secret":"`, `"offer":"sealed"`},
	"/account/passkeys": {`"passkeys":[]`, `"may_add":true`, `"full":false`},
	"/logout":           {`"email":"ada@example.com"`}, "/step-up": {`"methods":[`},
	"/whoami": {`"sub":"user-1"`}, "/jwks.json": {`"keys":[]`}, "/healthz": {`"checks":`},
	setUpPrefix:   nil,
	confirmPrefix: {`"email":"ada@example.com"`, `"same_browser":true`},
	magicPrefix:   {`"email":"ada@example.com"`}, resetPrefix: {`"email":"ada@example.com"`},
	emailPrefix: {`"email":"new@example.com"`}, keepPrefix: {`"email":"new@example.com"`},
	invitationPrefix: {`"email":"grace@example.com"`, `"fields":[{"name":"team"`},
	"/orgs":          {`"orgs":[`}, "/orgs/new": nil,
	resendPrefix:   {`"action":"/orders"`, `{"name":"title","shown":"Lamp"}`, `{"name":"token","shown":"•••"}`},
	"/dev/mailbox": {`"to":"ada@example.com"`, `"subject":"Hello"`},
	mailboxPrefix:  {`"status":404`}, assetPrefix: {`"status":404`},

	orgPrefix: {`"slug":"acme"`}, orgPrefix + "/members": {`"members":[`}, orgPrefix + "/invitations": {`"invitations":[]`}, orgPrefix + "/activity": {`"events":[]`},
	orgPrefix + "/settings":      {`"slug":"acme"`, `"name":"Acme \u0026 Co"`},
	orgPrefix + "/settings/slug": {`"slug":"acme"`}, orgPrefix + "/settings/delete": {`"name":"Acme \u0026 Co"`},
	orgPrefix + "/settings/rules":    {`"affected":[`},
	orgPrefix + "/settings/transfer": {`"email":"bob@example.com"`, `"cut":false`},
	orgPrefix + "/settings/domains":  {`"domains":[]`}, orgPrefix + "/settings/domains/new": {`"roles":[{"value":`},
}

// furnished is a portal in which every page has something to tell.
func furnished(t *testing.T) *portal {
	t.Helper()
	p := newPortal(t, func(o *Options) {
		o.Fields = []profile.Field{{Name: "team", Label: "Team", Type: profile.Choice, Required: true, Options: []string{"Red", "Blue"}}}
	})
	p.facts.Local = true
	p.addresses.pending = "new@example.com"
	p.deletions.when = testNow
	p.profiles.user.Name, p.profiles.user.Profile = "Ada", map[string]string{"team": "Red"}
	p.accounts.browsers = []account.Browser{{ID: "b1", UserAgent: firefox, ExpiresAt: testNow}}
	p.kept.form = kept.Form{Action: "/orders", Site: testOrigin, Body: "title=Lamp&token=s3cret"}
	letter := mail.Message{ID: "m1", To: "ada@example.com", Subject: "Hello", Text: "s3cret", HTML: "s3cret"}
	if err := p.mailbox.Send(context.Background(), letter); err != nil {
		t.Fatal(err)
	}
	return p
}

// routeKey is the route of a path that everyRoute gives.
func routeKey(path string) string {
	if rest, ok := strings.CutPrefix(path, orgPrefix+"acme"); ok {
		return orgPrefix + rest
	}
	if strings.HasSuffix(path, "/x") {
		return strings.TrimSuffix(path, "x")
	}
	return path
}

// TestEveryPageInJSON asks every page for JSON: a program learns what a visitor
// sees, and no secret.
func TestEveryPageInJSON(t *testing.T) {
	for _, path := range everyRoute() {
		below := strings.TrimPrefix(path, testBase)
		route, _ := find(below)
		if route.get == nil {
			continue
		}
		t.Run(below, func(t *testing.T) {
			key := routeKey(below)
			texts, ok := pagesInJSON[key]
			if !ok {
				t.Fatal("what does it tell?")
			}
			p := furnished(t)
			cookies := cookieLine()
			switch key {
			case "/mfa", "/mfa/backup":
				p.sessions.live.Identity.Pending = true
			case "/login", "/register", invitationPrefix:
				cookies = ""
			case "/confirm", confirmPrefix:
				cookies = testCookie.Name + "-signup=ticket"
			}
			w := p.get(path, "Accept", asJSON, "Cookie", cookies)
			status, kind := http.StatusOK, "application/json"
			switch key {
			case mailboxPrefix, assetPrefix:
				status, kind = http.StatusNotFound, "application/problem+json"
			case "/jwks.json":
				kind = "application/jwk-set+json"
			}
			want(t, w, status, texts...)
			wantHeader(t, w, "Content-Type", kind)
			if decode(t, w); strings.Contains(w.Body.String(), "s3cret") {
				t.Errorf("a secret is told: %s", w.Body)
			}
		})
	}
}

// TestAProgramIsToldThatNothingIsDeleted when it does not say that it is sure.
func TestAProgramIsToldThatNothingIsDeleted(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/account/delete", url.Values{"current": {"x"}}, "Cookie", cookieLine(), "Accept", asJSON)
	if want(t, w, http.StatusUnprocessableEntity); decode(t, w)["status"] != "error" {
		t.Errorf("%s", w.Body)
	}
}

func TestDeletionTellsAllThatIsMissing(t *testing.T) {
	p := newPortal(t)
	want(t, p.post("/_auth/account/delete", url.Values{}, "Cookie", cookieLine()), http.StatusUnprocessableEntity, "Tick this to confirm.", `id="current-error" role="alert">Please fill this in.`)
	p.accounts.noPassword = true
	w := p.post("/_auth/account/delete", url.Values{}, "Cookie", cookieLine())
	if want(t, w, http.StatusUnprocessableEntity, "Tick this to confirm."); strings.Contains(w.Body.String(), "fill this in") {
		t.Errorf("asked for a password that there is not: %s", w.Body)
	}
}
