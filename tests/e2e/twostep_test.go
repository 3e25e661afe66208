package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// authenticator is an app on a phone.
type authenticator struct {
	t      *testing.T
	secret string
	// shown are the backup codes that are left.
	shown []string
	steps int
}

var (
	keyShown   = regexp.MustCompile(`<code class="key">([A-Z2-7 ]+)</code>`)
	offerShown = regexp.MustCompile(`name="offer" value="([^"]+)"`)
	codeShown  = regexp.MustCompile(`<li><code>(\d{4}-\d{4})</code></li>`)
)

// enroll turns two-step sign-in on for a signed-in browser.
func enroll(t *testing.T, c *gateway.Client, returnTo string) *authenticator {
	t.Helper()
	page := c.Get("/_auth/account/mfa/app?return_to=" + url.QueryEscape(returnTo))
	key, offer := keyShown.FindStringSubmatch(page.Text), offerShown.FindStringSubmatch(page.Text)
	if page.StatusCode != http.StatusOK || key == nil || offer == nil {
		t.Fatalf("setting up an app: %d to %s\n%s", page.StatusCode, page.Header.Get("Location"), page.Text)
	}
	a := &authenticator{t: t, secret: strings.ReplaceAll(key[1], " ", "")}
	answer := c.Post("/_auth/account/mfa/app", url.Values{"offer": {offer[1]}, "code": {a.code()}, "return_to": {returnTo}})
	for _, code := range codeShown.FindAllStringSubmatch(answer.Text, -1) {
		a.shown = append(a.shown, code[1])
	}
	if answer.StatusCode != http.StatusOK || len(a.shown) != 8 || !strings.Contains(answer.Text, `href="`+returnTo+`"`) {
		t.Fatalf("turning it on: %d\n%s", answer.StatusCode, answer.Text)
	}
	return a
}

// code is the next one: the app's clock runs ahead by as much as is allowed, so
// that a test need not wait for the next step. It gives two.
func (a *authenticator) code() string {
	a.t.Helper()
	code, err := totp.GenerateCode(a.secret, time.Now().Add(time.Duration(a.steps)*30*time.Second))
	if err != nil {
		a.t.Fatal(err)
	}
	a.steps++
	return code
}

// backup is a code from the list.
func (a *authenticator) backup() string {
	code := a.shown[0]
	a.shown = a.shown[1:]
	return code
}

