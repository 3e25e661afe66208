package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/token"
)

// OrgAuthority tests who may change an organization, and what is left of it when
// its members go, all at once and from several nodes.
func OrgAuthority(t *testing.T, open func(testing.TB) Orgs) {
	cases(t, open, map[string]func(context.Context, *testing.T, Orgs){
		"role":                     testAuthority,
		"demoted at once":          testDemotedRace,
		"last owners at once":      testLastOwnerRace,
		"owners go at once":        testOwnersGoAtOnce,
		"account deleted":          testDeleteMember,
		"accounts deleted at once": testDeleteMembersRace,
		"deleted, added at once":   testDeleteAddRace,
	})
}

// changes tries everything that needs an authority, in the name of one that is made
// of roles, and returns what came of it.
func (s Orgs) changes(ctx context.Context, t *testing.T, o org.Org, other authcore.User, by func(roles ...string) org.Authority) map[string]error {
	t.Helper()
	owners, managers, newcomer := by(owner), by(owner, manager), s.user(ctx, t, "newcomer")
	asking, waiting := s.user(ctx, t, "asking"), s.user(ctx, t, "waiting")
	for _, user := range []authcore.User{asking, waiting} {
		must(t, s.Ask(ctx, o.ID, user.ID, orgEvent(audit.OrgJoinAsk, o.ID)))
	}
	pending := s.invite(ctx, t, o, authcore.User{}, "pending", plain)
	must(t, s.addDomain(ctx, o, "example.com"))
	renamed := o
	renamed.Name = "Taken over"
	return map[string]error{
		"change":        s.change(ctx, owners, renamed),
		"delete":        s.delete(ctx, owners, o),
		"add":           s.add(ctx, managers, o, newcomer.ID, plain),
		"set role":      s.setRole(ctx, managers, o, other.ID, plain),
		"remove":        s.remove(ctx, managers, o, other.ID),
		"transfer":      s.Transfer(ctx, owners, o.ID, other.ID, owner, plain, orgEvent(audit.OrgRoleChange, o.ID)),
		"invite":        s.Invite(ctx, managers, newInvitation(o, "newcomer", plain), owner, org.Quota{}, orgEvent(audit.OrgInvite, o.ID)),
		"renew":         s.Renew(ctx, managers, pending, owner, org.Quota{}, orgEvent(audit.OrgInviteRenew, o.ID)),
		"revoke":        s.Revoke(ctx, managers, o.ID, pending.ID, orgEvent(audit.OrgInviteRevoke, o.ID)),
		"add domain":    s.AddDomain(ctx, owners, newDomain(o, "example.org"), 0, orgEvent(audit.OrgDomainAdd, o.ID)),
		"mail proof":    s.MailProof(ctx, owners, o.ID, domainToken(o, "example.com"), org.Quota{}, orgEvent(audit.OrgDomainAdd, o.ID), laterJob()),
		"verify domain": s.VerifyDomain(ctx, owners, o.ID, "example.com", nil, orgEvent(audit.OrgDomainVerify, o.ID)),
		"remove domain": s.RemoveDomain(ctx, owners, o.ID, "example.com", orgEvent(audit.OrgDomainRemove, o.ID)),
		"admit":         s.Admit(ctx, managers, o.ID, waiting.ID, plain, owner, orgEvent(audit.OrgMemberAdd, o.ID)),
		"refuse":        s.Refuse(ctx, managers, o.ID, asking.ID, orgEvent(audit.OrgJoinRefuse, o.ID)),
	}
}

func testAuthority(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	user := s.member(ctx, t, o, "ada", plain)
	before := s.roles(ctx, t, o)
	for name, err := range s.changes(ctx, t, o, boss, func(roles ...string) org.Authority { return org.Authority{UserID: user.ID, Roles: roles} }) {
		if !errors.Is(err, org.ErrForbidden) {
			t.Errorf("%s: error is %v, want %v", name, err, org.ErrForbidden)
		}
	}
	same(t, "the roles", s.roles(ctx, t, o), before)
	got, err := s.Find(ctx, "acme", boss.ID)
	must(t, err)
	same(t, "the organization", got.Org, o)
	must(t, s.change(ctx, org.Authority{UserID: user.ID}, o)) // no roles are any role
}

