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

// The file that the documentation begins with, but for the names of the site and
// of the app, is a working gateway.
func TestSixLines(t *testing.T) {
	g := gateway.New(t, gateway.Config{})
	g.File = g.URL + " {\n\tsigra\n\treverse_proxy " + g.Upstream.Addr + "\n}\n"
	g.Start()
	if answer := g.NewClient().Get("/x"); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/_auth/login?return_to=%2Fx" {
		t.Errorf("a visitor: %d to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	c := g.NewClient()
	if err := expect(c.Post(awaitSetUp(t, g), url.Values{"email": {ada}, "password": {gateway.Password}}), http.StatusSeeOther); err != nil {
		t.Fatal(err)
	}
	if err := expect(c.Get("/x"), http.StatusOK); err != nil {
		t.Fatal(err)
	}
	mustBeOurs(t, "six lines", g, true)
	g.Kill()
	g.Start()
	if err := expect(c.Get("/x"), http.StatusOK); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if answer := g.NewClient().Get("/_auth/register"); answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusForbidden {
		t.Errorf("sign-up: %d", answer.StatusCode)
	}
}

// awaitSetUp returns the path of the set-up link in the log.
func awaitSetUp(t *testing.T, g *gateway.Gateway) string {
	t.Helper()
	g.Await(func() error {
		if !setUpLink.MatchString(g.Log()) {
			return fmt.Errorf("no link")
		}
		return nil
	})
	return setUpLink.FindStringSubmatch(g.Log())[1]
}

var issuedLink = regexp.MustCompile(`link=http://localhost:\d+(/_auth/setup/[\w-]{43})`)

// Whoever has lost the log gets another link, and the lost one is void.
func TestSetUpLinkByCommand(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	logged := awaitSetUp(t, g)
	out, err := g.CLI("", "setup")
	issued := issuedLink.FindStringSubmatch(out)
	if err != nil || issued == nil {
		t.Fatalf("%q, %v", out, err)
	}
	form := url.Values{"email": {ada}, "password": {gateway.Password}}
	for _, answer := range []gateway.Answer{g.NewClient().Get(logged), g.NewClient().Post(logged, form)} {
		if err := expect(answer, http.StatusNotFound); err != nil {
			t.Errorf("the link in the log: %v", err)
		}
	}
	if list, err := g.CLI("", "user", "list"); err != nil || strings.TrimSpace(list) != "" {
		t.Errorf("there are %q, %v", list, err)
	}
	c := g.NewClient()
	if err := expect(c.Get(issued[1]), http.StatusOK); err != nil {
		t.Errorf("the new link: %v", err)
	}
	if err := expect(c.Post(issued[1], form), http.StatusSeeOther); err != nil {
		t.Fatal(err)
	}
	if err := expect(c.Get("/"), http.StatusOK); err != nil {
		t.Error(err)
	}
}
