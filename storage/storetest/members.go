package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Members tests org.Members.
func Members(t *testing.T, open func(testing.TB) Orgs) {
	cases(t, open, map[string]func(context.Context, *testing.T, Orgs){
		"memberships":           testMemberships,
		"list in pages":         testListMembers,
		"search":                testSearchMembers,
		"count":                 testCountMembers,
		"with a role":           testWithRole,
		"affected by rules":     testAffected,
		"add":                   testAddMember,
		"too many memberships":  testMaxMemberships,
		"set role":              testSetRole,
		"remove":                testRemoveMember,
		"transfer":              testTransfer,
		"owners that count":     testOwnersThatCount,
		"sole owner":            testSoleOwner,
		"owned too many":        testMaxOwned,
		"personal stays":        testPersonalStays,
		"foreign organizations": testForeignOrgs,
	})
}

func testMemberships(ctx context.Context, t *testing.T, s Orgs) {
	user := s.user(ctx, t, "ada")
	none, err := s.Memberships(ctx, user.ID)
	must(t, err)
	same(t, "no memberships", none, authcore.Memberships{})
	zebra, _ := s.org(ctx, t, "zebra")
	alpha, _ := s.org(ctx, t, "alpha")
	alpha2, _ := s.org(ctx, t, "alpha-2")
	s.org(ctx, t, "foreign")
	must(t, s.add(ctx, operator, zebra, user.ID, manager))
	must(t, s.add(ctx, operator, alpha2, user.ID, plain))
	must(t, s.add(ctx, operator, alpha, user.ID, owner))
	m, err := s.Memberships(ctx, user.ID)
	must(t, err)
	want := authcore.Memberships{Orgs: []authcore.Org{
		{ID: alpha.ID, Slug: "alpha", Name: alpha.Name, Role: owner},
		{ID: alpha2.ID, Slug: "alpha-2", Name: alpha2.Name, Role: plain},
		{ID: zebra.ID, Slug: "zebra", Name: zebra.Name, Role: manager},
	}}
	same(t, "the memberships", m, want)
	for i, active := range []org.Org{zebra, alpha} {
		must(t, s.MarkActive(ctx, active.ID, user.ID, now().Add(time.Duration(i)*time.Second)))
	}
	must(t, s.MarkActive(ctx, zebra.ID, user.ID, now().Add(-time.Hour))) // late
	must(t, s.MarkActive(ctx, newID(), user.ID, now().Add(time.Hour)))
	m, err = s.Memberships(ctx, user.ID)
	must(t, err)
	same(t, "the last one", m.Last, alpha.ID)
	must(t, s.delete(ctx, operator, alpha))
	m, err = s.Memberships(ctx, user.ID)
	must(t, err)
	want.Orgs, want.Last = want.Orgs[1:], zebra.ID
	same(t, "what is left", m, want)
}

func testListMembers(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	want := []string{user.ID}
	for i := range 4 {
		want = append(want, s.member(ctx, t, o, fmt.Sprint("user", i), plain).ID)
	}
	s.org(ctx, t, "other")
	slices.Sort(want)
	var got, ids []string
	for after := ""; ; after = got[len(got)-1] {
		page, err := s.Members(ctx, o.ID, "", after, 2)
		must(t, err)
		some, err := s.MemberIDs(ctx, o.ID, after, 2)
		must(t, err)
		ids = append(ids, some...)
		for _, m := range page {
			got = append(got, m.UserID)
		}
		if len(page) < 2 {
			break
		}
	}
	same(t, "the list", got, want)
	same(t, "the ids", ids, want)
	at := now().Add(time.Minute)
	must(t, s.MarkActive(ctx, o.ID, user.ID, at))
	m, err := s.Member(ctx, o.ID, user.ID)
	must(t, err)
	if m.JoinedAt.IsZero() || !m.ActiveAt.Equal(at) {
		t.Errorf("%+v", m)
	}
	m.JoinedAt, m.ActiveAt = time.Time{}, time.Time{}
	same(t, "the owner", m, org.Member{UserID: user.ID, Email: user.Email, Name: user.Name, Role: owner})
}