func credentialsOf(email string, more ...string) url.Values {
	form := url.Values{"email": {email}, "password": {gateway.Password}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// provenBy returns amr, acr and auth_time of the assertion that the app got last.
func provenBy(t *testing.T, g *gateway.Gateway) (methods, level string, at int64) {
	t.Helper()
	claims := claimsOf(t, g.Upstream.Last().Header.Get("Sigra-Assertion"))
	for _, method := range claims["amr"].([]any) {
		methods += method.(string) + " "
	}
	return strings.TrimSpace(methods), claims["acr"].(string), int64(claims["auth_time"].(float64))
}

func TestTwoStepSignIn(t *testing.T) {
	onBoth(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		phone := enroll(t, g.SignedIn(ada), "/page")
		smtp.Await(t, ada, 1)
		c := g.NewClient()
		wantTo(t, "the password", c.Post("/_auth/login", credentialsOf(ada, "return_to", "/page", "remember", "on")), "/_auth/mfa?return_to=%2Fpage")
		half := c.SessionCookie()
		seen := g.Upstream.Count()
		wantTo(t, "the app, half-way", c.Get("/page"), "/_auth/mfa?return_to=%2Fpage")
		if answer := c.Fetch("/page"); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("a script, half-way: %d", answer.StatusCode)
		}
		if answer := c.Fetch("/_auth/whoami"); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("whoami, half-way: %d %s", answer.StatusCode, answer.Text)
		}
		wantTo(t, "the account, half-way", c.Get("/_auth/account/mfa"), "/_auth/login?return_to=%2F_auth%2Faccount%2Fmfa")
		if g.Upstream.Count() != seen {
			t.Error("the app has seen a sign-in that is not complete")
		}
		if answer := c.Post("/_auth/mfa", url.Values{"code": {"000000"}, "return_to": {"/page"}}); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("a wrong code: %d", answer.StatusCode)
		}
		before := time.Now().Unix()
		wantTo(t, "the code", c.Post("/_auth/mfa", url.Values{"code": {phone.code()}, "trust": {"on"}, "return_to": {"/page"}}), "/page")
		if c.SessionCookie() == half {
			t.Error("the token is the old one")
		}
		if answer := c.Get("/page"); answer.StatusCode != http.StatusOK || g.Upstream.Last().Header.Get("Remote-User") != ada {
			t.Fatalf("the app: %d", answer.StatusCode)
		}
		if methods, level, at := provenBy(t, g); methods != "pwd otp mfa" || level != "aal2" || at < before {
			t.Errorf("the assertion says %s, %s, %d", methods, level, at)
		}

		// The same browser is not asked again; a new one is, and takes a backup code.
		c.Post("/_auth/logout", url.Values{})
		wantTo(t, "a trusted browser", c.Post("/_auth/login", credentialsOf(ada, "return_to", "/page")), "/page")
		c.Get("/page")
		if methods, level, _ := provenBy(t, g); level != "aal1" || methods != "pwd" {
			t.Errorf("a trusted browser is a proof: %s by %s", level, methods)
		}
		d := g.NewClient()
		wantTo(t, "another browser", d.Post("/_auth/login", credentialsOf(ada)), "/_auth/mfa?return_to=%2F_auth%2Faccount")
		code := phone.backup()
		wantTo(t, "a backup code", d.Post("/_auth/mfa/backup", url.Values{"code": {code}}), "/_auth/account")
		e := g.NewClient()
		e.Post("/_auth/login", credentialsOf(ada))
		if answer := e.Post("/_auth/mfa/backup", url.Values{"code": {code}}); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the same backup code: %d", answer.StatusCode)
		}
		wantTo(t, "cancelling", e.Post("/_auth/logout", url.Values{}), "/_auth/login?done=signed_out")
		wantTo(t, "after that", e.Get("/_auth/mfa"), "/_auth/login?expired=1&return_to=%2F_auth%2Faccount")
	})
}

// TestLostPhone is what the operator does for somebody who has lost everything.
func TestLostPhone(t *testing.T) {
	onBoth(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		c := g.SignedIn(ada)
		enroll(t, c, "/page")
		if out, err := g.CLI("", "user", "reset-factors", ada); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		wantTo(t, "the session of before", c.Get("/page"), "/_auth/login?return_to=%2Fpage")
		wantTo(t, "signing in", c.Post("/_auth/login", credentialsOf(ada, "return_to", "/page")), "/page")
		if text := smtp.Await(t, ada, 2).Plain(); !strings.Contains(text, "an operator removed the authenticator app") {
			t.Errorf("the mail says %s", text)
		}
		if _, err := g.CLI("", "user", "reset-factors", "nobody@example.com"); err == nil {
			t.Error("the factors of nobody are reset")
		}
	})
}

