package browser

import (
	"mime"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

const settings = `signup open {
	approval
}
profile_field company {
	label Company
	header X-Company
}
profile_field team {
	label Team
	type choice Red Blue
	required
}
`

// formSite has a page with a form, whose session may end before it is sent.
const formSite = `sigra
handle /form {
	header Content-Type text/html
	respond "<!doctype html><form method=post action=/orders><input name=title value=Lamp><button>Send</button></form>"
}
reverse_proxy {upstream}`

var anyLink = regexp.MustCompile(`http://localhost:\d+/_auth/\S+`)

// TestSettingsStory walks through what an account can do for itself, with
// scripts and without, and looks at each page in each language.
func TestSettingsStory(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Site: formSite, Global: v.stores(t) + settings + mailer(smtp)})
			b, shoot := v.open(t)
			invited(t, b, g, smtp, shoot)
			profile(t, b, g, shoot)
			newAddress(t, b, g, smtp, shoot)
			keptForm(t, b, g, shoot)
			leaving(t, b, g, smtp, shoot)
			if v.scripts {
				everyLetter(t, b, smtp, 5)
			}
		})
	}
}

func invited(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP, shoot func(string)) {
	t.Helper()
	if _, err := g.CLI("", "user", "invite", "ada@example.com", "--language", b.language); err != nil {
		t.Fatal(err)
	}
	b.Open(anyLink.FindString(smtp.Await(t, "ada@example.com", 1).Plain()))
	shoot("invitation")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	shoot("invitation-error")
	b.Choose("#team", "Red")
	b.Fill("#name", "Ada Lovelace")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.mustBeAt(g.URL + "/_auth/account")
	shoot("account-full")
}

func profile(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	b.Press(`a[href$="/account/profile"]`)
	shoot("profile")
	b.Fill("#company", "Acme")
	b.Press(".primary")
	shoot("account-saved")
	b.Open(g.URL + "/page")
	if got := g.Upstream.For("/page"); len(got) != 1 || got[0].Header.Get("X-Company") != "Acme" {
		t.Errorf("the app was told %+v", got)
	}
	b.Open(g.URL + "/_auth/account/activity")
	shoot("activity")
	b.wantText("Profile changed", "Profil geändert")
	b.Open(g.URL + "/_auth/account/data")
	shoot("data")
	b.Open(g.URL + "/_auth/account/sessions")
	shoot("sessions-one")
	b.Open(g.URL + "/_auth/account/password")
	shoot("password")
}

func newAddress(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/_auth/account/email")
	b.Fill("#email", "grace")
	b.Fill("#current", "wrong")
	b.Press(".primary")
	b.wantText("This is not an e-mail address", "Das ist keine E-Mail-Adresse")
	b.wantText("This is not your password", "Das ist nicht Ihr Passwort")
	shoot("email-error")
	b.Fill("#email", "grace@example.com")
	b.Fill("#current", gateway.Password)
	b.Press(".primary")
	shoot("email-pending")
	b.Open(anyLink.FindString(smtp.Await(t, "ada@example.com", 2).Plain()))
	shoot("keep-email")
	b.Open(anyLink.FindString(smtp.Await(t, "grace@example.com", 1).Plain()))
	shoot("email-link")
	b.Press(".primary")
	b.mustBeAt(g.URL + "/_auth/account?changed=email")
	if text := b.Text("main"); !strings.Contains(text, "grace@example.com") {
		t.Errorf("the account: %s", text)
	}
}

func keptForm(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/form")
	if _, err := g.CLI("", "session", "revoke", "grace@example.com"); err != nil {
		t.Fatal(err)
	}
	b.Press("button")
	b.Fill("#email", "grace@example.com")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	shoot("kept")
	b.Press(".primary")
	b.mustBeAt(g.URL + "/orders")
	if got := g.Upstream.For("/orders"); len(got) != 1 || got[0].Method != http.MethodPost || got[0].Header.Get("Remote-User") != "grace@example.com" {
		t.Errorf("the app got %+v", got)
	}
	if _, err := g.CLI("", "session", "revoke", "grace@example.com"); err != nil {
		t.Fatal(err)
	}
	b.Open(g.URL + "/deep/page#part")
	b.Fill("#email", "grace@example.com")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	if at := b.Location(); b.scripts && at != g.URL+"/deep/page#part" {
		t.Errorf("the fragment is lost: %s", at)
	}
}

func leaving(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/_auth/account/delete")
	shoot("delete")
	b.Fill("#current", gateway.Password)
	b.Tap("input[name=confirm]")
	b.Press(".danger")
	shoot("login-deleted")
	b.Open(anyLink.FindString(smtp.Await(t, "grace@example.com", 2).Plain()))
	b.Fill("#email", "grace@example.com")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	shoot("reactivate")
	b.Press(".primary")
	shoot("account-kept")

	b.Open(g.URL + "/_auth/logout")
	b.Press(".primary")
	b.Open(g.URL + "/_auth/register")
	b.Fill("#email", "waits@example.com")
	b.Fill("#password", gateway.Password)
	b.Choose("#team", "Red")
	b.Press(".primary")
	b.Open(anyLink.FindString(smtp.Await(t, "waits@example.com", 1).Plain()))
	shoot("confirm-link")
	b.Press(".primary")
	shoot("waiting")
}

func letterOrDigit(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return r
	}
	return ' '
}

// everyLetter looks at the mails as a reader shows them, of so many kinds at least.
func everyLetter(t *testing.T, b *Browser, smtp *servers.SMTP, kinds int) {
	t.Helper()
	seen := make(map[string]bool)
	for _, m := range smtp.Mails("") {
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.ToLower(strings.Join(strings.Fields(strings.Map(letterOrDigit, subject)), "-"))
		if seen[name] {
			continue
		}
		seen[name] = true
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(m.HTML())) }))
		b.Open(s.URL)
		b.Shoot("mail-" + b.language + "-" + name)
		s.Close()
	}
	if len(seen) < kinds {
		t.Errorf("seen %v only", seen)
	}
}
