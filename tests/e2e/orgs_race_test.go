package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// operator sends requests to the operator's side of a gateway, without the command.
type operator struct {
	t *testing.T
	g *gateway.Gateway
}

func (o operator) do(method, path string, body, to any) {
	o.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := http.NewRequest(method, "http://"+o.g.Admin+"/sigra"+path, strings.NewReader(string(raw)))
	if err != nil {
		o.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer answer.Body.Close()
	if to == nil {
		to = new(any)
	}
	if err := json.NewDecoder(answer.Body).Decode(to); err != nil || answer.StatusCode != http.StatusOK {
		o.t.Fatalf("%s %s: %d, %v: %v", method, path, answer.StatusCode, err, to)
	}
}

// id is that of an account.
func (o operator) id(email string) string {
	o.t.Helper()
	var found struct{ ID string }
	o.do("POST", "/users/find", map[string]string{"email": email}, &found)
	return found.ID
}

// leaves reports whether an account will be deleted.
func (o operator) leaves(email string) bool {
	o.t.Helper()
	var found struct {
		DeletionAt string `json:"deletion_at"`
	}
	o.do("POST", "/users/find", map[string]string{"email": email}, &found)
	return found.DeletionAt != ""
}

// org makes an organization with an owner, and members by their addresses.
func (o operator) org(slug, owner string, others map[string]string) {
	o.t.Helper()
	o.do("POST", "/orgs", map[string]string{"name": "The " + slug, "slug": slug, "owner": o.id(owner)}, nil)
	for email, role := range others {
		o.do("POST", "/orgs/"+slug+"/members", map[string]string{"user": o.id(email), "role": role}, nil)
	}
}

// member is a member of an organization as operators see it.
type member struct{ ID, Email, Role string }

func (o operator) members(slug string) (list []member) {
	o.t.Helper()
	o.do("POST", "/orgs/"+slug+"/members/search", map[string]string{}, &list)
	return list
}

// TestLastOwnersRace has the last two owners remove, demote, leave and delete their
// accounts at once, through every node.
func TestLastOwnersRace(t *testing.T) {
	const global = "orgs anyone\nthrottle {\naccount 1000 15m\nnetwork 1000 15m\n}"
	t.Run("postgres", func(t *testing.T) {
		p := newPair(t, global)
		raceOwners(t, []*gateway.Gateway{p.a, p.b})
	})
	t.Run("sqlite", func(t *testing.T) {
		g := gateway.Start(t, gateway.Config{Global: global})
		g.AddUser(ada)
		raceOwners(t, []*gateway.Gateway{g})
	})
}

func raceOwners(t *testing.T, nodes []*gateway.Gateway) {
	o := operator{t, nodes[0]}
	nodes[0].AddUser(eve)
	// In the first round accounts stay, in the last they all go.
	for round, deeds := range [][]string{{"remove", "demote", "remove", "demote to admin", "leave"}, {"leave", "delete", "delete"}, {"delete"}} {
		slug := fmt.Sprintf("acme%d", round)
		first, second := fmt.Sprintf("first%d@example.com", round), fmt.Sprintf("second%d@example.com", round)
		nodes[0].AddUser(first)
		nodes[0].AddUser(second)
		browsers := map[string]*gateway.Client{first: nodes[0].SignedIn(first), second: nodes[0].SignedIn(second)}
		o.org(slug, first, map[string]string{second: "owner", eve: "member"})
		ids := map[string]string{first: o.id(first), second: o.id(second)}
		var group sync.WaitGroup
		for i := range 50 {
			by, of := first, second
			if i%2 == 1 {
				by, of = second, first
			}
			home := "/_auth/orgs/" + slug
			deed := map[string]struct {
				path string
				form url.Values
			}{
				"remove":          {home + "/members/remove", url.Values{"user": {ids[of]}}},
				"demote":          {home + "/members/role", url.Values{"user": {ids[of]}, "role": {"member"}}},
				"demote to admin": {home + "/members/role", url.Values{"user": {ids[of]}, "role": {"admin"}}},
				"leave":           {home + "/leave", nil},
				"delete":          {"/_auth/account/delete", url.Values{"confirm": {"yes"}, "current": {gateway.Password}}},
			}[deeds[i%len(deeds)]]
			c := browsers[by].At(nodes[i/2%len(nodes)])
			r := c.Request("POST", deed.path, deed.form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json", "Sec-Fetch-Site", "same-origin")
			group.Go(func() {
				answer, err := c.Try(r)
				if err != nil || answer.StatusCode >= 500 || answer.StatusCode == http.StatusUnprocessableEntity {
					t.Errorf("%s by %s: %v, %d %s", deed.path, by, err, answer.StatusCode, answer.Text)
				}
			})
		}
		group.Wait()
		oneOwner(t, o, nodes, browsers, slug)
		o.do("DELETE", "/orgs/"+slug, nil, nil)
	}
}

// oneOwner checks that an organization has one owner whose account stays, whom every
// node knows.
func oneOwner(t *testing.T, o operator, nodes []*gateway.Gateway, browsers map[string]*gateway.Client, slug string) {
	t.Helper()
	roles := map[string]string{}
	owners := 0
	for _, m := range o.members(slug) {
		roles[m.Email] = m.Role
		if m.Role == "owner" && !o.leaves(m.Email) {
			owners++
		}
	}
	if owners != 1 || roles[eve] != "member" {
		t.Errorf("%d owners: %v", owners, roles)
	}
	for email, c := range browsers {
		if o.leaves(email) { // who is signed out
			continue
		}
		for _, g := range nodes {
			c.At(g).Fetch("/")
			want := ""
			if roles[email] != "" {
				want = slug + ":" + roles[email]
			}
			if told := g.Upstream.Last().Header.Get("Remote-Groups"); told != want {
				t.Errorf("%s is %q, a node says %q", email, want, told)
			}
		}
	}
}
