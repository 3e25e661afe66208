package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/org"
)

func testTransfer(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	admin := s.member(ctx, t, o, "ada", manager)
	transfer := func(by org.Authority, to string) error {
		return s.Transfer(ctx, by, o.ID, to, owner, manager, orgEvent(audit.OrgRoleChange, o.ID), laterJob())
	}
	wantError(t, transfer(byOwner(admin.ID), admin.ID), org.ErrForbidden)
	wantError(t, transfer(byManager(admin.ID), admin.ID), org.ErrForbidden)
	wantError(t, transfer(byOwner(boss.ID), newID()), authcore.ErrNotFound)
	same(t, "the roles", s.roles(ctx, t, o), map[string]string{boss.ID: owner, admin.ID: manager})
	must(t, transfer(byOwner(boss.ID), boss.ID))
	must(t, transfer(byOwner(boss.ID), admin.ID))
	same(t, "the roles", s.roles(ctx, t, o), map[string]string{boss.ID: manager, admin.ID: owner})
	_, err := s.Accounts.SetDisabled(ctx, boss.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	wantError(t, transfer(byOwner(admin.ID), boss.ID), org.ErrLastOwner)
	wantError(t, transfer(operator, boss.ID), org.ErrLastOwner)
	second, third := s.member(ctx, t, o, "grace", owner), s.member(ctx, t, o, "eve", plain)
	s.invite(ctx, t, o, second, "bob", owner)
	wantError(t, transfer(operator, newID()), authcore.ErrNotFound)
	must(t, transfer(operator, third.ID))
	same(t, "the roles", s.roles(ctx, t, o), map[string]string{boss.ID: manager, admin.ID: manager, second.ID: manager, third.ID: owner})
	open, err := s.Invitations(ctx, o.ID, now())
	must(t, err)
	same(t, "what they have invited to", len(open), 0)
	must(t, transfer(operator, third.ID)) // who owns it alone already
	same(t, "the roles", s.roles(ctx, t, o)[third.ID], owner)
}

// testOwnersThatCount shows that an owner who cannot sign in is no owner that an
// organization could be left to.
func testOwnersThatCount(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	disabled, leaving := s.member(ctx, t, o, "ada", owner), s.member(ctx, t, o, "grace", owner)
	s.hold(ctx, t, disabled, leaving)
	wantError(t, s.remove(ctx, byOwner(boss.ID), o, boss.ID), org.ErrLastOwner)
	wantError(t, s.setRole(ctx, byOwner(boss.ID), o, boss.ID, manager), org.ErrLastOwner)
	must(t, s.remove(ctx, byOwner(boss.ID), o, disabled.ID))
	must(t, s.Deletions.CancelDeletion(ctx, leaving.ID, newEvent(audit.DeletionCancel)))
	must(t, s.remove(ctx, byOwner(boss.ID), o, boss.ID))
}

// testSoleOwner shows which accounts organizations need, so that they cannot be
// deleted.
func testSoleOwner(ctx context.Context, t *testing.T, s Orgs) {
	needed := func(user authcore.User) (slugs []string) {
		user = s.current(ctx, t, user)
		var sole *deletion.SoleOwnerError
		if err := s.schedule(ctx, user); !errors.As(err, &sole) {
			must(t, err)
			must(t, s.Deletions.CancelDeletion(ctx, user.ID, newEvent(audit.DeletionCancel)))
			return nil
		}
		for _, o := range sole.Orgs {
			slugs = append(slugs, o.Slug)
		}
		same(t, "what an operator is told", s.deleteAccount(ctx, user.ID, deletion.Hard).Error(), "deleting an account: "+sole.Error())
		return slugs
	}
	o, boss := s.org(ctx, t, "beta")
	same(t, "alone", len(needed(boss)), 0)
	admin := s.member(ctx, t, o, "ada", manager)
	alpha := newOrg("alpha")
	must(t, s.create(ctx, alpha, boss.ID, 0))
	s.member(ctx, t, alpha, "bob", plain)
	same(t, "with others", needed(boss), []string{"alpha", "beta"})
	same(t, "no owner", len(needed(admin)), 0)
	disabled, leaving := s.member(ctx, t, o, "eve", owner), s.member(ctx, t, o, "grace", owner)
	same(t, "with other owners", needed(boss), []string{"alpha"})
	s.hold(ctx, t, disabled, leaving)
	same(t, "with owners that do not count", needed(boss), []string{"alpha", "beta"})
	must(t, s.delete(ctx, operator, alpha))
	same(t, "less one", needed(boss), []string{"beta"})
	must(t, s.setRole(ctx, operator, o, admin.ID, owner))
	must(t, s.schedule(ctx, s.current(ctx, t, boss)))
	wantError(t, s.remove(ctx, byOwner(admin.ID), o, admin.ID), org.ErrLastOwner)
	wantError(t, s.setRole(ctx, byOwner(admin.ID), o, admin.ID, plain), org.ErrLastOwner)
	wantError(t, s.Transfer(ctx, byOwner(admin.ID), o.ID, boss.ID, owner, plain, orgEvent(audit.OrgRoleChange, o.ID)), org.ErrLastOwner)
	must(t, s.Deletions.CancelDeletion(ctx, boss.ID, newEvent(audit.DeletionCancel)))
	must(t, s.remove(ctx, byOwner(admin.ID), o, admin.ID))
}

// testMaxOwned shows that nobody comes to own more than one may, however that is, and
// at once; operators are free of it.
func testMaxOwned(ctx context.Context, t *testing.T, s Orgs) {
	user := s.user(ctx, t, "ada")
	personal := newOrg("own")
	personal.PersonalOf = user.ID
	must(t, s.create(ctx, personal, user.ID, 0))
	must(t, s.create(ctx, newOrg("first"), user.ID, 2))
	limited := func(boss authcore.User) org.Authority {
		return org.Authority{UserID: boss.ID, Roles: []string{owner}, MaxOwned: 2}
	}
	ways := []func(o org.Org, by org.Authority) error{
		func(o org.Org, by org.Authority) error { return s.add(ctx, by, o, user.ID, owner) },
		func(o org.Org, by org.Authority) error { return s.setRole(ctx, by, o, user.ID, owner) },
		func(o org.Org, by org.Authority) error {
			return s.Transfer(ctx, by, o.ID, user.ID, owner, manager, orgEvent(audit.OrgRoleChange, o.ID))
		},
		func(o org.Org, by org.Authority) error {
			in := newInvitation(o, "ada", owner)
			if err := s.Invite(ctx, by, in, owner, org.Quota{}, orgEvent(audit.OrgInvite, o.ID)); err != nil {
				return err
			}
			return s.Accept(ctx, in, user.ID, owner, by.MaxOwned, orgEvent(audit.OrgInviteAccept, o.ID))
		},
	}
	orgs, bosses := make([]org.Org, len(ways)), make([]authcore.User, len(ways))
	for i := range ways {
		orgs[i], bosses[i] = s.org(ctx, t, fmt.Sprint("acme-", i))
		if i == 1 || i == 2 {
			must(t, s.add(ctx, operator, orgs[i], user.ID, plain))
		}
	}
	wantWinners(t, concurrently(len(ways), func(i int) error { return ways[i](orgs[i], limited(bosses[i])) }), 1, org.ErrLimit)
	for i, o := range orgs {
		if s.owners(ctx, t, o, user) == 0 {
			must(t, ways[i](o, operator))
		}
	}
	wantError(t, s.create(ctx, newOrg("another"), user.ID, 2), org.ErrLimit)
	must(t, s.setRole(ctx, limited(user), orgs[0], user.ID, plain)) // less is no more
}

// testPersonalStays shows that a personal workspace stays its user's, whoever else
// belongs to it.
func testPersonalStays(ctx context.Context, t *testing.T, s Orgs) {
	user := s.user(ctx, t, "ada")
	home := newOrg("home")
	home.PersonalOf = user.ID
	must(t, s.create(ctx, home, user.ID, 0))
	guest := s.member(ctx, t, home, "bob", owner)
	for name, by := range map[string]org.Authority{"the user": byOwner(user.ID), "another owner": byOwner(guest.ID), "an operator": operator} {
		for deed, err := range map[string]error{
			"demoted": s.setRole(ctx, by, home, user.ID, manager),
			"removed": s.remove(ctx, by, home, user.ID),
		} {
			if !errors.Is(err, org.ErrForbidden) {
				t.Errorf("%s by %s: %v", deed, name, err)
			}
		}
	}
	wantError(t, s.Transfer(ctx, byOwner(user.ID), home.ID, guest.ID, owner, manager, orgEvent(audit.OrgRoleChange, home.ID)), org.ErrForbidden)
	same(t, "the roles", s.roles(ctx, t, home), map[string]string{user.ID: owner, guest.ID: owner})
	must(t, s.remove(ctx, byOwner(guest.ID), home, guest.ID)) // who is at home elsewhere
}