// TestSecondFactorIsRequired leads a user through setting one up, and on.
func TestSecondFactorIsRequired(t *testing.T) {
	g := gateway.Start(t, gateway.Config{
		Site: "sigra {\npublic /public/*\n}\nsigra /admin/* {\nmfa required admin\n}\nsigra /all/* {\nmfa required\n}\nreverse_proxy {upstream}",
	})
	g.AddUser(ada)
	g.AddUser(grace, "--role", "admin")
	c := g.SignedIn(grace)
	if answer := c.Get("/plain"); answer.StatusCode != http.StatusOK {
		t.Errorf("elsewhere: %d", answer.StatusCode)
	}
	answer := c.Get("/admin/x")
	wantTo(t, "an admin", answer, "/_auth/step-up?return_to=%2Fadmin%2Fx&need=totp%2Cbackup_code%2Cpasskey")
	page := c.Get(answer.Header.Get("Location"))
	if page.StatusCode != http.StatusOK || !strings.Contains(page.Text, `href="/_auth/account/mfa/app?return_to=%2fadmin%2fx"`) {
		t.Fatalf("the page: %d %s", page.StatusCode, page.Text)
	}
	phone := enroll(t, c, "/admin/x")
	if answer := c.Get("/admin/x"); answer.StatusCode != http.StatusOK {
		t.Errorf("after setting it up: %d", answer.StatusCode)
	}
	if answer := c.Fetch("/all/x"); answer.StatusCode != http.StatusOK {
		t.Errorf("everybody's: %d", answer.StatusCode)
	}
	d := g.SignedIn(ada)
	if answer := d.Get("/admin/x"); answer.StatusCode != http.StatusOK {
		t.Errorf("a user of whom none is asked: %d", answer.StatusCode)
	}
	if answer := d.Fetch("/all/x"); answer.StatusCode != http.StatusUnauthorized || !strings.Contains(answer.Header.Get("WWW-Authenticate"), `acr_values="aal2"`) {
		t.Errorf("everybody's: %d %s", answer.StatusCode, answer.Header)
	}
	trusted := g.NewClient()
	trusted.Post("/_auth/login", credentialsOf(grace))
	wantTo(t, "signing in", trusted.Post("/_auth/mfa", url.Values{"code": {phone.code()}, "trust": {"on"}}), "/_auth/account")
	trusted.Post("/_auth/logout", url.Values{})
	trusted.SignIn(grace)
	if answer := trusted.Get("/admin/x"); answer.StatusCode != http.StatusOK {
		t.Errorf("from a trusted browser: %d", answer.StatusCode)
	}
}

// TestSecondFactorBehindMatchers: a site whose directives all have matchers says
// nothing of sign-in, so that the password alone must not be one.
func TestSecondFactorBehindMatchers(t *testing.T) {
	for site, next := range map[string]string{
		"sigra /admin/*": "/_auth/mfa?return_to=%2Fadmin%2Fx",
		"sigra /admin/* {\nmfa required\n}\nsigra /pub/*": "/_auth/mfa?return_to=%2Fadmin%2Fx",
		"sigra {\nmfa off\n}\nsigra /other/*":             "/admin/x",
	} {
		g := gateway.Start(t, gateway.Config{Global: loose, Site: site + "\nreverse_proxy {upstream}"})
		g.AddUser(ada)
		enroll(t, g.SignedIn(ada), "/page")
		c := g.NewClient()
		wantTo(t, site, c.Post("/_auth/login", credentialsOf(ada, "return_to", "/admin/x")), next)
		want := http.StatusUnauthorized
		if next == "/admin/x" {
			want = http.StatusOK
		}
		for _, page := range []string{"/admin/x", "/_auth/whoami", "/_auth/account/activity"} {
			if answer := c.Fetch(page); answer.StatusCode != want {
				t.Errorf("%s: %s by the password alone: %d", site, page, answer.StatusCode)
			}
		}
	}
}

