package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// of makes an identity belong to organizations, given as slug:role, and act in the
// one with a slug.
func of(id *authcore.Identity, active string, orgs ...authcore.Org) *authcore.Identity {
	id.Orgs = orgs
	acting := id.In(active)
	return &acting
}

func in(slug, role string) authcore.Org {
	return authcore.Org{ID: "id of " + slug, Slug: slug, Role: role}
}

// TestOrganizations is the table of what a route asks of organizations, where the
// request came to, and who passes.
func TestOrganizations(t *testing.T) {
	acme, initech := in("acme", "owner"), in("initech", "member")
	none := func() *authcore.Identity { return user(nil) }
	one := func() *authcore.Identity { return of(user(nil), "acme", acme) }
	second := func() *authcore.Identity { return of(user(nil), "initech", acme, initech) }
	undecided := func() *authcore.Identity { return of(user(nil), "", acme, initech) }
	platform := func(id *authcore.Identity) *authcore.Identity { id.Role = "admin"; return id }
	any, named, either := Need{Org: true}, Need{Org: true, Orgs: []string{"acme"}}, Need{Orgs: []string{"acme", "initech"}}
	owners, admins := Need{Org: true, Roles: []string{"owner"}}, Need{Roles: []string{"admin"}}
	anywhere, atAcme, atInitech := Place{}, Place{Fixed: true, Org: "acme"}, Place{Fixed: true, Org: "initech"}
	for name, test := range map[string]struct {
		need    Need
		at      Place
		id      *authcore.Identity
		want    Outcome
		missing []Condition
	}{
		"nothing asked, in none":             {Need{}, anywhere, undecided(), Allow, nil},
		"any, in one":                        {any, anywhere, one(), Allow, nil},
		"any, of none":                       {any, anywhere, none(), ChooseOrg, []Condition{MissingOrg}},
		"any, in none of two":                {any, anywhere, undecided(), ChooseOrg, []Condition{MissingOrg}},
		"named, in it":                       {named, anywhere, one(), Allow, nil},
		"named, in the other":                {named, anywhere, second(), ChooseOrg, []Condition{MissingOrg}},
		"named, of none":                     {named, anywhere, none(), Forbid, []Condition{MissingOrg}},
		"named, of others":                   {Need{Orgs: []string{"umbrella"}}, anywhere, second(), Forbid, []Condition{MissingOrg}},
		"either, in one":                     {either, anywhere, second(), Allow, nil},
		"owner, as owner":                    {owners, anywhere, one(), Allow, nil},
		"owner, as member, owner elsewhere":  {owners, anywhere, second(), ChooseOrg, []Condition{MissingRole}},
		"owner, as member everywhere":        {owners, anywhere, of(user(nil), "initech", initech), Forbid, []Condition{MissingRole}},
		"owner of one, named the other":      {Need{Orgs: []string{"initech"}, Roles: []string{"owner"}}, anywhere, second(), Forbid, []Condition{MissingRole}},
		"owner, of none":                     {owners, anywhere, none(), ChooseOrg, []Condition{MissingRole, MissingOrg}},
		"domain too":                         {Need{Org: true, EmailDomains: []string{"example.org"}}, anywhere, undecided(), Forbid, []Condition{MissingEmailDomain, MissingOrg}},
		"step-up comes after":                {Need{Org: true, Level: authcore.AAL2}, anywhere, undecided(), ChooseOrg, []Condition{MissingOrg}},
		"held comes before":                  {any, anywhere, user(func(id *authcore.Identity) { id.EmailVerified = false }), Held, nil},
		"platform role":                      {admins, anywhere, platform(none()), Allow, nil},
		"platform role, acting in one":       {admins, anywhere, platform(one()), Allow, nil},
		"no platform role by an own one":     {admins, anywhere, of(user(nil), "own", in("own", "admin")), Forbid, []Condition{MissingRole}},
		"no role in one by the platform":     {Need{Org: true, Roles: []string{"admin"}}, anywhere, platform(one()), Forbid, []Condition{MissingRole}},
		"fixed, acting there":                {Need{}, atAcme, one(), Allow, nil},
		"fixed, acting elsewhere":            {Need{}, atAcme, second(), Allow, nil},
		"fixed, acting nowhere":              {Need{}, atAcme, undecided(), Allow, nil},
		"fixed, anonymous":                   {Need{}, atAcme, nil, SignIn, nil},
		"fixed, no member":                   {Need{}, atInitech, one(), Hide, nil},
		"fixed, unknown":                     {Need{}, Place{Fixed: true, Org: "umbrella"}, one(), Hide, nil},
		"fixed to nothing":                   {Need{}, Place{Fixed: true}, one(), Hide, nil},
		"fixed, no member, platform role":    {admins, atInitech, platform(one()), Hide, nil},
		"fixed, no member, held":             {Need{}, atInitech, user(func(id *authcore.Identity) { id.Pending = true }), Held, nil},
		"fixed, role there":                  {Need{Roles: []string{"owner"}}, atAcme, second(), Allow, nil},
		"fixed, role elsewhere":              {Need{Roles: []string{"owner"}}, atInitech, of(user(nil), "acme", acme, initech), Forbid, []Condition{MissingRole}},
		"fixed, platform role is none there": {admins, atAcme, platform(one()), Forbid, []Condition{MissingRole}},
		"fixed, any":                         {any, atAcme, undecided(), Allow, nil},
		"fixed, named another":               {Need{Orgs: []string{"initech"}}, atAcme, second(), Forbid, []Condition{MissingOrg}},
	} {
		got := Decide(&test.need, test.at, test.id, now)
		if missing := conditions(got); got.Outcome != test.want || !slices.Equal(missing, test.missing) {
			t.Errorf("%s: %s, missing %v; want %s, missing %v", name, got.Outcome, missing, test.want, test.missing)
		}
	}
}

