package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestStrangersKeepNobodyFromALink uses up all notices of a day and all that strangers
// may have sent: the owner gets a link in a browser that the account knows. Behind the
// same address here, strangers have used up that of the network too. What they are
// answered tells nothing.
func TestStrangersKeepNobodyFromALink(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp) + "\nsignup open\nthrottle {\nmail_network 30 15m\nmail 20 15m\n}"})
	g.AddUser(ada)
	g.AddUser("eve@example.com")
	owner, stranger := g.SignedIn(ada), g.SignedIn("eve@example.com")
	for range 21 {
		if err := expect(signUp(stranger, ada, gateway.Password), http.StatusSeeOther); err != nil {
			t.Fatal(err)
		}
	}
	smtp.Await(t, ada, 20)
	ask := func(c *gateway.Client, email string) gateway.Answer {
		return c.Post("/_auth/reset", url.Values{"email": {email}})
	}
	for range 9 {
		wantTo(t, "a stranger", ask(stranger, ada), "/_auth/reset?sent=1")
	}
	linkOf(t, smtp, ada, 29)
	// The network is over its limit now; marks of known browsers count for themselves.
	if err := expect(ask(g.NewClient(), ada), http.StatusTooManyRequests); err != nil {
		t.Error(err)
	}
	for range 3 {
		wantTo(t, "a known browser of another", ask(stranger, ada), "/_auth/reset?sent=1")
	}
	if err := expect(ask(stranger, ada), http.StatusTooManyRequests); err != nil {
		t.Error(err)
	}
	wantTo(t, "the owner", ask(owner, ada), "/_auth/reset?sent=1")
	path := linkOf(t, smtp, ada, 30)
	wantTo(t, "the link", owner.Post(path, url.Values{"password": {"an entirely new passphrase"}}), "/_auth/login?changed=1")
	wantTo(t, "an address without an account", ask(owner, "nobody@example.com"), "/_auth/reset?sent=1")
	time.Sleep(2 * time.Second) // what was asked for with the marks of others comes to nothing
	if n := len(smtp.Mails(ada)); n != 31 {
		t.Errorf("%d mails, want 20 notices, 10 links and that the password was changed", n)
	}
}

// TestCodesRunOut signs up with one address again and again, which has a new code each
// time: in the end no code counts, the right one neither, and the link does.
func TestCodesRunOut(t *testing.T) {
	smtp := servers.StartSMTP(t, nil, "")
	g := gateway.Start(t, gateway.Config{Global: withMail(smtp) + "\nsignup open\nthrottle {\nmail 20 15m\n}"})
	confirm := func(c *gateway.Client, code string) gateway.Answer {
		return c.Post("/_auth/confirm", url.Values{"code": {code}})
	}
	wrong := ""
	for i := range 5 {
		c := g.NewClient()
		signUp(c, ada, gateway.Password)
		path, code := proof(t, smtp, ada, i+1)
		if i < 4 {
			for range 5 {
				a := confirm(c, "x"+code)
				if wrong = a.Text; a.StatusCode != http.StatusUnprocessableEntity || strings.Contains(a.Text, "open the link") {
					t.Fatalf("sign-up %d: %d", i, a.StatusCode)
				}
			}
			continue
		}
		right, other := confirm(c, code), confirm(c, "x"+code)
		if right.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(right.Text, "open the link") || right.Text != other.Text || right.Text == wrong {
			t.Errorf("the right code: %d, a wrong one %d\n%s", right.StatusCode, other.StatusCode, right.Text)
		}
		wantTo(t, "the link", c.Post(path, nil), "/_auth/account")
	}
}
