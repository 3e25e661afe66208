package caddymodule

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/mail"
)

// TestOperatorProvesADomainByMail sends a code and gives it back.
func TestOperatorProvesADomainByMail(t *testing.T) {
	g, _ := newOrgs(t, "orgs anyone")
	g.mustOperate(t, "POST", "/sigra/orgs/acme/domains", `{"domain":"example.invalid"}`, nil)
	var sent map[string]string
	g.mustOperate(t, "POST", "/sigra/orgs/acme/domains/example.invalid/mail", `{"mailbox":"hostmaster","language":"de"}`, &sent)
	if sent["sent"] != "hostmaster@example.invalid" {
		t.Errorf("%v", sent)
	}
	code := regexp.MustCompile(`[\w-]{43}`).FindString(g.mailTo(t, "hostmaster@example.invalid").Text)
	if code == "" {
		t.Fatal("the mail has no code")
	}
	g.mustOperate(t, "POST", "/sigra/orgs/acme/domains/example.invalid/code", `{"code":"`+code+`"}`, nil)
	var domains []domainView
	g.mustOperate(t, "GET", "/sigra/orgs/acme/domains", "", &domains)
	if len(domains) != 1 || domains[0].VerifiedAt.IsZero() {
		t.Errorf("%+v", domains)
	}
}

// mailTo waits for the mail to an address.
func (g *gateway) mailTo(t testing.TB, to string) mail.Message {
	t.Helper()
	for range 100 {
		mails := g.app.mailbox().Captured()
		if i := slices.IndexFunc(mails, func(m mail.Message) bool { return m.To == to }); i >= 0 {
			return mails[i]
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no mail to %s", to)
	return mail.Message{}
}
