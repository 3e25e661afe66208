package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// places are the ways in which an address names an organization.
var places = map[string]struct {
	directive string
	// at returns the browser, the path and the headers that name one.
	at func(c *gateway.Client, org string) (*gateway.Client, string, []string)
}{
	"host": {"org from host localhost", func(c *gateway.Client, org string) (*gateway.Client, string, []string) {
		there := *c
		there.URL = strings.Replace(c.URL, "://localhost", "://"+org+".localhost", 1)
		return &there, "/", nil
	}},
	"path": {"org from path /o", func(c *gateway.Client, org string) (*gateway.Client, string, []string) {
		return c, "/O/" + org + "/x", nil
	}},
	"header": {"org from header X-Org", func(c *gateway.Client, org string) (*gateway.Client, string, []string) {
		return c, "/", []string{"X-Org", org}
	}},
}

// startAt is a gateway whose addresses name organizations. Ada owns acme, is a
// member of initech, and does not belong to umbrella.
func startAt(t *testing.T, directive string) *gateway.Gateway {
	t.Helper()
	g := gateway.New(t, gateway.Config{})
	g.Site = "sigra {\n" + directive + "\npublic /public/*\n}\nreverse_proxy {upstream}"
	everywhere := strings.Replace(g.URL, "://localhost", "://*.localhost", 1)
	g.Site += "\n}\n" + everywhere + " {\n" + g.Site
	g.Start()
	g.AddUser(ada)
	g.AddUser(boss)
	run(t, g, "org", "create", "--name", "Acme", "--slug", "acme", "--owner", ada)
	for _, slug := range []string{"initech", "umbrella"} {
		run(t, g, "org", "create", "--name", slug, "--slug", slug, "--owner", boss)
	}
	run(t, g, "org", "add-member", "initech", ada, "--role", "member")
	return g
}

func TestAddressNamesTheOrganization(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			g := startAt(t, place.directive)
			signedIn := map[string]*gateway.Client{}
			fetch := func(org string, headers ...string) gateway.Answer {
				c, path, more := place.at(g.NewClient(), org)
				if signedIn[c.URL] == nil { // a session belongs to one host
					c.SignIn(ada)
					signedIn[c.URL] = c
				}
				return signedIn[c.URL].Fetch(path, append(more, headers...)...)
			}
			forgery := []string{"Sigra-Org", "umbrella", "sigra_org", "umbrella", "Sigra-Org-Role", "owner", "Sigra.Org.Id", "1", "Remote-Groups", "umbrella:owner"}
			for org, role := range map[string]string{"acme": "owner", "initech": "member"} {
				if answer := fetch(org, forgery...); answer.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d %s", org, answer.StatusCode, answer.Text)
				}
				told := g.Upstream.Last().Header
				if told.Get("Sigra-Org") != org || told.Get("Sigra-Org-Role") != role || told.Get("Remote-Groups") != org+":"+role {
					t.Errorf("%s: the app was told %v", org, told)
				}
				for field, values := range told {
					if strings.Contains(strings.Join(values, ","), "umbrella") {
						t.Errorf("%s: the app was told %s: %s", org, field, values)
					}
				}
			}
			passed := g.Upstream.Count()
			foreign, unknown := fetch("umbrella"), fetch("nosuch")
			if foreign.StatusCode != http.StatusNotFound || unknown.StatusCode != http.StatusNotFound || g.Upstream.Count() != passed {
				t.Errorf("foreign %d, unknown %d, %d requests reached the app", foreign.StatusCode, unknown.StatusCode, g.Upstream.Count()-passed)
			}
			if foreign.Text != unknown.Text || len(foreign.Header) != len(unknown.Header) {
				t.Errorf("the answers differ:\n%v %s\n%v %s", foreign.Header, foreign.Text, unknown.Header, unknown.Text)
			}
			visitor, path, headers := place.at(g.NewClient(), "acme")
			if answer := visitor.Fetch(path, headers...); answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("anonymous: %d", answer.StatusCode)
			}
		})
	}
}

// A role in an organization of one's own opens nothing in another.
func TestRoleElsewhereOpensNothingHere(t *testing.T) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			g := startAt(t, place.directive+"\nrequire role owner")
			for org, want := range map[string]int{"acme": 200, "initech": 403, "umbrella": 404} {
				c, path, headers := place.at(g.NewClient(), org)
				c.SignIn(ada)
				if answer := c.Fetch(path, headers...); answer.StatusCode != want {
					t.Errorf("%s: %d, want %d", org, answer.StatusCode, want)
				}
			}
		})
	}
}

func TestPathsThatNameTwoOrganizations(t *testing.T) {
	g := startAt(t, places["path"].directive)
	c, visitor := g.SignedIn(ada), g.NewClient()
	for _, path := range []string{
		"/o/acme/..%2finitech/x", "/o/acme%2f..%2finitech", "/o/./acme/x", "/o//initech/x", "/o/acme;/x", "/o/acme%5c..%5cinitech", "/o/%2e%2e/o/acme",
		"/o/acme%00/x", "/o/acme/%252e%252e/initech", "/public/..%2fo/acme/x",
	} {
		for who, client := range map[string]*gateway.Client{"ada": c, "a visitor": visitor} {
			if answer := client.Fetch(path); answer.StatusCode != http.StatusNotFound && answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s as %s: %d", path, who, answer.StatusCode)
			}
		}
	}
	if n := g.Upstream.Count(); n != 0 {
		t.Errorf("%d of them reached the app", n)
	}
}

func TestHeadersThatNameTwoOrganizations(t *testing.T) {
	g := startAt(t, places["header"].directive)
	c := g.SignedIn(ada)
	for _, headers := range [][]string{{"X-Org", "acme", "X-Org", "initech"}, {"X-Org", "acme, initech"}, {"X-Org", ""}, {"X-Org", "a/b"}} {
		if answer := c.Fetch("/", headers...); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", headers, answer.StatusCode)
		}
	}
	if n := g.Upstream.Count(); n != 0 {
		t.Errorf("%d of them reached the app", n)
	}
}

// On a path that is public, an outsider is told of as a user, but as no member.
func TestPublicPathForOutsiders(t *testing.T) {
	g := startAt(t, places["header"].directive)
	c := g.SignedIn(ada)
	for org, want := range map[string]string{"acme": "acme", "umbrella": "", "nosuch": ""} {
		answer := c.Fetch("/public/x", "X-Org", org)
		told := g.Upstream.Last().Header
		if answer.StatusCode != http.StatusOK || told.Get("Sigra-Org") != want || told.Get("Remote-User") != ada {
			t.Errorf("%s: %d, the app was told %v", org, answer.StatusCode, told)
		}
	}
}
