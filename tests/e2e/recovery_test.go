package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

var linkInMail = regexp.MustCompile(`http://localhost:\d+(/_auth/(?:magic|reset)/[\w-]{43}[^\s]*)`)

// linkOf returns the path of the link in the nth mail to an address.
func linkOf(t *testing.T, smtp *servers.SMTP, email string, n int) string {
	t.Helper()
	match := linkInMail.FindStringSubmatch(smtp.Await(t, email, n).Plain())
	if match == nil {
		t.Fatal("there is no link in the mail")
	}
	return match[1]
}

func TestSignInByMail(t *testing.T) {
	onBothEmpty(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		g.AddUser(ada)
		c := g.NewClient()
		answer := c.Post("/_auth/magic", url.Values{"email": {" ADA@example.com "}, "return_to": {"/there"}})
		if err := expect(answer, http.StatusSeeOther); err != nil {
			t.Fatal(err)
		}
		path := linkOf(t, smtp, ada, 1)
		for range 2 { // opening it acts not: scanners of mail do it too
			if err := expect(c.Get(path), http.StatusOK); err != nil {
				t.Fatal(err)
			}
		}
		results := make([]int, 10)
		var all sync.WaitGroup
		path, _, _ = strings.Cut(path, "?")
		for i := range results {
			all.Go(func() { results[i] = g.NewClient().Post(path, url.Values{}).StatusCode })
		}
		all.Wait()
		if n := strings.Count(fmt.Sprint(results), "303"); n != 1 {
			t.Errorf("ten uses at once: %v", results)
		}
		c.Post("/_auth/magic", url.Values{"email": {ada}, "return_to": {"/there"}})
		path = linkOf(t, smtp, ada, 2)
		action, _, _ := strings.Cut(path, "?")
		if got := c.Post(action, url.Values{"return_to": {"/there"}}).Header.Get("Location"); got != "/there" {
			t.Errorf("leads to %q", got)
		}
		if err := expect(c.Get("/"), http.StatusOK); err != nil || g.Upstream.Last().Header.Get("Remote-User") != ada {
			t.Errorf("signed in: %v", err)
		}
		if log := g.Log(); strings.Contains(log, strings.TrimPrefix(action, "/_auth/magic/")) {
			t.Error("the link is in the log")
		}
	})
}

func TestResetByMail(t *testing.T) {
	onBothEmpty(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		g.AddUser(ada)
		before, c := g.SignedIn(ada), g.NewClient()
		c.Post("/_auth/magic", url.Values{"email": {ada}})
		signIn := linkOf(t, smtp, ada, 1)
		c.Post("/_auth/reset", url.Values{"email": {ada}})
		path := linkOf(t, smtp, ada, 2)
		if err := expect(c.Post(path, url.Values{"password": {"password1"}}), http.StatusUnprocessableEntity); err != nil {
			t.Error(err)
		}
		flipped := strings.Replace(path, "/reset/", "/reset/A", 1)[:len(path)]
		if err := expect(c.Post(flipped, url.Values{"password": {"a better password"}}), http.StatusNotFound); err != nil {
			t.Error(err)
		}
		if err := expect(c.Post(path, url.Values{"password": {"a better password"}}), http.StatusSeeOther); err != nil {
			t.Fatal(err)
		}
		for what, answer := range map[string]gateway.Answer{
			"the link again": c.Post(path, url.Values{"password": {"an even better one"}}),
			"an older link":  c.Post(signIn, url.Values{}),
		} {
			if err := expect(answer, http.StatusNotFound); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := expect(before.Fetch("/"), http.StatusUnauthorized); err != nil {
			t.Errorf("the session before: %v", err)
		}
		for password, status := range map[string]int{gateway.Password: 422, "a better password": 303} {
			answer := g.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {password}})
			if err := expect(answer, status); err != nil {
				t.Error(err)
			}
		}
		if m := smtp.Await(t, ada, 3); !strings.Contains(m.Plain(), "password of your account was changed") {
			t.Errorf("the notice says %s", m.Plain())
		}
	})
}

// Whoever proves an address is rid of what others set on the account before.
func TestNoPreHijacking(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp)})
	g.AddUser(ada, "--unverified")
	attacker, owner := g.SignedIn(ada), g.NewClient()
	owner.Post("/_auth/magic", url.Values{"email": {ada}})
	smtp.Await(t, ada, 2) // the other one asks for the proof of the address
	link := ""
	for _, m := range smtp.Mails(ada) {
		if match := linkInMail.FindStringSubmatch(m.Plain()); match != nil {
			link = match[1]
		}
	}
	if err := expect(owner.Post(link, url.Values{}), http.StatusSeeOther); err != nil {
		t.Fatal(err)
	}
	if err := expect(owner.Get("/"), http.StatusOK); err != nil || g.Upstream.Last().Header.Get("Remote-User") != ada {
		t.Errorf("the owner: %v", err)
	}
	if err := expect(attacker.Fetch("/"), http.StatusUnauthorized); err != nil {
		t.Errorf("the session before: %v", err)
	}
	again := g.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}})
	if err := expect(again, http.StatusUnprocessableEntity); err != nil {
		t.Errorf("the password before: %v", err)
	}
}

// The answer to a request for a link is the same for every address, down to
// the byte, whatever the state of the account.
func TestLinksTellNoAccounts(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp) + "\nthrottle {\nmail 3 15m\nmail_network 1000 15m\n}"})
	g.AddUser(ada)
	g.AddUser("off@example.com")
	if _, err := g.CLI("", "user", "disable", "off@example.com"); err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`sigra-asked=[\w-]+`)
	for _, path := range []string{"/_auth/magic", "/_auth/reset"} {
		first := ""
		for _, email := range []string{ada, "nobody@example.com", "off@example.com"} {
			for range 7 { // over the limit of an address and a network, too
				answer := g.NewClient().Post(path, url.Values{"email": {email}})
				answer.Header.Del("Date")
				said := asked.ReplaceAllString(fmt.Sprint(answer.StatusCode, answer.Header, answer.Text), "ASKED") // what was typed
				if first == "" {
					first = said
				}
				if said != first {
					t.Errorf("%s says %s to %s, and %s else", path, said, email, first)
				}
			}
		}
	}
	smtp.Await(t, ada, 10)
	g.Await(func() error {
		if list, err := g.CLI("", "mail", "list"); err != nil || list != "" {
			return fmt.Errorf("the queue holds %q, %w", list, err)
		}
		return nil
	})
	if n := len(smtp.Mails("")); n != 10 {
		t.Errorf("%d mails, want five of each kind to the one account", n)
	}
}
