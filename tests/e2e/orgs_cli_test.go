package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// commands runs commands and looks at what they print.
type commands struct {
	t *testing.T
	g *gateway.Gateway
}

func (c commands) must(want string, args ...string) {
	c.t.Helper()
	out, err := c.g.CLI(gateway.Password, args...)
	if err != nil || !strings.Contains(out, want) {
		c.t.Errorf("%v: %v\n%s", args, err, out)
	}
}

func (c commands) refuse(want string, args ...string) {
	c.t.Helper()
	if out, err := c.g.CLI("another name", args...); err == nil || !strings.Contains(err.Error(), want) {
		c.t.Errorf("%v: %v, want %q\n%s", args, err, want, out)
	}
}

// json decodes what a command prints for programs.
func (c commands) json(to any, args ...string) {
	c.t.Helper()
	out, err := c.g.CLI("", append(args, "--json")...)
	if err != nil || json.Unmarshal([]byte(out), to) != nil {
		c.t.Errorf("%v: %v\n%s", args, err, out)
	}
}

const (
	bob = "bob@example.com"
	eve = "eve@example.com"
	mia = "mia@example.com"
)

func TestOrgCommands(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	c := commands{t, g}
	for _, user := range []string{ada, bob, eve, mia} {
		g.AddUser(user)
	}
	c.story("running")
	for line := range strings.Lines(g.Log()) { // mails are there too
		if strings.Contains(line, "received request") && (strings.Contains(line, "@") || strings.Contains(line, "%40")) {
			t.Errorf("an address in the log: %s", line)
		}
	}
	c.must("role=owner", "org", "set-role", "new-running", bob, "owner")
	g.Stop()
	c.must("slug=stopped", "org", "create", "--name", "Stopped", "--owner", bob)
	c.refuse("start the gateway first", "org", "set-role", "new-running", mia, "owner") // owners are told by mail
	c.must("role=member", "org", "set-role", "new-running", ada, "member")
	c.must("slug=later", "org", "set-slug", "stopped", "later")
	c.refuse("needs an owner", "org", "set-role", "later", bob, "member")
	c.refuse("start the gateway first", "org", "invite", "later", mia) // a link in a mail must lead somewhere
	c.must("deleted=", "org", "delete", "new-running", "--yes")
	g.Start()
	g.SignedIn(bob).Fetch("/")
	if told := g.Upstream.Last().Header; told.Get("Remote-Groups") != "later:owner" {
		t.Errorf("what was done while it was stopped: %v", told)
	}
}

// TestOrgCommandsOnTwoNodes goes through the same on Postgres and Redis: what one
// node is told is seen on the next request of the other.
func TestOrgCommandsOnTwoNodes(t *testing.T) {
	p := newPair(t, "")
	for _, user := range []string{bob, eve, mia} {
		p.a.AddUser(user)
	}
	c := commands{t, p.a}
	c.story("running")
	browser := p.a.SignedIn(bob).At(p.b)
	told := func(want string) {
		t.Helper()
		browser.Fetch("/")
		if header := p.b.Upstream.Last().Header; header.Get("Remote-Groups") != want {
			t.Errorf("the other node says %q, want %q", header.Get("Remote-Groups"), want)
		}
	}
	told("new-running:member")
	c.must("role=owner", "org", "set-role", "new-running", bob, "owner")
	told("new-running:owner")
	commands{t, p.b}.must("role=member", "org", "set-role", "new-running", ada, "member")
	c.must("slug=acme", "org", "set-slug", "new-running", "acme")
	for deadline := time.Now().Add(5 * time.Second); p.b.Upstream.Last().Header.Get("Sigra-Org") != "acme" && time.Now().Before(deadline); {
		browser.Fetch("/") // members learn of a name by a job
	}
	told("acme:owner")
	c.refuse("needs an owner", "org", "remove-member", "acme", bob)
	c.must("deleted=", "org", "delete", "acme", "--yes")
	told("")
}

