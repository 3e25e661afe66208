package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// attempt tries a password and returns the answer less what differs by
// request.
func attempt(c *gateway.Client, email, password string, headers ...string) string {
	answer := c.Post("/_auth/login", url.Values{"email": {email}, "password": {password}}, headers...)
	text := strings.ReplaceAll(answer.Text, email, "EMAIL")
	return fmt.Sprint(answer.StatusCode, answer.Header["Set-Cookie"], answer.Header["Retry-After"], text)
}

func TestWrongPasswordsLookTheSame(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Global: "throttle {\nnetwork 1000 15m\n}"})
	g.AddUser(ada)
	g.AddUser("off@example.com")
	if _, err := g.CLI("", "user", "disable", "off@example.com"); err != nil {
		t.Fatal(err)
	}
	want := attempt(g.NewClient(), "unknown@example.com", "wrong")
	if !strings.HasPrefix(want, "422 [] []") {
		t.Fatal(want)
	}
	for range 8 { // also when the account is locked
		for email, password := range map[string]string{
			ada: "wrong", "unknown@example.com": "wrong", "off@example.com": gateway.Password, "nonsense": "wrong", "other@example.com": "x",
		} {
			if got := attempt(g.NewClient(), email, password); got != want {
				t.Fatalf("%s: %s\nwant %s", email, got, want)
			}
		}
	}
}

func TestLockSparesTheOwner(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	owner := g.SignedIn(ada)
	owner.Post("/_auth/logout", nil)
	stranger := g.NewClient()
	for range 6 {
		attempt(stranger, ada, "wrong")
	}
	if got := attempt(stranger, ada, gateway.Password); !strings.HasPrefix(got, "422") {
		t.Errorf("a stranger with the right password: %.40s", got)
	}
	owner.SignIn(ada)
	mails := regexp.MustCompile(`"subject":"Too many sign-in attempts`).FindAllString(g.Log(), -1)
	if len(mails) != 1 {
		t.Errorf("%d mails about the lock, want 1", len(mails))
	}
}

func TestNetworkLimit(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Global: "throttle {\nnetwork 5 15m\naccount 3 15m\n}"})
	g.AddUser(ada)
	for i := range 5 {
		if got := attempt(g.NewClient(), fmt.Sprintf("u%d@example.com", i), "wrong"); !strings.HasPrefix(got, "422") {
			t.Fatalf("attempt %d: %.60s", i, got)
		}
	}
	for _, forwarded := range []string{"", "203.0.113.7", "203.0.113.8, 203.0.113.9"} {
		answer := g.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}}, "X-Forwarded-For", forwarded, "X-Real-Ip", forwarded)
		if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
			t.Errorf("forwarded for %q: %d", forwarded, answer.StatusCode)
		}
	}
}