// TestEveryStateAgainstEveryPlace judges all ways to belong by rules that say in
// one line each what must come out.
func TestEveryStateAgainstEveryPlace(t *testing.T) {
	const role = "admin"
	for _, own := range []string{"", "member", role} {
		for _, other := range []string{"", "member", role} {
			for _, platform := range []string{"", role} {
				var orgs []authcore.Org
				for slug, r := range map[string]string{"own": own, "other": other} {
					if r != "" {
						orgs = append(orgs, in(slug, r))
					}
				}
				for _, active := range []string{"", "own", "other"} {
					id := of(user(func(id *authcore.Identity) { id.Role = platform }), active, orgs...)
					for _, fixed := range []string{"", "own", "other", "unknown"} {
						for _, org := range []bool{false, true} {
							need := Need{Roles: []string{role}, Org: org}
							acting := id.Org
							if fixed != "" {
								acting = id.In(fixed).Org
							}
							want := Forbid
							switch {
							case fixed != "" && acting.ID == "":
								want = Hide
							case fixed == "" && !org && platform == role, (fixed != "" || org) && acting.Role == role:
								want = Allow
							case fixed == "" && org && (own == role || other == role || len(orgs) == 0):
								want = ChooseOrg
							}
							if got := Decide(&need, Place{fixed != "", fixed}, id, now); got.Outcome != want {
								t.Errorf("own %q, other %q, platform %q, active %q, at %q, org %v: %s, want %s", own, other, platform, active, fixed, org, got.Outcome, want)
							}
						}
					}
				}
			}
		}
	}
}

