package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// orgSpot is an organization with what somebody could lay hands on.
type orgSpot struct {
	slug, co, victim, invitation, domain string
}

// orgDeed is what a browser does with an organization.
type orgDeed struct {
	method, path string
	// need is the weakest role that may.
	need string
	form func(orgSpot) url.Values
	// done is the status when it may; 303 unless given.
	done int
	// moves says that the organization is gone, or the slug or a role of whoever did
	// it is another, after it was done.
	moves bool
}

func page(path, need string) orgDeed {
	return orgDeed{method: "GET", path: path, need: need, done: http.StatusOK}
}

// deed is one that is sent with fields; $ names a field of the spot.
func deed(path, need string, fields ...string) orgDeed {
	return orgDeed{method: "POST", path: path, need: need, done: http.StatusSeeOther, form: func(at orgSpot) url.Values {
		given := map[string]string{"$slug": at.slug, "$name": "The " + at.slug, "$co": at.co, "$victim": at.victim, "$invitation": at.invitation, "$domain": at.domain}
		form := url.Values{}
		for i := 0; i < len(fields); i += 2 {
			value := fields[i+1]
			if known, ok := given[value]; ok {
				value = known
			}
			form.Set(fields[i], value)
		}
		return form
	}}
}

func (d orgDeed) but(done int) orgDeed { d.done = done; return d }
func (d orgDeed) moving() orgDeed      { d.moves = true; return d }

// orgDeeds are all of them; TestOrgTableIsWhole sees to that.
var orgDeeds = []orgDeed{
	page("", "member"), page("/members", "admin"), page("/members?q=ada&after=", "admin"), page("/invitations", "admin"), page("/activity", "admin"),
	page("/settings", "owner"), page("/settings/slug", "owner"), page("/settings/rules", "owner"), page("/settings/transfer", "owner"),
	page("/settings/delete", "owner"), page("/settings/domains", "owner"), page("/settings/domains/new", "owner"),
	deed("/members/role", "admin", "user", "$victim", "role", "admin"), deed("/members/role", "owner", "user", "$victim", "role", "owner"),
	deed("/members/role", "owner", "user", "$co", "role", "member"), deed("/members/remove", "admin", "user", "$victim"),
	deed("/members/remove", "owner", "user", "$co"),
	// Nobody asks to join.
	deed("/members/admit", "admin", "user", "$victim", "role", "admin").but(404), deed("/members/refuse", "admin", "user", "$victim").but(404),
	deed("/invitations", "admin", "email", "x@example.net", "role", "admin"), deed("/invitations", "owner", "email", "x@example.net", "role", "owner"),
	deed("/invitations/revoke", "admin", "invitation", "$invitation"), deed("/invitations/resend", "admin", "invitation", "$invitation"),
	deed("/settings", "owner", "name", "Another name"), deed("/settings/rules", "owner", "max_age", "1h0m0s"),
	deed("/settings/domains/new", "owner", "domain", "another.invalid", "role", "member"),
	deed("/settings/domains/check", "owner", "domain", "$domain").but(422), deed("/settings/domains/mail", "owner", "domain", "$domain", "mailbox", "admin"),
	deed("/settings/domains/code", "owner", "domain", "$domain", "code", strings.Repeat("A", 43)).but(422),
	deed("/settings/domains/remove", "owner", "domain", "$domain"),
	deed("/settings/slug", "owner", "slug", "moved", "typed", "$slug").moving(), deed("/settings/transfer", "owner", "to", "$victim").moving(),
	deed("/settings/delete", "owner", "typed", "$name").moving(), deed("/leave", "member").moving(),
}