// testDemotedRace overlaps changes by an owner with the demotion: once that has
// returned, none can succeed any more.
func testDemotedRace(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	demoted := s.member(ctx, t, o, "ada", owner)
	errs := concurrently(20, func(i int) error {
		if i == 10 {
			return s.setRole(ctx, byOwner(boss.ID), o, demoted.ID, plain)
		}
		renamed := o
		renamed.Name = fmt.Sprint("name ", i)
		node := s
		if i%2 == 0 {
			node.OrgStore = s.Node
		}
		return node.change(ctx, byOwner(demoted.ID), renamed)
	})
	must(t, errs[10])
	for _, err := range errs {
		if err != nil {
			wantError(t, err, org.ErrForbidden)
		}
	}
	wantError(t, s.change(ctx, byOwner(demoted.ID), o), org.ErrForbidden)
}

// testLastOwnerRace removes and demotes the last two owners, by each other, by
// themselves and by an operator, and has them delete their accounts, on two nodes:
// one of them stays.
func testLastOwnerRace(ctx context.Context, t *testing.T, s Orgs) {
	for round := range 3 {
		o, first := s.org(ctx, t, fmt.Sprint("acme-", round))
		second := s.member(ctx, t, o, fmt.Sprint("second-", round), owner)
		s.member(ctx, t, o, fmt.Sprint("third-", round), plain)
		pair := []authcore.User{first, second}
		errs := concurrently(50, func(i int) error {
			node := s
			if i%2 == 0 {
				node.OrgStore = s.Node
			}
			concerned := pair[i/2%2]
			by := []org.Authority{byOwner(first.ID), byOwner(second.ID), operator}[i%3]
			change := func() error { return node.remove(ctx, by, o, concerned.ID) }
			switch i / 4 % 3 {
			case 0:
				change = func() error { return node.setRole(ctx, by, o, concerned.ID, plain) }
			case round: // in the first round, accounts stay
				change = func() error { return s.schedule(ctx, concerned) }
			}
			return insist(change)
		})
		for _, err := range errs {
			wantRefusal(t, err)
		}
		if owners := s.owners(ctx, t, o, pair...); owners != 1 {
			t.Errorf("%d owners are left, want 1", owners)
		}
	}
}

// insist repeats a change that the database was too busy for: a queue of fifty may be
// longer than the deadline of a call.
func insist(change func() error) error {
	for {
		if err := change(); !isUnavailable(err) {
			return err
		}
	}
}

// wantRefusal reports an error that is none of those of whoever comes too late.
func wantRefusal(t *testing.T, err error) {
	t.Helper()
	var sole *deletion.SoleOwnerError
	if err != nil && !errors.As(err, &sole) && !errors.Is(err, org.ErrLastOwner) && !errors.Is(err, org.ErrForbidden) &&
		!errors.Is(err, authcore.ErrNotFound) && !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("unexpected error: %v", err)
	}
}

// testOwnersGoAtOnce has one owner delete the account while the other does, leaves, or
// passes the organization on to the first: it keeps one who counts. Each owns several,
// which are locked in one order.
func testOwnersGoAtOnce(ctx context.Context, t *testing.T, s Orgs) {
	for round := range 12 {
		var orgs []org.Org
		a, b := s.user(ctx, t, fmt.Sprint("a-", round)), s.user(ctx, t, fmt.Sprint("b-", round))
		c := s.user(ctx, t, fmt.Sprint("c-", round))
		for n := range 3 {
			o := newOrg(fmt.Sprintf("acme-%d-%d", round, n))
			must(t, s.create(ctx, o, []string{a.ID, b.ID}[n%2], 0))
			must(t, s.add(ctx, operator, o, []string{b.ID, a.ID}[n%2], owner))
			must(t, s.add(ctx, operator, o, c.ID, plain))
			orgs = append(orgs, o)
		}
		others := []func() error{
			func() error { return s.schedule(ctx, b) },
			func() error { return s.remove(ctx, byOwner(b.ID), orgs[2], b.ID) },
			func() error { return s.setRole(ctx, byOwner(b.ID), orgs[1], b.ID, plain) },
			func() error {
				return s.Transfer(ctx, byOwner(b.ID), orgs[0].ID, a.ID, owner, plain, orgEvent(audit.OrgRoleChange, orgs[0].ID))
			},
		}
		if round%4 == 3 { // a is made owner while the account goes
			must(t, s.setRole(ctx, operator, orgs[0], a.ID, plain))
		}
		for _, err := range concurrently(2, func(i int) error {
			return insist([]func() error{func() error { return s.schedule(ctx, a) }, others[round%4]}[i])
		}) {
			wantRefusal(t, err)
		}
		for _, o := range orgs {
			if s.owners(ctx, t, o, a, b) == 0 {
				t.Errorf("round %d: %s has no owner who counts", round, o.Slug)
			}
		}
	}
}