// TestEveryStateAgainstEveryOrganization is the table of what an organization asks
// of its members and who meets it.
func TestEveryStateAgainstEveryOrganization(t *testing.T) {
	asked := map[string]struct {
		rules authcore.OrgRules
		met   func(state) bool
	}{
		"none":     {authcore.OrgRules{}, func(state) bool { return true }},
		"two-step": {authcore.OrgRules{TwoStep: true}, func(s state) bool { return s.strong() || s.mark == "trusted" }},
		"age":      {authcore.OrgRules{MaxAge: age}, func(s state) bool { return s.has(age, authcore.FactorKinds...) }},
		"passkey":  {authcore.OrgRules{Methods: []authcore.FactorKind{authcore.FactorPasskey}}, func(s state) bool { return s.has(ever, authcore.FactorPasskey) }},
		"totp or link, age": {authcore.OrgRules{MaxAge: age, Methods: []authcore.FactorKind{authcore.FactorTOTP, authcore.FactorLink}}, func(s state) bool {
			return s.has(ever, authcore.FactorTOTP, authcore.FactorLink) && s.has(age, authcore.FactorKinds...)
		}},
	}
	eachState(func(s state) {
		if s.anonymous {
			return
		}
		for rule, r := range asked {
			strict := authcore.Org{ID: "1", Slug: "acme", Role: "member", Rules: r.rules}
			skipped := s.mark == "skipped" && !s.strong()
			want := StepUp
			switch {
			case s.hold != "":
				want = Held
			case r.met(s) && !skipped:
				want = Allow
			}
			acting, elsewhere := of(s.id, "acme", strict), of(s.id, "", strict)
			if got := Decide(&Need{}, Place{}, acting, now); got.Outcome != want {
				t.Errorf("%s in one that asks for %s: %s, want %s", s.name, rule, got.Outcome, want)
			}
			if got := Decide(&Need{}, Place{true, "acme"}, elsewhere, now); got.Outcome != want {
				t.Errorf("%s at one that asks for %s: %s, want %s", s.name, rule, got.Outcome, want)
			}
			if got := Decide(&Need{}, Place{}, elsewhere, now).Outcome; got != Allow && got != Held && !(skipped && got == StepUp) {
				t.Errorf("%s outside of one that asks for %s: %s", s.name, rule, got)
			}
			if met := MeetsRules(acting, now); met != r.met(s) {
				t.Errorf("%s meets %s: %v", s.name, rule, met)
			}
		}
	})
}

func TestWhatAnOrganizationAsksFor(t *testing.T) {
	passkey := []authcore.FactorKind{authcore.FactorPasskey}
	for condition, test := range map[Condition]struct {
		rules  authcore.OrgRules
		wanted []authcore.FactorKind
	}{
		MissingOrgTwoStep: {authcore.OrgRules{TwoStep: true}, authcore.SecondFactors},
		MissingOrgMethod:  {authcore.OrgRules{Methods: passkey}, passkey},
		MissingOrgFresh:   {authcore.OrgRules{MaxAge: time.Minute}, nil},
	} {
		org := in("acme", "member")
		org.Rules = test.rules
		got := Decide(&Need{Factors: nil, Fresh: 2 * time.Hour}, Place{}, of(user(nil), "acme", org), now)
		if got.Outcome != StepUp || !slices.Equal(conditions(got), []Condition{condition}) || !slices.Equal(got.Wanted, test.wanted) {
			t.Errorf("%s: %+v", condition, got)
		}
	}
}

func TestTwoStepRolesAreEither(t *testing.T) {
	need := Need{TwoStep: true, TwoStepRoles: []string{"admin"}}
	for name, id := range map[string]*authcore.Identity{
		"on the platform": user(func(id *authcore.Identity) { id.Role = "admin" }),
		"in one":          of(user(nil), "acme", in("acme", "admin")),
	} {
		if got := Decide(&need, Place{}, id, now); got.Outcome != StepUp {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := Decide(&need, Place{}, of(user(nil), "", in("acme", "admin")), now); got.Outcome != Allow {
		t.Errorf("in one that is not active: %+v", got)
	}
}

func TestDecidingAllocatesNothing(t *testing.T) {
	orgs := make([]authcore.Org, 50)
	for i := range orgs {
		orgs[i] = in(fmt.Sprint("org-", i), "owner")
	}
	id := of(user(nil), "org-7", orgs...)
	need := Need{Org: true, Roles: []string{"owner"}, Fresh: 2 * time.Hour}
	for name, at := range map[string]Place{"session": {}, "fixed": {true, "org-49"}} {
		if n := testing.AllocsPerRun(100, func() {
			if Decide(&need, at, id, now).Outcome != Allow {
				t.Error("not allowed")
			}
		}); n != 0 {
			t.Errorf("%s: %.0f allocations", name, n)
		}
	}
}
