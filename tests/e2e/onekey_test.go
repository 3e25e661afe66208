package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/fixture"
	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestSecurityKeyIsOneFactor: a key without a PIN begins a sign-in, which the password
// completes and the key itself does not.
func TestSecurityKeyIsOneFactor(t *testing.T) {
	onBoth(t, loose, func(t *testing.T, g *gateway.Gateway, _ *servers.SMTP) {
		c := g.SignedIn(ada)
		a := key(t, c)
		if answer := c.Post("/_auth/account/mfa/passkeys", url.Values{}); answer.StatusCode != http.StatusOK {
			t.Fatalf("as second factor: %d %s", answer.StatusCode, answer.Text)
		}
		a.Flags = fixture.UP
		d := g.NewClient()
		begun := postJSON(d, "/_auth/passkey/login", string(a.Get(asked(t, d, "/_auth/passkey/login/options"))))
		if begun.StatusCode != http.StatusOK || !strings.Contains(begun.Text, "/_auth/mfa") {
			t.Fatalf("the key: %d %s", begun.StatusCode, begun.Text)
		}
		if methods := d.Fetch("/_auth/mfa").Text; !strings.Contains(methods, `"methods":["password","backup_code"]`) {
			t.Errorf("offered: %s", methods)
		}
		if answer := postJSON(d, "/_auth/mfa/passkey", string(a.Get(asked(t, d, "/_auth/mfa/passkey/options")))); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the key again: %d %s", answer.StatusCode, answer.Text)
		}
		if answer := d.Fetch("/page"); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("the app: %d", answer.StatusCode)
		}
		if answer := d.Post("/_auth/mfa", url.Values{"password": {"wrong"}}); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("a wrong password: %d", answer.StatusCode)
		}
		wantTo(t, "the password", d.Post("/_auth/mfa", url.Values{"password": {gateway.Password}, "return_to": {"/page"}}), "/page")
		d.Get("/page")
		if methods, level, _ := provenBy(t, g); methods != "hwk user pwd mfa" || level != "aal2" {
			t.Errorf("the assertion says %s, %s", methods, level)
		}

		// Beside a passkey, whoever knows the password adds none.
		e := g.NewClient()
		wantTo(t, "the password alone", e.Post("/_auth/login", credentialsOf(ada)), "/_auth/mfa?return_to=%2F_auth%2Faccount")
	})
}

// TestPasskeyBesideAnother asks for the first, also without two-step sign-in.
func TestPasskeyBesideAnother(t *testing.T) {
	onBoth(t, loose, func(t *testing.T, g *gateway.Gateway, _ *servers.SMTP) {
		key(t, g.SignedIn(ada))
		thief := g.SignedIn(ada)
		if answer := postJSON(thief, "/_auth/account/passkeys/options", "{}"); answer.StatusCode != http.StatusForbidden || !strings.Contains(answer.Text, "step_up") {
			t.Errorf("another passkey: %d %s", answer.StatusCode, answer.Text)
		}
		if answer := thief.Get("/_auth/account/mfa/app"); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), "/_auth/step-up") {
			t.Errorf("an app: %d to %s", answer.StatusCode, answer.Header.Get("Location"))
		}
	})
}

// TestPasskeyGuardsElsewhere: it guards the account at the sites too where it cannot
// be asked for. They say where it can; a second factor that works there does.
func TestPasskeyGuardsElsewhere(t *testing.T) {
	g, app, wiki := siblings(t, "passkeys {\nrp_id app.example.com\n}", "sigra {\nrequire aal2\n}", "sigra", "*.example.com {\nsigra\nrespond ok\n}\n")
	g.AddUser(ada)
	owner := g.NewClient()
	owner.URL = app
	owner.SignIn(ada)
	a := fixture.NewAuthenticator(t)
	a.RPID, a.Origin = "app.example.com", app
	if answer := postJSON(owner, "/_auth/account/passkeys", string(a.Create(asked(t, owner, "/_auth/account/passkeys/options")))); answer.StatusCode != http.StatusOK {
		t.Fatalf("the passkey: %d %s", answer.StatusCode, answer.Text)
	}
	for _, host := range []string{wiki, strings.Replace(wiki, "wiki", "x", 1)} { // x is under a wildcard
		thief := g.NewClient()
		thief.URL = host
		thief.SignIn(ada)
		id := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(thief.Fetch("/_auth/account/passkeys").Text)[1]
		answer := thief.Post("/_auth/account/passkeys/delete", url.Values{"passkey": {id}})
		if !strings.HasPrefix(answer.Header.Get("Location"), "/_auth/step-up") {
			t.Fatalf("deleting it at %s: %d to %s", host, answer.StatusCode, answer.Header.Get("Location"))
		}
		if page := thief.Get(answer.Header.Get("Location")); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, "<strong>app.example.com</strong>") {
			t.Errorf("where it can be deleted: %d %s", page.StatusCode, page.Text)
		}
		if answer := postJSON(thief, "/_auth/account/passkeys/options", "{}"); answer.StatusCode != http.StatusForbidden {
			t.Errorf("adding another at %s: %d %s", host, answer.StatusCode, answer.Text)
		}
		if answer := thief.Get("/_auth/account/mfa/app"); !strings.HasPrefix(answer.Header.Get("Location"), "/_auth/step-up") {
			t.Errorf("an app at %s: %d to %s", host, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	phone := enroll(t, owner, "/page")
	other := g.NewClient()
	other.URL = wiki
	other.Post("/_auth/login", credentialsOf(ada))
	wantTo(t, "the app's code at another site", other.Post("/_auth/mfa", url.Values{"code": {phone.code()}}), "/_auth/account")
	if answer := postJSON(other, "/_auth/account/passkeys/options", "{}"); answer.StatusCode != http.StatusOK {
		t.Errorf("a passkey for that site too: %d %s", answer.StatusCode, answer.Text)
	}
}

// siblings is a gateway with two sites in one domain.
func siblings(t *testing.T, global, first, second string, more ...string) (g *gateway.Gateway, app, wiki string) {
	t.Helper()
	g = gateway.New(t, gateway.Config{TLS: true})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(g.URL, "https://"))
	g.File = fmt.Sprintf("{\nadmin %s\nhttp_port 0\nhttps_port %s\nskip_install_trust\nlocal_certs\nsigra {\n%s\n%s\n}\n}\n", g.Admin, port, loose, global)
	g.File += fmt.Sprintf("app.example.com {\n%s\nreverse_proxy %s\n}\nwiki.example.com {\n%s\nreverse_proxy %s\n}\n", first, g.Upstream.Addr, second, g.Upstream.Addr)
	g.File += strings.Join(more, "")
	g.Start()
	return g, "https://app.example.com:" + port, "https://wiki.example.com:" + port
}

// TestFewBackupCodes leads to new ones after a code was used, and says so by mail.
func TestFewBackupCodes(t *testing.T) {
	onBoth(t, loose, func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		phone := enroll(t, g.SignedIn(ada), "/page")
		for left := 7; left >= 0; left-- {
			c := g.NewClient()
			c.Post("/_auth/login", credentialsOf(ada, "return_to", "/page"))
			want := "/page"
			if left <= 2 {
				want = "/_auth/account/mfa?return_to=%2Fpage"
			}
			wantTo(t, "a backup code", c.Post("/_auth/mfa/backup", url.Values{"code": {phone.backup()}, "return_to": {"/page"}}), want)
		}
	})
}
