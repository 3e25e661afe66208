package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// A manager who lacks what the organization asks of its members is led to it from
// the organization's own pages, and gets on with them then.
func TestRulesGuardTheOrganizationsPages(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Global: "throttle {\naccount 1000 15m\nnetwork 1000 15m\n}"})
	g.AddUser(ada)
	g.AddUser(bob)
	run(t, g, "org", "create", "--name", "Acme", "--slug", "acme", "--owner", ada)
	run(t, g, "org", "add-member", "acme", bob, "--role", "admin")
	run(t, g, "org", "rules", "acme", "--two-step", "on")
	for who, pages := range map[string][]string{ada: {"/members", "/invitations", "/settings", "/settings/rules", "/settings/domains", "/activity"}, bob: {"/members", "/invitations", "/activity"}} {
		c := g.SignedIn(who)
		if answer := c.Get("/_auth/orgs/acme"); answer.StatusCode != http.StatusOK {
			t.Errorf("%s at home: %d", who, answer.StatusCode)
		}
		for _, page := range pages {
			page = "/_auth/orgs/acme" + page
			to := c.Get(page).Header.Get("Location")
			if !strings.HasPrefix(to, "/_auth/step-up?return_to="+url.QueryEscape(page)+"&need=totp") {
				t.Errorf("%s at %s is led to %q", who, page, to)
			} else if shown := c.Get(to); !strings.Contains(shown.Text, `href="/_auth/account/mfa/app?return_to=`) {
				t.Errorf("%s is not offered to enrol: %s", who, shown.Text)
			}
			var told struct{ Status, Next string }
			answer := c.Fetch(page, "Accept", "application/json")
			if json.Unmarshal([]byte(answer.Text), &told) != nil || answer.StatusCode != http.StatusForbidden || told.Status != "step_up" || told.Next != to {
				t.Errorf("%s at %s, as JSON: %d %s", who, page, answer.StatusCode, answer.Text)
			}
		}
		invite := url.Values{"email": {"new@example.net"}}
		if answer := c.Post("/_auth/orgs/acme/invitations", invite); !strings.HasPrefix(answer.Header.Get("Location"), "/_auth/step-up") {
			t.Errorf("%s invites: %d %v", who, answer.StatusCode, answer.Header)
		}
		enroll(t, c, "/_auth/orgs/acme/members")
		for _, page := range pages {
			if answer := c.Get("/_auth/orgs/acme" + page); answer.StatusCode != http.StatusOK {
				t.Errorf("%s at %s with two steps: %d to %s", who, page, answer.StatusCode, answer.Header.Get("Location"))
			}
		}
	}
}
