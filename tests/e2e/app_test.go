package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestARealApp puts the gateway in front of Miniflux, a feed reader that has heard of
// neither organizations nor us: it makes an account for whatever name its proxy
// tells, and shows it.
func TestARealApp(t *testing.T) {
	app := servers.Miniflux(t)
	g := gateway.New(t, gateway.Config{Global: "storage postgres " + servers.Postgres(t) + "\nsessions redis " + servers.Redis(t).URL})
	g.Site = `sigra {
		require org
		headers {
			` + servers.MinifluxHeader + ` {http.auth.user.org}-{http.auth.user.email}
		}
	}
	reverse_proxy ` + app
	g.Start()
	for _, email := range []string{ada, grace} {
		g.AddUser(email)
	}
	for slug, owner := range map[string]string{"acme": ada, "initech": grace} {
		run(t, g, "org", "create", "--name", slug, "--slug", slug, "--owner", owner)
	}
	run(t, g, "org", "add-member", "initech", ada)
	run(t, g, "org", "add-member", "acme", grace)
	for _, email := range []string{ada, grace} {
		for _, slug := range []string{"acme", "initech"} {
			c := g.SignedIn(email) // the app has a session of its own in each browser
			if err := expect(c.Post("/_auth/orgs/switch", url.Values{"org": {slug}}), http.StatusSeeOther); err != nil {
				t.Fatal(err)
			}
			c.Get("/") // where it looks who is there
			page := c.Get("/settings", servers.MinifluxHeader, "acme-root@example.com")
			if err := expect(page, http.StatusOK); err != nil || !strings.Contains(page.Text, `value="`+slug+"-"+email+`"`) {
				t.Errorf("%s in %s: %v: %s", email, slug, err, page.Text)
			}
		}
	}
	if answer := g.NewClient().Get("/settings", servers.MinifluxHeader, "acme-"+ada); answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a forged name: %d", answer.StatusCode)
	}
}