func testSearchMembers(ctx context.Context, t *testing.T, s Orgs) {
	o, _ := s.org(ctx, t, "acme")
	names := map[string]string{}
	for _, name := range []string{"ada", "ada_x", "grace", `per%cent`, `back\slash`} {
		names[s.member(ctx, t, o, name, plain).ID] = name
	}
	s.member(ctx, t, newOrgIn(ctx, t, s), "ada-of-another", plain)
	for text, want := range map[string][]string{
		"ADA":            {"ada", "ada_x"},
		"a_x":            {"ada_x"},
		"_":              {"ada_x"},
		"%":              {`per%cent`},
		`\`:              {`back\slash`},
		"grace@EXAMPLE":  {"grace"},
		"Ünïcode GRACE":  {"grace"},
		"' OR 1=1 --":    nil,
		"nobody":         nil,
		"\x00":           nil,
		"ada_x@example.": {"ada_x"},
	} {
		found, err := s.Members(ctx, o.ID, text, "", 100)
		must(t, err)
		var got []string
		for _, m := range found {
			got = append(got, names[m.UserID])
		}
		slices.Sort(got)
		same(t, fmt.Sprintf("who contains %q", text), got, want)
	}
	page, err := s.Members(ctx, o.ID, "ada", "", 1)
	must(t, err)
	rest, err := s.Members(ctx, o.ID, "ada", page[0].UserID, 10)
	if err != nil || len(rest) != 1 || rest[0].UserID == page[0].UserID {
		t.Errorf("after %+v: %+v, %v", page, rest, err)
	}
}

// newOrgIn makes an organization of nobody.
func newOrgIn(ctx context.Context, t *testing.T, s Orgs) org.Org {
	t.Helper()
	o := newOrg("nobodys")
	must(t, s.create(ctx, o, "", 0))
	return o
}

func testCountMembers(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	s.member(ctx, t, o, "ada", plain)
	s.member(ctx, t, o, "grace", plain)
	must(t, s.Factors.TurnOn(ctx, enrollment(user), newEvent(audit.TwoStepEnroll)))
	all, without, err := s.Count(ctx, o.ID)
	if err != nil || all != 3 || without != 2 {
		t.Errorf("%d members, %d without, %v", all, without, err)
	}
	m, err := s.Member(ctx, o.ID, user.ID)
	if err != nil || !m.TwoStep {
		t.Errorf("%+v, %v", m, err)
	}
}

func testWithRole(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	s.member(ctx, t, o, "ada", manager)
	second := s.member(ctx, t, o, "grace", owner)
	s.org(ctx, t, "other")
	owners, err := s.WithRole(ctx, o.ID, owner)
	must(t, err)
	same(t, "the owners", owners, []authcore.User{s.current(ctx, t, boss), s.current(ctx, t, second)})
}

func testAffected(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	both, key := s.member(ctx, t, o, "ada", plain), s.member(ctx, t, o, "grace", plain)
	bare := newUser("bare")
	must(t, s.Accounts.Create(ctx, bare, "", newEvent(audit.UserCreate)))
	must(t, s.add(ctx, operator, o, bare.ID, plain))
	s.org(ctx, t, "other")
	must(t, s.Factors.TurnOn(ctx, enrollment(both), newEvent(audit.TwoStepEnroll)))
	for _, user := range []authcore.User{both, key} {
		epoch := s.current(ctx, t, user).AuthEpoch
		must(t, s.Passkeys.AddPasskey(ctx, newPasskey(user, user.ID), epoch, 10, newEvent(audit.PasskeyRegister)))
	}
	type methods []authcore.FactorKind
	for name, test := range map[string]struct {
		rules authcore.OrgRules
		want  []authcore.User
	}{
		"none":                {authcore.OrgRules{}, nil},
		"age":                 {authcore.OrgRules{MaxAge: time.Hour}, nil},
		"two-step":            {authcore.OrgRules{TwoStep: true}, []authcore.User{boss, key, bare}},
		"password":            {authcore.OrgRules{Methods: methods{authcore.FactorPassword}}, []authcore.User{bare}},
		"passkey":             {authcore.OrgRules{Methods: methods{authcore.FactorPasskey}}, []authcore.User{boss, bare}},
		"password or passkey": {authcore.OrgRules{Methods: methods{authcore.FactorPassword, authcore.FactorPasskey}}, []authcore.User{bare}},
		"link or passkey":     {authcore.OrgRules{Methods: methods{authcore.FactorLink, authcore.FactorPasskey}}, nil},
		"both":                {authcore.OrgRules{TwoStep: true, Methods: methods{authcore.FactorPasskey}}, []authcore.User{boss, key, bare}},
	} {
		var got, want []string
		some, all, err := s.Affected(ctx, o.ID, test.rules, 10)
		must(t, err)
		for _, m := range some {
			got = append(got, m.UserID)
		}
		for _, user := range test.want {
			want = append(want, user.ID)
		}
		slices.Sort(want)
		same(t, name, got, want)
		same(t, name+", counted", all, len(want))
		if some, all, err = s.Affected(ctx, o.ID, test.rules, 1); err != nil || all != len(want) || len(some) != min(1, all) {
			t.Errorf("%s, less: %d of %d, %v", name, len(some), all, err)
		}
	}
}

func testAddMember(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	user := s.user(ctx, t, "ada")
	must(t, s.Ask(ctx, o.ID, user.ID, orgEvent(audit.OrgJoinAsk, o.ID)))
	wantWinners(t, concurrently(10, func(int) error { return s.add(ctx, byManager(boss.ID), o, user.ID, plain) }), 1, authcore.ErrConflict)
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner, user.ID: plain})
	requests, err := s.Requests(ctx, o.ID, "", 10)
	must(t, err)
	same(t, "the requests", len(requests), 0)
	wantError(t, s.add(ctx, operator, o, newID(), plain), authcore.ErrNotFound)
	wantError(t, s.add(ctx, operator, newOrg("none"), user.ID, plain), authcore.ErrNotFound)
	same(t, "the trail", s.actions(ctx, t, o), []audit.Action{audit.OrgMemberAdd, audit.OrgJoinAsk, audit.OrgCreate})
}

// A session carries all memberships: there must never be more than fit.
func testMaxMemberships(ctx context.Context, t *testing.T, s Orgs) {
	user := s.user(ctx, t, "ada")
	for i := range authcore.MaxMemberships - 1 {
		o := newOrg(fmt.Sprint("org-", i))
		must(t, s.create(ctx, o, user.ID, 0))
	}
	orgs := make([]org.Org, 5)
	for i := range orgs {
		orgs[i], _ = s.org(ctx, t, fmt.Sprint("more-", i))
	}
	wantWinners(t, concurrently(len(orgs), func(i int) error { return s.add(ctx, operator, orgs[i], user.ID, plain) }), 1, org.ErrLimit)
	wantError(t, s.create(ctx, newOrg("last"), user.ID, 0), org.ErrLimit)
	same(t, "the memberships", len(s.slugs(ctx, t, user.ID)), authcore.MaxMemberships)
	gone, err := s.Find(ctx, "org-0", "")
	must(t, err)
	must(t, s.delete(ctx, operator, gone.Org))
	must(t, s.create(ctx, newOrg("last"), user.ID, 0))
}

func testSetRole(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	admin, user := s.member(ctx, t, o, "ada", manager), s.member(ctx, t, o, "grace", plain)
	must(t, s.setRole(ctx, byManager(admin.ID), o, user.ID, manager))
	for _, forbidden := range []error{
		s.setRole(ctx, byManager(admin.ID), o, user.ID, owner),  // a new owner
		s.setRole(ctx, byManager(admin.ID), o, admin.ID, owner), // oneself
		s.setRole(ctx, byManager(admin.ID), o, boss.ID, plain),  // one less
	} {
		wantError(t, forbidden, org.ErrForbidden)
	}
	wantError(t, s.setRole(ctx, byOwner(boss.ID), o, boss.ID, plain), org.ErrLastOwner)
	wantError(t, s.setRole(ctx, operator, o, boss.ID, plain), org.ErrLastOwner)
	wantError(t, s.setRole(ctx, operator, o, newID(), plain), authcore.ErrNotFound)
	same(t, "the roles", s.roles(ctx, t, o), map[string]string{boss.ID: owner, admin.ID: manager, user.ID: manager})
	must(t, s.setRole(ctx, byOwner(boss.ID), o, admin.ID, owner))
	must(t, s.setRole(ctx, byOwner(admin.ID), o, boss.ID, plain))
	wantError(t, s.setRole(ctx, byOwner(boss.ID), o, user.ID, plain), org.ErrForbidden)
	must(t, s.setRole(ctx, operator, o, boss.ID, owner))
}

func testRemoveMember(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	admin, user := s.member(ctx, t, o, "ada", manager), s.member(ctx, t, o, "grace", plain)
	wantError(t, s.remove(ctx, byManager(admin.ID), o, boss.ID), org.ErrForbidden)
	wantError(t, s.remove(ctx, byManager(user.ID), o, admin.ID), org.ErrForbidden)
	wantError(t, s.remove(ctx, operator, o, newID()), authcore.ErrNotFound)
	wantError(t, s.remove(ctx, byManager(boss.ID), o, boss.ID), org.ErrLastOwner)
	must(t, s.remove(ctx, byManager(user.ID), o, user.ID)) // everybody may leave
	wantError(t, s.remove(ctx, byManager(user.ID), o, user.ID), authcore.ErrNotFound)
	same(t, "the memberships", len(s.slugs(ctx, t, user.ID)), 0)
	must(t, s.remove(ctx, byManager(boss.ID), o, admin.ID))
	same(t, "the roles", s.roles(ctx, t, o), map[string]string{boss.ID: owner})
	must(t, s.add(ctx, operator, o, user.ID, owner))
	must(t, s.remove(ctx, byManager(user.ID), o, boss.ID))
}

// testForeignOrgs shows that whoever belongs to one organization has no say in
// another, whatever their role.
func testForeignOrgs(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	_, eve := s.org(ctx, t, "other")
	for name, err := range s.changes(ctx, t, o, boss, func(roles ...string) org.Authority { return org.Authority{UserID: eve.ID, Roles: roles} }) {
		if !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("%s: error is %v, want %v", name, err, authcore.ErrNotFound)
		}
	}
	same(t, "the roles", s.roles(ctx, t, o), map[string]string{boss.ID: owner})
	_, err := s.Find(ctx, "acme", eve.ID)
	wantError(t, err, authcore.ErrNotFound)
}
