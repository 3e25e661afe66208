package browser

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

var codeInMail = regexp.MustCompile(`(?:code|ein):\s+(\d{3} \d{3})`)

// TestSignUpStory makes an account, proves its address by code and by link, and
// changes its password, with scripts and without, and looks at each page.
func TestSignUpStory(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Global: v.stores(t) + "signup open\n" + mailer(smtp)})
			b, shoot := v.open(t)
			byCode(t, b, g, smtp, shoot)
			changePassword(t, b, g, shoot)
			byLink(t, b, g, smtp, shoot)
		})
	}
}

func byCode(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/deep/page")
	shoot("login-open")
	b.Press(`a[href*="/register"]`)
	shoot("register")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", "short")
	b.Press(".primary")
	shoot("register-error")
	b.Fill("#name", "Ada Lovelace")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	shoot("confirm")
	if text := b.Text("main"); !strings.Contains(text, "ada@example.com") {
		t.Errorf("the page says %s", text)
	}
	b.Press(".quiet")
	shoot("confirm-resent")
	code := codeInMail.FindStringSubmatch(smtp.Await(t, "ada@example.com", 2).Plain())
	b.Fill("#code", "nonsense")
	b.Press(".primary")
	shoot("confirm-error")
	b.Fill("#code", code[1])
	b.Press(".primary")
	b.mustBeAt(g.URL + "/deep/page")
}

func changePassword(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/_auth/account")
	b.Press(`a[href*="/password"]`)
	b.Fill("#current", "wrong")
	b.Fill("#password", "a better password")
	b.Press(".primary")
	shoot("password-error")
	b.Fill("#current", gateway.Password)
	b.Fill("#password", "a better password")
	b.Press(".primary")
	shoot("account-changed")
	b.wantText("Your password has changed", "Ihr Passwort ist geändert")
	b.Open(g.URL + "/_auth/logout")
	b.Press(".primary")
}

func byLink(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP, shoot func(string)) {
	t.Helper()
	elsewhere := g.NewClient()
	elsewhere.Post("/_auth/register", map[string][]string{"email": {"eve@example.com"}, "name": {"Eve"}, "password": {gateway.Password}})
	b.Open(mailed.FindString(smtp.Await(t, "eve@example.com", 1).Plain()))
	shoot("confirm-link-elsewhere")
	b.Press(".primary")
	b.mustBeAt(g.URL + "/_auth/account/password?return_to=%2F_auth%2Faccount%2Fprofile%3Fanew%3D1")
	shoot("password-first")
	b.Fill("#password", "a better password")
	b.Press(".primary")
	shoot("profile-anew")
	b.Fill("#name", "Eve")
	b.Press(".primary")
	if text := b.Text("main"); !strings.Contains(text, "eve@example.com") {
		t.Errorf("the account shows %s", text)
	}
}
