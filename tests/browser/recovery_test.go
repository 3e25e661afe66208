package browser

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

var mailed = regexp.MustCompile(`http://localhost:\d+/_auth/\w+/[\w-]{43}\S*`)

// TestRecoveryStory signs in by mail and changes a forgotten password, with
// scripts and without, and looks at each page and mail.
func TestRecoveryStory(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Global: v.stores(t) + mailer(smtp)})
			g.AddUser("ada@example.com")
			b, shoot := v.open(t)
			byMail(t, b, g, smtp, shoot)
			forgotten(t, b, g, smtp, shoot)
			if v.scripts {
				letters(t, b, smtp)
			}
		})
	}
}

func byMail(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/deep/page")
	b.Press(`a[href*="/magic"]`)
	shoot("magic")
	b.Fill("#email", "nonsense")
	b.Press(".primary")
	shoot("magic-error")
	b.Fill("#email", "ada@example.com")
	b.Press(".primary")
	shoot("magic-sent")
	b.wantText("ada@example.com", "ada@example.com")
	b.Press("form .wide")
	shoot("magic-sent-again")
	b.Open(mailed.FindString(smtp.Await(t, "ada@example.com", 2).Plain()))
	shoot("magic-link")
	b.Press(".primary")
	b.mustBeAt(g.URL + "/deep/page")
	b.Open(g.URL + "/_auth/logout")
	b.Press(".primary")
}

func forgotten(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/deep/page")
	b.Press(`a[href*="/reset"]`)
	shoot("reset")
	b.Fill("#email", "ada@example.com")
	b.Press(".primary")
	shoot("reset-sent")
	link := mailed.FindString(smtp.Await(t, "ada@example.com", 3).Plain())
	b.Open(link)
	b.Fill("#password", "short")
	b.Press(".primary")
	shoot("reset-link-error")
	b.Fill("#password", "a better password")
	b.Press(".primary")
	shoot("login-changed")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", "a better password")
	b.Press(".primary")
	b.mustBeAt(g.URL + "/deep/page")
	b.Open(link)
	shoot("reset-link-used")
	b.wantText("This link has expired or was used already", "Dieser Link ist abgelaufen oder wurde schon benutzt")
}

// letters looks at the mails as a reader shows them.
func letters(t *testing.T, b *Browser, smtp *servers.SMTP) {
	t.Helper()
	smtp.Await(t, "ada@example.com", 4)
	for i, m := range smtp.Mails("ada@example.com") {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(m.HTML())) }))
		b.Open(s.URL)
		b.Shoot("mail-" + b.language + "-" + []string{"sign-in", "sign-in-again", "reset", "changed"}[i])
		s.Close()
	}
}