// TestOrgTableIsWhole fails when a page of an organization is not in the table.
func TestOrgTableIsWhole(t *testing.T) {
	source, err := os.ReadFile("../../ui/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(source), "var orgRoutes = map[string]route{\n")
	table, _, _ = strings.Cut(table, "\n}\n")
	rows := regexp.MustCompile(`(?m)^\t"(.*?)": +\{(.*)\},$`).FindAllStringSubmatch(table, -1)
	if len(rows) < 20 || len(rows) != strings.Count(table, "\n")+1 {
		t.Fatalf("%d routes in\n%s", len(rows), table)
	}
	for _, row := range rows {
		for _, method := range []string{"get", "post"} {
			if strings.Contains(row[2], method+":") && !slices.ContainsFunc(orgDeeds, func(d orgDeed) bool {
				path, _, _ := strings.Cut(d.path, "?")
				return path == row[1] && strings.EqualFold(d.method, method)
			}) {
				t.Errorf("nobody tries %s %s", method, row[1])
			}
		}
	}
}

// orgTable is the gateway of the table with its people.
type orgTable struct {
	*testing.T
	operator
	browsers map[string]*gateway.Client // by role; nil cookies for "visitor"
	turn     int
}

const globexOwner, globexVictim = "hank@example.com", "frank@example.com"

func newOrgTable(t *testing.T) *orgTable {
	g := gateway.Start(t, gateway.Config{Global: "orgs anyone {\ninvitations 0 0\n}\nthrottle {\naccount 1000 15m\nnetwork 1000 15m\n}"})
	table := &orgTable{T: t, operator: operator{t, g}, browsers: map[string]*gateway.Client{"visitor": g.NewClient()}}
	for _, email := range []string{"co@example.com", globexOwner, globexVictim, "victim@example.com"} {
		g.AddUser(email)
	}
	for _, role := range []string{"owner", "admin", "member", "outsider"} {
		g.AddUser(role + "@example.com")
		table.browsers[role] = g.SignedIn(role + "@example.com")
	}
	return table
}

// spot makes an organization.
func (o *orgTable) spot(slug, owner, victim string, others map[string]string) orgSpot {
	o.T.Helper()
	all := map[string]string{victim: "member"}
	maps.Copy(all, others)
	o.org(slug, owner, all)
	at := orgSpot{slug: slug, domain: slug + ".invalid", victim: o.id(victim), co: o.id("co@example.com")}
	o.do("POST", "/orgs/"+slug+"/invitations", map[string]string{"email": "invited@example.net"}, nil)
	var invitations []struct{ ID string }
	o.do("GET", "/orgs/"+slug+"/invitations", nil, &invitations)
	at.invitation = invitations[0].ID
	o.do("POST", "/orgs/"+slug+"/domains", map[string]string{"domain": at.domain}, nil)
	return at
}

// own makes the organization of the actors anew.
func (o *orgTable) own() orgSpot {
	o.T.Helper()
	o.turn++
	return o.spot(fmt.Sprintf("acme%d", o.turn), "owner@example.com", "victim@example.com", map[string]string{
		"co@example.com": "owner", "admin@example.com": "admin", "member@example.com": "member",
	})
}

// state is all that operators see of an organization.
func (o *orgTable) state(slug string) string {
	o.T.Helper()
	var all []any
	for _, part := range []string{"", "/invitations", "/domains", "/requests", "/rules", "/audit"} {
		var told any
		o.do("GET", "/orgs/"+slug+part, nil, &told)
		all = append(all, told)
	}
	text, err := json.Marshal(append(all, o.members(slug)))
	if err != nil {
		o.Fatal(err)
	}
	return string(text)
}

// send has a browser do something, as a page or as a program.
func (o *orgTable) send(who string, d orgDeed, slug string, at orgSpot, accept string) gateway.Answer {
	o.T.Helper()
	path, form := "/_auth/orgs/"+slug+d.path, url.Values{}
	if d.form != nil {
		form = d.form(at)
	}
	c := o.browsers[who]
	if d.method == "GET" {
		return c.Do(c.Request("GET", path, "", "Accept", accept, "Sec-Fetch-Mode", "navigate"))
	}
	return c.Do(c.Request("POST", path, form.Encode(), "Accept", accept, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"))
}

var accepts = []string{"text/html", "application/json"}

// likeness is an answer as it is compared, without the slug that was asked for and
// the time.
func likeness(answer gateway.Answer, slug string) string {
	header := answer.Header.Clone()
	header.Del("Date")
	text, err := json.Marshal(header)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(fmt.Sprintf("%d %s\n%s", answer.StatusCode, text, answer.Text), slug, "SLUG")
}

// TestForeignIsUnknown asks for each page and sends each form, as each role of
// elsewhere, to a foreign organization and to one that does not exist, with the ids
// of what is there: the answers are the same byte for byte, and nothing happens.
func TestForeignIsUnknown(t *testing.T) {
	o := newOrgTable(t)
	o.own()
	at := o.spot("globex", globexOwner, globexVictim, map[string]string{"co@example.com": "owner"})
	before := o.state("globex")
	for _, d := range orgDeeds {
		for who := range o.browsers {
			for _, accept := range accepts {
				foreign, unknown := o.send(who, d, "globex", at, accept), o.send(who, d, "nosuch", at, accept)
				what := fmt.Sprintf("%s %s as %s for %s", d.method, d.path, who, accept)
				if a, b := likeness(foreign, "globex"), likeness(unknown, "nosuch"); a != b {
					t.Errorf("%s: the answers differ:\n%s\n%s", what, a, b)
				}
				if want := foreign.StatusCode == http.StatusNotFound; who != "visitor" && !want || who == "visitor" && want {
					t.Errorf("%s: %d", what, foreign.StatusCode)
				}
				if strings.Contains(foreign.Text, "The globex") || strings.Contains(foreign.Text, "hank@") {
					t.Errorf("%s: told of it:\n%s", what, foreign.Text)
				}
			}
		}
	}
	for who, c := range o.browsers {
		foreign, unknown := c.Post("/_auth/orgs/switch", url.Values{"org": {"globex"}}), c.Post("/_auth/orgs/switch", url.Values{"org": {"nosuch"}})
		if a, b := likeness(foreign, "globex"), likeness(unknown, "nosuch"); a != b {
			t.Errorf("switching as %s: the answers differ:\n%s\n%s", who, a, b)
		}
	}
	if after := o.state("globex"); after != before {
		t.Errorf("the foreign organization was\n%s\nand is\n%s", before, after)
	}
}

// TestRolesInOwnOrganization has each role do everything in an organization of its
// own: those that may can, the others get 403, and nothing happens.
func TestRolesInOwnOrganization(t *testing.T) {
	o := newOrgTable(t)
	at := o.own()
	ranks := []string{"outsider", "member", "admin", "owner"}
	for _, d := range orgDeeds {
		for _, who := range ranks {
			want := d.done
			switch {
			case who == "outsider":
				want = http.StatusNotFound
			case slices.Index(ranks, who) < slices.Index(ranks, d.need):
				want = http.StatusForbidden
			}
			before := o.state(at.slug)
			answer := o.send(who, d, at.slug, at, accepts[0])
			if answer.StatusCode != want {
				t.Errorf("%s %s as %s: %d, want %d\n%s", d.method, d.path, who, answer.StatusCode, want, answer.Text)
			}
			if d.method == "POST" && want == d.done && want == http.StatusSeeOther {
				if !d.moves && o.state(at.slug) == before {
					t.Errorf("%s as %s did nothing", d.path, who)
				}
				at = o.own()
			} else if o.state(at.slug) != before {
				t.Errorf("%s %s as %s has changed something", d.method, d.path, who)
			}
		}
	}
}

// TestForeignIDsInOwnOrganization has an owner send the ids of a foreign
// organization to their own one.
func TestForeignIDsInOwnOrganization(t *testing.T) {
	o := newOrgTable(t)
	own := o.own()
	foreign := o.spot("globex", globexOwner, globexVictim, map[string]string{})
	foreign.co = o.id(globexOwner)
	states := o.state(own.slug) + o.state("globex")
	for _, d := range orgDeeds {
		if d.form == nil || maps.EqualFunc(d.form(own), d.form(foreign), slices.Equal) {
			continue
		}
		switch d.path {
		case "/settings/slug", "/settings/delete": // they name no id
			continue
		}
		if answer := o.send("owner", d, own.slug, foreign, accepts[0]); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s with %v: %d", d.path, d.form(foreign), answer.StatusCode)
		}
	}
	if o.state(own.slug)+o.state("globex") != states {
		t.Error("something has changed")
	}
}
