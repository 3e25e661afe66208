package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/secret"
	"github.com/sigra-auth/sigra/storage/sqlstore"
	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// queued is how many mails wait for the mail server to come back.
const queued = 10_000

// TestTenThousandMailsDrain lets mails pile up while the mail server is away, and
// signs in while they are sent: each arrives once, also when two nodes send them,
// and nobody waits for them to sign in.
func TestTenThousandMailsDrain(t *testing.T) {
	master := bytes.Repeat([]byte{7}, 32)
	dsn, file := servers.Postgres(t), filepath.Join(t.TempDir(), "sigra.db")
	for name, stores := range map[string]string{"embedded": "storage sqlite " + file, "postgres": "storage postgres " + dsn} {
		t.Run(name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			smtp.Fail(servers.SMTPFaults{Busy: true})
			config := gateway.Config{
				Global: stores + "\nsecret {env.MASTER}\n" + withMail(smtp) + "\nthrottle {\nnetwork 60000 15m\naccount 1000 15m\n}",
				Env:    []string{"MASTER=" + base64.StdEncoding.EncodeToString(master)},
			}
			g := gateway.Start(t, config)
			g.AddUser(ada)
			g.Stop()
			queueMails(t, name, dsn, file, master)
			g.Start()
			if name == "postgres" { // two nodes share the work
				gateway.Start(t, config)
			}
			g.Await(func() error { // they are known, and tried
				if got := metricOf(t, g, `caddy_sigra_jobs{kind="mail",state="waiting"}`); got != "10000" {
					return fmt.Errorf("%s wait", got)
				}
				return nil
			})
			if list, err := g.CLI("", "mail", "list"); err != nil || strings.Count(list, "state=waiting") < 100 {
				t.Errorf("the list has %d, %v", strings.Count(list, "state=waiting"), err)
			}
			smtp.Fail(servers.SMTPFaults{})
			began := time.Now()
			if _, err := g.CLI("", "mail", "retry"); err != nil {
				t.Fatal(err)
			}
			var took []time.Duration
			for arrived(smtp) < queued && time.Since(began) < 3*time.Minute {
				took = append(took, signInTime(t, g))
			}
			drained := time.Since(began).Round(time.Millisecond)
			if len(took) == 0 {
				t.Fatal("nobody signed in before the mails were gone")
			}
			checkEachOnce(t, smtp)
			g.Await(func() error {
				if got := metricOf(t, g, `caddy_sigra_jobs{kind="mail",state="waiting"}`); got != "0" {
					return fmt.Errorf("%s wait", got)
				}
				return nil
			})
			var idle []time.Duration
			for range 20 {
				idle = append(idle, signInTime(t, g))
			}
			half, slowest := spread(took)
			usual, _ := spread(idle)
			t.Logf("%d mails in %s; %d sign-ins meanwhile, half within %s (idle: %s), the slowest %s", queued, drained, len(took),
				half.Round(time.Millisecond), usual.Round(time.Millisecond), slowest.Round(time.Millisecond))
			if half > max(5*usual, time.Second) || slowest > 10*time.Second {
				t.Errorf("sign-ins wait for mail: half took %s or more, one took %s; idle, half take less than %s", half, slowest, usual)
			}
		})
	}
}

// signInTime is how long a sign-in takes.
func signInTime(t *testing.T, g *gateway.Gateway) time.Duration {
	t.Helper()
	c, start := g.NewClient(), time.Now()
	if answer := c.Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("a sign-in: %d", answer.StatusCode)
	}
	return time.Since(start)
}

// spread returns the median and the maximum.
func spread(took []time.Duration) (half, slowest time.Duration) {
	slices.Sort(took)
	return took[len(took)/2], took[len(took)-1]
}

// queueMails stores mails as the gateway does.
func queueMails(t *testing.T, name, dsn, file string, master []byte) {
	t.Helper()
	box, err := secret.NewBox(master)
	if err != nil {
		t.Fatal(err)
	}
	var options sqlstore.Options
	db, err := sqlstore.OpenPostgres(dsn, options)
	if name == "embedded" {
		db, err = sqlstore.OpenSQLite(file, options)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := 0; i < queued; i += 500 {
		jobs := make([]job.Job, 500)
		for n := range jobs {
			letter := mail.Letter{Kind: mail.PasswordChanged, To: fmt.Sprintf("user-%d@example.com", i+n), Portal: "http://localhost/_auth", Path: "/reset"}
			if jobs[n], err = mail.NewJob(box, letter, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Jobs().Add(t.Context(), jobs...); err != nil {
			t.Fatal(err)
		}
	}
}

// arrived counts the queued mails; that of new devices is not among them.
func arrived(smtp *servers.SMTP) (n int) {
	for _, m := range smtp.Mails("") {
		if strings.HasPrefix(m.To, "user-") {
			n++
		}
	}
	return n
}

func checkEachOnce(t *testing.T, smtp *servers.SMTP) {
	t.Helper()
	got := make(map[string]int)
	for _, m := range smtp.Mails("") {
		got[m.To]++
	}
	for i := range queued {
		if n := got[fmt.Sprintf("user-%d@example.com", i)]; n != 1 {
			t.Fatalf("user %d got %d mails", i, n)
		}
	}
}

// metricOf returns the value of a metric; empty when there is none.
func metricOf(t *testing.T, g *gateway.Gateway, name string) string {
	t.Helper()
	answer, err := http.Get("http://" + g.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
