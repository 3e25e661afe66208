package storetest

import (
	"context"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
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
	must(t, transfer(operator, boss.ID))
	same(t, "the roles", s.roles(ctx, t, o), map[string]string{boss.ID: owner, admin.ID: owner})
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

func testSoleOwner(ctx context.Context, t *testing.T, s Orgs) {
	sole := func(userID string) (slugs []string) {
		orgs, err := s.SoleOwnerOf(ctx, userID, owner)
		must(t, err)
		for _, o := range orgs {
			slugs = append(slugs, o.Slug)
		}
		return slugs
	}
	o, boss := s.org(ctx, t, "beta")
	same(t, "alone", len(sole(boss.ID)), 0)
	s.member(ctx, t, o, "ada", manager)
	alpha := newOrg("alpha")
	must(t, s.create(ctx, alpha, boss.ID, 0))
	s.member(ctx, t, alpha, "bob", plain)
	same(t, "with others", sole(boss.ID), []string{"alpha", "beta"})
	disabled, leaving := s.member(ctx, t, o, "eve", owner), s.member(ctx, t, o, "grace", owner)
	same(t, "with other owners", sole(boss.ID), []string{"alpha"})
	s.hold(ctx, t, disabled, leaving)
	same(t, "with owners that do not count", sole(boss.ID), []string{"alpha", "beta"})
	must(t, s.delete(ctx, operator, alpha))
	same(t, "less one", sole(boss.ID), []string{"beta"})
	same(t, "of a stranger", len(sole(newID())), 0)
}
