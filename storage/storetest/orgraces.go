package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	asking := s.user(ctx, t, "asking")
	must(t, s.Ask(ctx, o.ID, asking.ID, orgEvent(audit.OrgJoinAsk, o.ID)))
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
// themselves and by an operator, on two nodes: one of them stays.
func testLastOwnerRace(ctx context.Context, t *testing.T, s Orgs) {
	for round := range 3 {
		o, first := s.org(ctx, t, fmt.Sprint("acme-", round))
		second := s.member(ctx, t, o, fmt.Sprint("second-", round), owner)
		pair := []string{first.ID, second.ID}
		errs := concurrently(50, func(i int) error {
			node := s
			if i%2 == 0 {
				node.OrgStore = s.Node
			}
			concerned := pair[i/2%2]
			by := []org.Authority{byOwner(first.ID), byOwner(second.ID), operator}[i%3]
			change := func() error { return node.remove(ctx, by, o, concerned) }
			if i/4%2 == 0 {
				change = func() error { return node.setRole(ctx, by, o, concerned, plain) }
			}
			for {
				err := change()
				// A queue of fifty may be longer than the deadline of a call.
				if !isUnavailable(err) {
					return err
				}
			}
		})
		for _, err := range errs {
			if err != nil && !errors.Is(err, org.ErrLastOwner) && !errors.Is(err, org.ErrForbidden) && !errors.Is(err, authcore.ErrNotFound) {
				t.Errorf("unexpected error: %v", err)
			}
		}
		left := slices.Collect(maps.Values(s.roles(ctx, t, o)))
		owners := slices.DeleteFunc(left, func(role string) bool { return role != owner })
		if len(owners) != 1 {
			t.Errorf("%d owners are left, want 1", len(owners))
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
		same(t, "the invitation", got.State, org.Pending)
		same(t, "the last event", s.actions(ctx, t, shared)[0], audit.OrgMemberRemove)
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
