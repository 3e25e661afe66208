package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// withMail is a global option that sends mail to a server.
func withMail(s *servers.SMTP) string {
	return "mailer smtp " + s.Addr + " {\nfrom \"Gateway <no-reply@example.com>\"\ntls off\ntimeout 2s\n}"
}

// lockOut makes the gateway send a mail to the owner of an account.
func lockOut(g *gateway.Gateway, email string) {
	for range 5 {
		g.NewClient().Post("/_auth/login", map[string][]string{"email": {email}, "password": {"wrong"}})
	}
}

func TestMailIsSent(t *testing.T) {
	for name, stores := range bothStores(t) {
		smtp := servers.StartSMTP(t, nil, "")
		g := gateway.Start(t, gateway.Config{Global: stores + withMail(smtp)})
		g.AddUser(ada)
		lockOut(g, ada)
		m := smtp.Await(t, ada, 1)
		if subject := m.Header.Get("Subject"); !strings.HasPrefix(subject, "Too many sign-in attempts") || m.From != "no-reply@example.com" {
			t.Errorf("%s: %q from %s", name, subject, m.From)
		}
		if strings.Contains(g.Log(), ada) {
			t.Errorf("%s: the log tells an address", name)
		}
		g.Await(func() error {
			if list, err := g.CLI("", "mail", "list"); err != nil || list != "" {
				return fmt.Errorf("the queue holds %q, %w", list, err)
			}
			return nil
		})
	}
}

// Mail waits for a server that is away, also across the end of the gateway.
func TestMailWaits(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	smtp.Fail(servers.SMTPFaults{Busy: true})
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp)})
	g.AddUser(ada)
	lockOut(g, ada)
	g.Await(func() error {
		if list, _ := g.CLI("", "mail", "list"); !strings.Contains(list, "attempts=1") || !strings.Contains(list, "to="+ada) ||
			!strings.Contains(list, "451") || !strings.Contains(list, "state=waiting") {
			return fmt.Errorf("listed %q", list)
		}
		return nil
	})
	g.Kill()
	smtp.Fail(servers.SMTPFaults{})
	g.Start()
	if len(smtp.Mails(ada)) > 0 {
		t.Fatal("the mail was sent before its next attempt was due")
	}
	if said, err := g.CLI("", "mail", "retry"); err != nil || !strings.Contains(said, "retried=1") {
		t.Fatalf("%q, %v", said, err)
	}
	smtp.Await(t, ada, 1)
}

func TestMailGivenUpCanBeRetried(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	smtp.Fail(servers.SMTPFaults{Refuse: ada})
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp)})
	g.AddUser(ada)
	lockOut(g, ada)
	g.Await(func() error {
		if list, _ := g.CLI("", "mail", "list"); !strings.Contains(list, "state=dead") || !strings.Contains(list, "550") {
			return fmt.Errorf("listed %q", list)
		}
		return nil
	})
	if strings.Contains(g.Log(), ada) {
		t.Error("the log tells an address")
	}
	smtp.Fail(servers.SMTPFaults{})
	if said, err := g.CLI("", "mail", "retry"); err != nil || !strings.Contains(said, "retried=1") {
		t.Fatalf("%q, %v", said, err)
	}
	smtp.Await(t, ada, 1)
}

// TestOtherWorkCanBeSeenAndRetried looks at a deletion that waits.
func TestOtherWorkCanBeSeenAndRetried(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	if err := expect(c.Post("/_auth/account/delete", url.Values{"current": {gateway.Password}, "confirm": {"yes"}}), http.StatusSeeOther); err != nil {
		t.Fatal(err)
	}
	list, err := g.CLI("", "job", "list")
	if err != nil || !strings.Contains(list, "delete_account") || strings.Contains(list, ada) {
		t.Errorf("%v: %s", err, list)
	}
	if mails, err := g.CLI("", "mail", "list"); err != nil || strings.Contains(mails, "delete_account") {
		t.Errorf("%v: %s", err, mails)
	}
	if said, err := g.CLI("", "job", "retry", "nothing"); err == nil {
		t.Errorf("retrying nothing: %s", said)
	}
}
