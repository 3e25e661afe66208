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

var (
	confirmLink = regexp.MustCompile(`http://localhost:\d+(/_auth/confirm/[\w-]{43})`)
	confirmCode = regexp.MustCompile(`code:\s+(\d{3} \d{3})`)
)

// proof returns the path of the link and the code in the nth mail.
func proof(t *testing.T, smtp *servers.SMTP, email string, n int) (path, code string) {
	t.Helper()
	text := smtp.Await(t, email, n).Plain()
	link, digits := confirmLink.FindStringSubmatch(text), confirmCode.FindStringSubmatch(text)
	if link == nil || digits == nil {
		t.Fatalf("the mail says %s", text)
	}
	return link[1], digits[1]
}

func signUp(c *gateway.Client, email, password string) gateway.Answer {
	return c.Post("/_auth/register", url.Values{"email": {email}, "name": {"Ada"}, "password": {password}, "return_to": {"/there"}})
}

const openToAll = "\nsignup open\nthrottle {\nmail_network 1000 15m\n}"

func TestSignUpByCode(t *testing.T) {
	onBothEmpty(t, openToAll, func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		c := g.NewClient()
		if got := signUp(c, ada, gateway.Password).Header.Get("Location"); got != "/_auth/confirm?return_to=%2Fthere" {
			t.Fatalf("leads to %q", got)
		}
		proof(t, smtp, ada, 1)
		if err := expect(c.Fetch("/"), http.StatusUnauthorized); err != nil {
			t.Error(err)
		}
		// Whoever signs in before sees the page that waits, in the browser that has
		// signed up; elsewhere there is no account to sign in to. No app sees them.
		in := url.Values{"email": {ada}, "password": {gateway.Password}, "return_to": {"/there"}}
		wantTo(t, "an address that is not proven", c.Post("/_auth/login", in), "/_auth/confirm?return_to=%2Fthere")
		if err := expect(g.NewClient().Post("/_auth/login", in), http.StatusUnprocessableEntity); err != nil || g.Upstream.Count() > 0 {
			t.Errorf("elsewhere: %v", err)
		}
		in.Set("password", "another one")
		if err := expect(c.Post("/_auth/login", in), http.StatusUnprocessableEntity); err != nil {
			t.Errorf("with another password: %v", err)
		}
		if err := expect(c.Post("/_auth/confirm/resend", url.Values{}), http.StatusSeeOther); err != nil {
			t.Error(err)
		}
		_, code := proof(t, smtp, ada, 2)
		if err := expect(c.Post("/_auth/confirm", url.Values{"code": {"000000"}}), http.StatusUnprocessableEntity); err != nil && code != "000 000" {
			t.Error(err)
		}
		answer := c.Post("/_auth/confirm", url.Values{"code": {code}, "return_to": {"/there"}})
		if err := expect(answer, http.StatusSeeOther); err != nil || answer.Header.Get("Location") != "/there" {
			t.Fatalf("%v, to %s", err, answer.Header.Get("Location"))
		}
		if err := expect(c.Get("/there"), http.StatusOK); err != nil || g.Upstream.Last().Header.Get("Remote-User") != ada {
			t.Errorf("afterwards: %v", err)
		}
		g.SignedIn(ada).Get("/")
	})
}

// A link is often opened in another browser than the one that signed up, and
// perhaps by somebody else: then the password does not count.
func TestSignUpByLinkElsewhere(t *testing.T) {
	onBothEmpty(t, openToAll, func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		attacker, owner := g.NewClient(), g.NewClient()
		signUp(attacker, ada, gateway.Password)
		path, _ := proof(t, smtp, ada, 1)
		if err := expect(owner.Get(path), http.StatusOK); err != nil {
			t.Fatal(err)
		}
		answer := owner.Post(path, url.Values{})
		if err := expect(answer, http.StatusSeeOther); err != nil || answer.Header.Get("Location") != "/_auth/account/password?return_to=%2F_auth%2Faccount%2Fprofile%3Fanew%3D1" {
			t.Fatalf("%v, to %s", err, answer.Header.Get("Location"))
		}
		for what, answer := range map[string]gateway.Answer{
			"the link again":      g.NewClient().Post(path, url.Values{}),
			"the password before": g.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}}),
			"the ticket before":   attacker.Post("/_auth/confirm", url.Values{"code": {"123456"}}),
		} {
			if answer.StatusCode < 400 {
				t.Errorf("%s: %d", what, answer.StatusCode)
			}
		}
		if err := expect(owner.Post("/_auth/account/password", url.Values{"password": {"her own password"}}), http.StatusSeeOther); err != nil {
			t.Fatal(err)
		}
		if err := expect(owner.Get("/"), http.StatusOK); err != nil || g.Upstream.Last().Header.Get("Remote-Name") != "" {
			t.Errorf("the owner: %v, by the name a stranger gave: %q", err, g.Upstream.Last().Header.Get("Remote-Name"))
		}
		if err := expect(g.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {"her own password"}}), http.StatusSeeOther); err != nil {
			t.Error(err)
		}
		if m := smtp.Await(t, ada, 2); !strings.Contains(m.Header.Get("Subject"), "password") {
			t.Errorf("the owner is told %s", m.Header.Get("Subject"))
		}
	})
}

