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

// TestLastOwnersRace has the last two owners remove, demote and leave at once,
// through every node.
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
	nodes[0].AddUser(bob)
	nodes[0].AddUser(eve)
	browsers := map[string]*gateway.Client{ada: nodes[0].SignedIn(ada), bob: nodes[0].SignedIn(bob)}
	for round := range 3 {
		slug := fmt.Sprintf("acme%d", round)
		o.org(slug, ada, map[string]string{bob: "owner", eve: "member"})
		ids := map[string]string{ada: o.id(ada), bob: o.id(bob)}
		var group sync.WaitGroup
		for i := range 50 {
			by, of := ada, bob
			if i%2 == 1 {
				by, of = bob, ada
			}
			deed, form := "/members/remove", url.Values{"user": {ids[of]}}
			switch i % 5 {
			case 1, 3:
				deed = "/members/role"
				form.Set("role", []string{"member", "admin"}[i%2])
			case 4:
				deed, form = "/leave", nil
			}
			c := browsers[by].At(nodes[i/2%len(nodes)])
			r := c.Request("POST", "/_auth/orgs/"+slug+deed, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json", "Sec-Fetch-Site", "same-origin")
			group.Go(func() {
				answer, err := c.Try(r)
				if err != nil || answer.StatusCode >= 500 || answer.StatusCode == http.StatusUnprocessableEntity {
					t.Errorf("%s by %s: %v, %d %s", deed, by, err, answer.StatusCode, answer.Text)
				}
			})
		}
		group.Wait()
		oneOwner(t, o, nodes, browsers, slug)
		o.do("DELETE", "/orgs/"+slug, nil, nil)
	}
}

// oneOwner checks that an organization has one owner, whom every node knows.
func oneOwner(t *testing.T, o operator, nodes []*gateway.Gateway, browsers map[string]*gateway.Client, slug string) {
	t.Helper()
	roles := map[string]string{}
	owners := 0
	for _, m := range o.members(slug) {
		roles[m.Email] = m.Role
		if m.Role == "owner" {
			owners++
		}
	}
	if owners != 1 || roles[eve] != "member" {
		t.Errorf("%d owners: %v", owners, roles)
	}
	for email, c := range browsers {
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