func testDeleteMember(ctx context.Context, t *testing.T, s Orgs) {
	for i, mode := range []deletion.Mode{deletion.Soft, deletion.Anonymize, deletion.Hard} {
		shared, boss := s.org(ctx, t, fmt.Sprint("shared-", i))
		gone := s.member(ctx, t, shared, fmt.Sprint("ada-", i), manager)
		own, asked := newOrg(fmt.Sprint("own-", i)), newOrg(fmt.Sprint("asked-", i))
		must(t, s.create(ctx, own, gone.ID, 0))
		must(t, s.create(ctx, asked, "", 0))
		must(t, s.Ask(ctx, asked.ID, gone.ID, orgEvent(audit.OrgJoinAsk, asked.ID)))
		invited := s.invite(ctx, t, shared, gone, fmt.Sprint("bob-", i), plain)
		must(t, s.deleteAccount(ctx, gone.ID, mode))
		same(t, "the members", s.roles(ctx, t, shared), map[string]string{boss.ID: owner})
		same(t, "the memberships", len(s.slugs(ctx, t, gone.ID)), 0)
		_, err := s.Find(ctx, own.Slug, "")
		wantError(t, err, authcore.ErrNotFound)
		requests, err := s.Requests(ctx, asked.ID, "", 10)
		must(t, err)
		same(t, "the requests", len(requests), 0)
		got, _, err := s.Invitation(ctx, invited.Hash, "", now())
		must(t, err)
		same(t, "the invitation", got.State, org.Revoked) // its author may have been a thief
		same(t, "the last event", s.actions(ctx, t, shared)[0], audit.OrgMemberRemove)
		leaving := s.member(ctx, t, shared, fmt.Sprint("mia-", i), manager)
		offered := s.invite(ctx, t, shared, leaving, fmt.Sprint("zoe-", i), plain)
		must(t, s.schedule(ctx, leaving))
		same(t, "the invitation of who is leaving", s.state(ctx, t, offered, now()), org.Revoked)
		same(t, "the last events", s.actions(ctx, t, own)[:2], []audit.Action{audit.OrgDelete, audit.OrgMemberRemove})
		wantError(t, s.add(ctx, operator, shared, gone.ID, plain), authcore.ErrNotFound)
		_, err = s.Find(ctx, asked.Slug, "")
		must(t, err) // it had no member before either
	}
}

// The last two members go at once: nobody is left to delete what they leave.
func testDeleteMembersRace(ctx context.Context, t *testing.T, s Orgs) {
	for i := range 5 {
		var orgs []org.Org
		a, b := s.user(ctx, t, fmt.Sprint("a-", i)), s.user(ctx, t, fmt.Sprint("b-", i))
		for n := range 4 {
			o := newOrg(fmt.Sprintf("acme-%d-%d", i, n))
			must(t, s.create(ctx, o, a.ID, 0))
			must(t, s.add(ctx, operator, o, b.ID, owner))
			orgs = append(orgs, o)
		}
		must(t, errors.Join(concurrently(2, func(n int) error {
			return s.deleteAccount(ctx, []string{a.ID, b.ID}[n], deletion.Hard)
		})...))
		for _, o := range orgs {
			_, err := s.Find(ctx, o.Slug, "")
			wantError(t, err, authcore.ErrNotFound)
		}
	}
}

// Whoever is deleted while they are made a member does not become one.
func testDeleteAddRace(ctx context.Context, t *testing.T, s Orgs) {
	for i := range 5 {
		o, boss := s.org(ctx, t, fmt.Sprint("acme-", i))
		user := s.user(ctx, t, fmt.Sprint("ada-", i))
		errs := concurrently(2, func(n int) error {
			if n == 0 {
				return s.add(ctx, byOwner(boss.ID), o, user.ID, owner)
			}
			return s.deleteAccount(ctx, user.ID, deletion.Soft)
		})
		must(t, errs[1])
		if errs[0] != nil {
			wantError(t, errs[0], authcore.ErrNotFound)
		}
		same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner})
	}
}

func domainToken(o org.Org, name string) token.Token {
	_, t := token.New(token.OrgDomain, "", now(), time.Hour)
	t.Address = o.ID + " " + name
	return t
}
