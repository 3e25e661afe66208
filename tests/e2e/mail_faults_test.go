package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// manySignIns lets one machine sign in as often as a test does.
const manySignIns = "\nthrottle {\nnetwork 60000 15m\n}"

// TestMailSurvivesTheMailServer sends mail to a server that fails in every way it
// can, while others sign in. Each mail arrives once it is well; one that it may
// have taken arrives again, as the same mail.
func TestMailSurvivesTheMailServer(t *testing.T) {
	faulty := func(f servers.SMTPFaults) func(*servers.SMTP) { return func(s *servers.SMTP) { s.Fail(f) } }
	for name, test := range map[string]struct {
		fail  func(*servers.SMTP)
		again bool // what failed may have arrived
	}{
		"is away":                  {(*servers.SMTP).Stop, false},
		"hangs":                    {faulty(servers.SMTPFaults{Hang: time.Hour}), true},
		"dies amid the mail":       {faulty(servers.SMTPFaults{Die: true}), false},
		"loses the acknowledgment": {faulty(servers.SMTPFaults{Lose: true}), true},
	} {
		t.Run(name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			mailer := withMail(smtp)
			if name != "hangs" { // a machine that is busy may take longer
				mailer = strings.Replace(mailer, "timeout 2s", "timeout 1m", 1)
			}
			g := gateway.Start(t, gateway.Config{Global: mailer + manySignIns})
			for _, email := range []string{ada, grace, "bob@example.com"} {
				g.AddUser(email)
			}
			test.fail(smtp)
			lockOut(g, ada)
			lockOut(g, grace)
			g.Await(func() error {
				signsIn(t, g)
				list, err := g.CLI("", "mail", "list")
				for _, email := range []string{ada, grace} {
					if state := lineOf(list, "to="+email); strings.Contains(state, "attempts=0") || !strings.Contains(state, "not sent") || !strings.Contains(state, "state=waiting") {
						return fmt.Errorf("listed %q, %w", list, err)
					}
				}
				return err
			})
			if name == "is away" {
				smtp.Restart(t)
			}
			smtp.Fail(servers.SMTPFaults{})
			if said, err := g.CLI("", "mail", "retry"); err != nil || strings.Contains(said, "retried=0") {
				t.Fatalf("%q, %v", said, err)
			}
			checkArrived(t, g, smtp, test.again)
			if test.again {
				smtp.Await(t, ada, 2)
				smtp.Await(t, grace, 2)
			}
		})
	}
}

// TestMailSurvivesBothEnds kills the gateway while it waits for the mail server,
// which takes the mail after all. Another attempt comes when the lease of the dead
// one has ended, and not before: an operator cannot hurry it.
func TestMailSurvivesBothEnds(t *testing.T) {
	file := t.TempDir() + "/sigra.db"
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: "storage sqlite " + file + "\n" + strings.Replace(withMail(smtp), "timeout 2s", "timeout 1m", 1) + manySignIns})
	for _, email := range []string{ada, grace, "bob@example.com"} {
		g.AddUser(email)
	}
	smtp.Fail(servers.SMTPFaults{Hang: time.Hour})
	lockOut(g, ada)
	g.Await(func() error {
		if smtp.Hung() == 0 {
			return errNotYet
		}
		return nil
	})
	lockOut(g, grace) // waits for the end of the first, or hangs as well
	signsIn(t, g)
	g.Kill()
	smtp.Fail(servers.SMTPFaults{})
	smtp.Await(t, ada, 1)
	g.Start()
	signsIn(t, g)
	if said, err := g.CLI("", "mail", "retry"); err != nil || !strings.Contains(said, "retried=0") {
		t.Errorf("a mail whose attempt may still be under way: %q, %v", said, err)
	}
	if n := len(smtp.Mails(ada)); n != 1 {
		t.Errorf("%d mails within the lease", n)
	}
	g.Kill()
	endLeases(t, file)
	g.Start()
	smtp.Await(t, ada, 2)
	checkArrived(t, g, smtp, true)
}

// endLeases is half a minute that passes: nobody renews the leases of the dead.
func endLeases(t *testing.T, file string) {
	t.Helper()
	db, err := sql.Open("sqlite", file+"?_txlock=immediate&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE jobs SET due_at = due_at - $1 WHERE lease <> ''`, (30 * time.Second).Microseconds()); err != nil {
		t.Fatal(err)
	}
}

// signsIn lets somebody sign in whose mail is nobody's concern.
func signsIn(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	if err := expect(g.NewClient().Post("/_auth/login", url.Values{"email": {"bob@example.com"}, "password": {gateway.Password}}), http.StatusSeeOther); err != nil {
		t.Fatalf("a sign-in meanwhile: %v", err)
	}
}

// checkArrived waits until nothing is left to send, and hurries it, as an operator
// does. Ada and Grace each have one mail, or copies of it if it was sent again, and
// nobody has another's.
func checkArrived(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP, again bool) {
	t.Helper()
	g.Await(func() error {
		if list, err := g.CLI("", "mail", "list"); err != nil || list != "" {
			_, err := g.CLI("", "mail", "retry")
			return fmt.Errorf("the queue holds %q, %w", list, err)
		}
		return nil
	})
	for _, email := range []string{ada, grace} {
		smtp.Await(t, email, 1) // the server may be slower than the queue
		if got := len(smtp.Mails(email)); !again && got != 1 {
			t.Errorf("%s has %d mails", email, got)
		}
		ids := make(map[string]bool)
		for _, m := range smtp.Mails(email) {
			ids[m.Header.Get("Message-Id")] = true
		}
		if len(ids) != 1 {
			t.Errorf("%s has other mails than one: %v", email, ids)
		}
	}
	recipients := make(map[string]string) // by Message-ID
	for _, m := range smtp.Mails("") {
		id := m.Header.Get("Message-Id")
		if before, known := recipients[id]; known && before != m.To || m.Header.Get("To") != "<"+m.To+">" {
			t.Errorf("a mail to %s came to %q and %q", m.Header.Get("To"), before, m.To)
		}
		recipients[id] = m.To
	}
}

// lineOf returns the first line with a text; empty when there is none.
func lineOf(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