// story goes through the life of an organization.
func (c commands) story(slug string) {
	c.t.Run(slug, func(t *testing.T) {
		c := commands{t, c.g}
		c.must("slug="+slug, "org", "create", "--name", "The "+slug, "--slug", slug, "--owner", ada)
		c.must("slug=the-"+slug, "org", "create", "--name", "The "+slug, "--owner", ada)
		c.refuse("slug: is taken", "org", "create", "--name", "X", "--slug", slug, "--owner", ada)
		c.refuse("slug: must have 3 to 63", "org", "create", "--name", "X", "--slug", "-", "--owner", ada)
		c.refuse("no such", "org", "create", "--name", "X", "--owner", "nobody@example.com")
		c.refuse("owner", "org", "create", "--name", "X")
		c.must("slug="+slug, "org", "list")
		c.must("name=The "+slug, "org", "show", slug)
		c.refuse("`caddy sigra org list`", "org", "show", "nowhere")
		c.members(slug)
		c.invitations(slug)
		c.settings(slug)
		c.domains(slug)
		c.refuse("not deleted", "org", "delete", "the-"+slug)
		c.must("deleted=", "org", "delete", "the-"+slug, "--yes")
		c.refuse("no such organization", "org", "show", "the-"+slug)
		var events []struct{ Action, Actor string }
		c.json(&events, "org", "audit", "new-"+slug)
		for _, want := range []string{"create", "rename", "slug_change", "policy_change", "member_add", "member_role_change", "member_remove", "invitation.created", "invitation.revoked", "domain_add", "domain_remove"} {
			if !slices.ContainsFunc(events, func(e struct{ Action, Actor string }) bool {
				return e.Action == "organization."+want && e.Actor == "operator"
			}) {
				t.Errorf("%s is not noted: %+v", want, events)
			}
		}
	})
}

func (c commands) members(slug string) {
	c.t.Helper()
	c.must("added=", "org", "add-member", slug, bob)
	c.must("added=", "org", "add-member", slug, eve, "--role", "admin")
	c.refuse("is a member already", "org", "add-member", slug, bob)
	c.refuse("role: must be one of owner, admin, member", "org", "add-member", slug, mia, "--role", "king")
	c.refuse("no such", "org", "add-member", slug, "nobody@example.com")
	c.must("email="+eve, "org", "members", slug)
	var found []map[string]any
	c.json(&found, "org", "members", slug, "--search", "EVE@")
	if len(found) != 1 || found[0]["email"] != eve || found[0]["role"] != "admin" {
		c.t.Errorf("found %v", found)
	}
	c.must("role=owner", "org", "set-role", slug, fmt.Sprint(found[0]["id"]), "owner")
	c.must("role=owner", "org", "set-role", slug, bob, "owner")
	c.must("removed=", "org", "remove-member", slug, eve)
	c.refuse("no member; see `caddy sigra org members "+slug+"`", "org", "remove-member", slug, eve)
	c.must("role=owner", "org", "transfer", slug, bob)
	var after []map[string]any
	c.json(&after, "org", "members", slug)
	for _, m := range after {
		if want := map[string]string{ada: "admin", bob: "owner"}[fmt.Sprint(m["email"])]; m["role"] != want {
			c.t.Errorf("passed on to %s: %v", bob, m)
		}
	}
	c.refuse("no member; see `caddy sigra org members "+slug+"`", "org", "transfer", slug, mia)
	c.must("role=owner", "org", "transfer", slug, ada)
	c.must("role=member", "org", "set-role", slug, bob, "member")
	c.refuse("set-role "+slug+" <email|id> owner", "org", "remove-member", slug, ada)
	c.refuse("set-role "+slug+" <email|id> owner", "org", "set-role", slug, ada, "admin")
	c.refuse("set-role "+slug+" <email|id> owner", "user", "delete", ada)
	c.refuse("the user does not ask", "org", "admit", slug, mia)
	c.refuse("the user does not ask", "org", "refuse", slug, mia)
	c.must("", "org", "requests", slug)
}