// TestRoutesAskForProofs: any route of an app that knows nothing of it can ask for
// a second factor, a kind of it, and a fresh one; a form goes on afterwards.
func TestRoutesAskForProofs(t *testing.T) {
	g := gateway.Start(t, gateway.Config{
		Site: "sigra\nsigra /strong/* {\nrequire aal2\n}\nsigra /totp/* {\nrequire factor totp\nrequire fresh 10m\n}\nsigra /key/* {\nrequire factor passkey\n}\nreverse_proxy {upstream}",
	})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	enroll := enroll(t, c, "/page")
	if answer := c.Get("/totp/x"); answer.StatusCode != http.StatusOK {
		t.Errorf("after setting it up: %d", answer.StatusCode)
	}
	wantTo(t, "a passkey that there is not", c.Get("/key/x"), "/_auth/step-up?return_to=%2Fkey%2Fx&need=passkey")

	c = g.NewClient()
	c.Post("/_auth/login", credentialsOf(ada))
	wantTo(t, "a backup code", c.Post("/_auth/mfa", url.Values{"code": {enroll.backup()}}), "/_auth/account")
	if answer := c.Get("/strong/x"); answer.StatusCode != http.StatusOK {
		t.Errorf("two factors: %d", answer.StatusCode)
	}
	answer := c.Post("/totp/x", url.Values{"amount": {"100"}}, "Sec-Fetch-Mode", "navigate")
	location, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusSeeOther || location.Path != "/_auth/step-up" || location.Query().Get("need") != "totp" {
		t.Fatalf("a form without the factor: %d to %s", answer.StatusCode, location)
	}
	kept := location.Query().Get("return_to")
	if answer := c.Post("/_auth/step-up", url.Values{"password": {gateway.Password}, "return_to": {kept}, "need": {"totp"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the password instead: %d", answer.StatusCode)
	}
	wantTo(t, "the password is not what was asked for", c.Get("/totp/y"), "/_auth/step-up?return_to=%2Ftotp%2Fy&need=totp")
	wantTo(t, "the code", c.Post("/_auth/step-up", url.Values{"code": {enroll.code()}, "return_to": {kept}, "need": {"totp"}}), kept)
	if page := c.Get(kept); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, `name="amount"`) || !strings.Contains(page.Text, "/totp/x") {
		t.Errorf("the form: %d %s", page.StatusCode, page.Text)
	}
	if answer := c.Post("/totp/x", url.Values{"amount": {"100"}}); answer.StatusCode != http.StatusOK {
		t.Errorf("sent again: %d", answer.StatusCode)
	}
}

// TestOneStepSiteBesideAnother: with a shared cookie, a session of the site that asks
// for one factor is nobody's at the other, also where nobody need sign in.
func TestOneStepSiteBesideAnother(t *testing.T) {
	g, app, wiki := siblings(t, "cookie {\ndomain example.com\n}", "sigra {\nmfa off\n}", "sigra {\nmfa required\npublic /pub\n}")
	g.AddUser(ada)
	owner := g.NewClient()
	owner.URL = wiki
	owner.SignIn(ada)
	phone := enroll(t, owner, "/page")
	thief := g.NewClient()
	thief.URL = app
	thief.SignIn(ada)
	if answer := thief.Get("/page"); answer.StatusCode != http.StatusOK {
		t.Fatalf("where one factor is enough: %d", answer.StatusCode)
	}
	thief.URL = wiki
	seen := func(want string) {
		t.Helper()
		if answer := thief.Get("/pub"); answer.StatusCode != http.StatusOK || g.Upstream.Last().Header.Get("Remote-User") != want {
			t.Errorf("a public path: %d as %q, want %q", answer.StatusCode, g.Upstream.Last().Header.Get("Remote-User"), want)
		}
	}
	seen("")
	for _, page := range []string{"/page", "/_auth/whoami", "/_auth/account/activity"} {
		if answer := thief.Fetch(page); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", page, answer.StatusCode, answer.Text)
		}
	}
	answer := thief.Get("/page")
	if page := thief.Get(answer.Header.Get("Location")); page.StatusCode != http.StatusOK {
		t.Fatalf("asking for the second factor: %d at %s", page.StatusCode, answer.Header.Get("Location"))
	}
	wantTo(t, "the second factor", thief.Post("/_auth/step-up", url.Values{"code": {phone.code()}, "return_to": {"/page"}}), "/page")
	seen(ada)
	if answer := thief.Fetch("/_auth/whoami"); answer.StatusCode != http.StatusOK {
		t.Errorf("whoami with both: %d", answer.StatusCode)
	}
}