func TestSignUpByLinkInTheSameBrowser(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp) + openToAll})
	c := g.NewClient()
	signUp(c, ada, gateway.Password)
	path, _ := proof(t, smtp, ada, 1)
	results := make([]int, 8)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = c.Post(path, url.Values{"return_to": {"/there"}}).StatusCode })
	}
	all.Wait()
	if n := strings.Count(fmt.Sprint(results), "303"); n != 1 {
		t.Errorf("eight uses at once: %v", results)
	}
	g.SignedIn(ada) // with the password of the sign-up
}

// Signing up says the same for a taken address, and its owner is told.
func TestSignUpTellsNoAccounts(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp) + openToAll})
	g.AddUser(ada)
	g.AddUser("off@example.com")
	if _, err := g.CLI("", "user", "disable", "off@example.com"); err != nil {
		t.Fatal(err)
	}
	ticket := regexp.MustCompile(`sigra-signup=[\w-]+`)
	first := make(map[string]string)
	for _, email := range []string{ada, "bob@example.com", "off@example.com"} {
		c := g.NewClient()
		for step, answer := range map[string]gateway.Answer{"sign up": signUp(c, email, "some fine password")} {
			same(t, first, step, answer, ticket)
		}
		same(t, first, "sign in", c.Post("/_auth/login", url.Values{"email": {email}, "password": {"some fine password"}}), ticket)
		same(t, first, "sign in elsewhere", g.NewClient().Post("/_auth/login", url.Values{"email": {email}, "password": {"some fine password"}}), ticket)
		for range 6 { // wrong codes, until there are too many
			same(t, first, "code", c.Post("/_auth/confirm", url.Values{"code": {"nonsense"}}), ticket)
		}
		same(t, first, "resend", c.Post("/_auth/confirm/resend", url.Values{}), ticket)
	}
	if text := smtp.Await(t, ada, 1).Plain(); !strings.Contains(text, "an account with it already") {
		t.Errorf("the owner is told %s", text)
	}
	smtp.Await(t, "bob@example.com", 2)
	if n := len(smtp.Mails("off@example.com")); n > 0 {
		t.Errorf("a disabled account got %d mails", n)
	}
	g.SignedIn(ada) // with the password that it had
}

// same holds an answer against the first of its step.
func same(t *testing.T, first map[string]string, step string, a gateway.Answer, ticket *regexp.Regexp) {
	t.Helper()
	a.Header.Del("Date")
	for i := range 10 {
		text := strings.ReplaceAll(a.Text, []string{ada, "bob@example.com", "off@example.com"}[i%3], "ADDRESS")
		a.Text = text
	}
	said := ticket.ReplaceAllString(fmt.Sprint(a.StatusCode, a.Header, a.Text), "TICKET")
	if a.StatusCode == http.StatusTooManyRequests {
		step += " too often"
		said = regexp.MustCompile(`Retry-After:\[\d+\]`).ReplaceAllString(said, "")
	}
	if first[step] == "" {
		first[step] = said
	}
	if said != first[step] {
		t.Errorf("%s: %s\nand else: %s", step, said, first[step])
	}
}

func TestSignUpRules(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	closed := gateway.Start(t, gateway.Config{Global: withMail(smtp)})
	if err := expect(signUp(closed.NewClient(), ada, gateway.Password), http.StatusNotFound); err != nil {
		t.Errorf("closed: %v", err)
	}
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp) + "\nsignup domain example.org bücher.example"})
	for email, want := range map[string]int{
		ada: 422, "ada@sub.example.org": 422, "ada@example.org": 303, "ADA@EXAMPLE.ORG": 303, "ada@xn--bcher-kva.example": 303, "ada@example.org.evil.net": 422,
	} {
		if err := expect(signUp(g.NewClient(), email, gateway.Password), want); err != nil {
			t.Errorf("%s: %v", email, err)
		}
	}
}