func (c commands) invitations(slug string) {
	c.t.Helper()
	c.must("invited=new@example.net", "org", "invite", slug, "new@example.net", "--role", "admin", "--language", "de")
	c.refuse("is a member already", "org", "invite", slug, bob)
	c.refuse("email: is not an e-mail address", "org", "invite", slug, "nonsense")
	var list []struct{ ID, Email, Role, State string }
	c.json(&list, "org", "invitations", slug)
	if len(list) != 1 || list[0].Email != "new@example.net" || list[0].Role != "admin" || list[0].State != "pending" {
		c.t.Fatalf("%+v", list)
	}
	c.must("sent="+list[0].ID, "org", "resend-invitation", slug, list[0].ID)
	c.must("revoked="+list[0].ID, "org", "revoke-invitation", slug, list[0].ID)
	c.refuse("see `caddy sigra org invitations "+slug+"`", "org", "revoke-invitation", slug, list[0].ID)
	c.refuse("see `caddy sigra org invitations "+slug+"`", "org", "resend-invitation", slug, list[0].ID)
}

func (c commands) settings(slug string) {
	c.t.Helper()
	c.must("two_step=false", "org", "rules", slug)
	c.must("methods=[passkey password]", "org", "rules", slug, "--two-step", "on", "--max-age", "12h", "--methods", "passkey,password")
	c.must("affected=["+ada+" "+bob+"]", "org", "rules", slug)
	c.must("max_age=12h0m0s", "org", "rules", slug, "--two-step", "off", "--methods", "any")
	c.must("affected_count=0", "org", "rules", slug, "--methods", "password")
	c.must("affected_count=2", "org", "rules", slug, "--methods", "passkey")
	c.must("affected_count=0", "org", "rules", slug, "--methods", "any")
	c.must("max_age=12h0m0s", "org", "show", slug)
	c.refuse("on or off", "org", "rules", slug, "--two-step", "yes")
	c.refuse("max_age: must be 15m", "org", "rules", slug, "--max-age", "1s")
	c.refuse("max_age", "org", "rules", slug, "--max-age", "soon")
	c.refuse("password, link and passkey", "org", "rules", slug, "--methods", "sms")
	c.must("two_step=false", "org", "rules", slug, "--max-age", "0")
	c.must("name=Another name", "org", "rename", slug, "Another name")
	c.refuse("name: is required", "org", "rename", slug, " ")
	c.must("slug=new-"+slug, "org", "set-slug", slug, "new-"+slug)
	c.refuse("is new-"+slug+" now", "org", "show", slug)
	c.refuse("slug: is taken", "org", "set-slug", "the-"+slug, slug)
}

func (c commands) domains(slug string) {
	c.t.Helper()
	slug = "new-" + slug
	c.must("domain=example.invalid", "org", "add-domain", slug, "Example.INVALID", "--role", "admin", "--ask")
	c.must("txt_record=sigra-domain=", "org", "domains", slug)
	c.refuse("TXT record", "org", "verify-domain", slug, "example.invalid")
	c.refuse("mailbox: must be one of", "org", "verify-domain", slug, "example.invalid", "--mail", "eve")
	c.refuse("code: is not that of a mail", "org", "verify-domain", slug, "example.invalid", "--code", "x")
	c.refuse("none of the others can be", "org", "verify-domain", slug, "example.invalid", "--mail", "admin", "--code", "x")
	c.refuse("domain: is not a domain", "org", "add-domain", slug, "nonsense")
	c.refuse("makes nobody owner", "org", "add-domain", slug, "example.org", "--role", "owner")
	c.refuse("see `caddy sigra org domains "+slug+"`", "org", "verify-domain", slug, "example.org")
	c.must("removed=", "org", "remove-domain", slug, "example.invalid")
	c.refuse("no such domain", "org", "remove-domain", slug, "example.invalid")
}
