package e2e

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

var errNotYet = errors.New("not yet")

// sent is a form as a browser posts it from a page of the app.
func sent(c *gateway.Client, path string, form url.Values, headers ...string) gateway.Answer {
	return c.Post(path, form, append([]string{"Sec-Fetch-Mode", "navigate"}, headers...)...)
}

func TestAFormSurvivesTheEndOfItsSession(t *testing.T) {
	onBoth(t, "", func(t *testing.T, g *gateway.Gateway, _ *servers.SMTP) {
		c := g.SignedIn(ada)
		if _, err := g.CLI("", "session", "revoke", ada); err != nil {
			t.Fatal(err)
		}
		form := url.Values{"title": {`A "title" <b>`}, "csrf_token": {"s3cret"}, "lines": {"one\r\ntwo"}}
		answer := sent(c, "/orders?x=1", form)
		location := answer.Header.Get("Location")
		if answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, "/_auth/login?return_to=%2F_auth%2Fresend%2F") {
			t.Fatalf("%d to %s", answer.StatusCode, location)
		}
		u, _ := url.Parse(location)
		back := u.Query().Get("return_to")
		if err := expect(c.Get(location), http.StatusOK); err != nil {
			t.Fatal(err)
		}
		wantTo(t, "signing in", c.Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}, "return_to": {back}}), back)
		page := c.Get(back)
		if err := expect(page, http.StatusOK); err != nil {
			t.Fatal(err)
		}
		text := html.UnescapeString(page.Text)
		if !strings.Contains(page.Text, `action="/orders?x=1"`) || strings.Count(text, "s3cret") != 1 || !strings.Contains(text, `A "title" <b>`) {
			t.Errorf("%s", page.Text)
		}
		again := url.Values{}
		for _, field := range regexp.MustCompile(`(?s)<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(page.Text, -1) {
			again.Add(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
		}
		if again.Encode() != form.Encode() {
			t.Errorf("the form has become %v", again)
		}
		if err := expect(sent(c, "/orders?x=1", again), http.StatusOK); err != nil || g.Upstream.Last().Header.Get("Remote-User") != ada {
			t.Errorf("sending it after all: %v", err)
		}
		// It is nobody else's.
		g.AddUser(grace)
		if err := expect(g.SignedIn(grace).Get(back), http.StatusNotFound); err != nil {
			t.Errorf("somebody else: %v", err)
		}
	})
}

func TestOnlyOwnFormsAreKept(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	if _, err := g.CLI("", "session", "revoke", ada); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"amount": {"1000"}}
	for what, answer := range map[string]gateway.Answer{
		"from another site":   c.Do(c.Request(http.MethodPost, "/pay", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site")),
		"of an old browser":   c.Do(c.Request(http.MethodPost, "/pay", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Origin", "https://evil.example")),
		"of a stranger":       sent(g.NewClient(), "/pay", form),
		"of a script":         c.Post("/pay", form, "Sec-Fetch-Mode", "cors"),
		"too large":           sent(c, "/pay", url.Values{"x": {strings.Repeat("x", 70<<10)}}),
		"with a file":         c.Do(c.Request(http.MethodPost, "/pay", "x", "Content-Type", "multipart/form-data; boundary=x", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")),
		"another kind of act": c.Do(c.Request(http.MethodPut, "/pay", "a=b", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")),
	} {
		if err := expect(answer, http.StatusUnauthorized); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if g.Upstream.Count() > 0 {
		t.Error("the app saw a form")
	}
}

// TestAnIntruderKeepsNoFormForTheOwner posts with the mark of a browser that once knew
// the password.
func TestAnIntruderKeepsNoFormForTheOwner(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	intruder := g.SignedIn(ada)
	if _, err := g.CLI("the owner's new password\n", "user", "set-password", ada); err != nil {
		t.Fatal(err)
	}
	answer := sent(intruder, "/admin/grant", url.Values{"role": {"admin"}})
	if err := expect(answer, http.StatusSeeOther); err != nil && answer.StatusCode != http.StatusUnauthorized || strings.Contains(answer.Header.Get("Location"), "resend") {
		t.Errorf("with an old mark: %d to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
}

// TestFormsAreKeptForAWhile keeps more forms of one browser than anybody sends.
func TestFormsAreKeptForAWhile(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	if _, err := g.CLI("", "session", "revoke", ada); err != nil {
		t.Fatal(err)
	}
	for n := range 40 {
		answer := sent(c, "/orders", url.Values{"title": {"x"}})
		if kept := strings.Contains(answer.Header.Get("Location"), "resend"); kept != (n < 30) {
			t.Fatalf("form %d is kept: %t", n+1, kept)
		}
	}
}

func TestCapturedMailIsForTheMachineAlone(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Global: "signup open"})
	c := g.NewClient()
	signUp(c, ada, gateway.Password)
	g.Await(func() error {
		page := c.Get("/_auth/dev/mailbox")
		if err := expect(page, http.StatusOK); err != nil {
			t.Fatal(err)
		}
		if !confirmLink.MatchString(page.Text) {
			return errNotYet
		}
		look := regexp.MustCompile(`href="(/_auth/dev/mailbox/[^"]+)"`).FindStringSubmatch(page.Text)
		if look == nil || !strings.Contains(c.Get(look[1]).Text, "<table") {
			t.Errorf("%s", page.Text)
		}
		return nil
	})
	for what, headers := range map[string][]string{"a proxy": {"X-Forwarded-For", "198.51.100.7"}} {
		g := gateway.Start(t, gateway.Config{Servers: "servers {\ntrusted_proxies static 127.0.0.1\n}"})
		if err := expect(g.NewClient().Get("/_auth/dev/mailbox", headers...), http.StatusNotFound); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	smtp := servers.StartSMTP(t, nil, "")
	if err := expect(gateway.Start(t, gateway.Config{Global: withMail(smtp)}).NewClient().Get("/_auth/dev/mailbox"), http.StatusNotFound); err != nil {
		t.Errorf("with a mail server: %v", err)
	}
}
