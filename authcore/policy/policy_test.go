package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func proof(kind authcore.FactorKind, age time.Duration) authcore.Factor {
	return authcore.Factor{Kind: kind, At: now.Add(-age)}
}

// user is a signed-in user with one factor, proven an hour ago.
func user(change func(*authcore.Identity)) *authcore.Identity {
	id := authcore.Identity{
		UserID: "u", Email: "ada@Example.com", EmailVerified: true, Level: authcore.AAL1, AuthTime: now.Add(-time.Hour),
	}.Prove(proof(authcore.FactorPassword, time.Hour))
	if change != nil {
		change(&id)
	}
	return &id
}

func TestDecide(t *testing.T) {
	fresh := func(id *authcore.Identity) { *id = id.Prove(proof(authcore.FactorPassword, time.Minute)) }
	unproven := func(id *authcore.Identity) { id.EmailVerified = false }
	member := func(id *authcore.Identity) {
		id.Org = authcore.Org{ID: "o", Slug: "acme", Role: "owner"}
		id.Orgs = []authcore.Org{id.Org}
	}
	for name, test := range map[string]struct {
		need    Need
		id      *authcore.Identity
		want    Outcome
		missing []Condition
	}{
		"anonymous":                     {Need{}, nil, SignIn, nil},
		"anonymous, much is needed":     {Need{Level: authcore.AAL2, Roles: []string{"admin"}}, nil, SignIn, nil},
		"signed in":                     {Need{}, user(nil), Allow, nil},
		"right domain, other case":      {Need{EmailDomains: []string{"example.com"}}, user(nil), Allow, nil},
		"wrong domain":                  {Need{EmailDomains: []string{"example.org"}}, user(nil), Forbid, []Condition{MissingEmailDomain}},
		"domain as a suffix":            {Need{EmailDomains: []string{"ple.com"}}, user(nil), Forbid, []Condition{MissingEmailDomain}},
		"unproven address":              {Need{}, user(unproven), Held, nil},
		"unproven address, much needed": {Need{EmailDomains: []string{"example.com"}, Roles: []string{"admin"}, Fresh: time.Second}, user(unproven), Held, nil},
		"platform role":                 {Need{Roles: []string{"admin"}}, user(func(id *authcore.Identity) { id.Role = "admin" }), Allow, nil},
		"no role":                       {Need{Roles: []string{"admin"}}, user(nil), Forbid, []Condition{MissingRole}},
		"role in the organization":      {Need{Roles: []string{"owner", "admin"}, Org: true}, user(member), Allow, nil},
		"organization":                  {Need{Org: true}, user(member), Allow, nil},
		"named organization":            {Need{Org: true, Orgs: []string{"acme"}}, user(member), Allow, nil},
		"other organization":            {Need{Org: true, Orgs: []string{"initech"}}, user(member), Forbid, []Condition{MissingOrg}},
		"no organization":               {Need{Org: true}, user(nil), ChooseOrg, []Condition{MissingOrg}},
		"one factor of two":             {Need{Level: authcore.AAL2}, user(nil), StepUp, []Condition{MissingLevel}},
		"two factors":                   {Need{Level: authcore.AAL2}, user(func(id *authcore.Identity) { id.Level = authcore.AAL2 }), Allow, nil},
		"stale proof":                   {Need{Fresh: 10 * time.Minute}, user(nil), StepUp, []Condition{MissingFresh}},
		"fresh proof":                   {Need{Fresh: 10 * time.Minute}, user(fresh), Allow, nil},
		"proof as old as allowed":       {Need{Fresh: time.Minute}, user(fresh), Allow, nil},
		"no step-up for the hopeless":   {Need{Fresh: time.Minute, Roles: []string{"admin"}}, user(nil), Forbid, []Condition{MissingRole}},
		"everything that is missing":    {Need{Roles: []string{"admin"}, Orgs: []string{"acme"}, Level: authcore.AAL2}, user(nil), Forbid, []Condition{MissingRole, MissingOrg}},
		"proof in the future is no age": {Need{Fresh: time.Minute}, user(func(id *authcore.Identity) { *id = id.Prove(proof(authcore.FactorPassword, -time.Hour)) }), Allow, nil},
	} {
		got := Decide(&test.need, Place{}, test.id, now)
		if missing := conditions(got); got.Outcome != test.want || !slices.Equal(missing, test.missing) {
			t.Errorf("%s: %s, missing %v; want %s, missing %v", name, got.Outcome, missing, test.want, test.missing)
		}
	}
}

// conditions are those that a decision names.
func conditions(d Decision) (missing []Condition) {
	for _, m := range d.Missing {
		missing = append(missing, m.Condition)
	}
	return missing
}
