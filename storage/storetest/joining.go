package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

// testAdmit lets in who asks, once, and nobody who does not ask or was refused.
func testAdmit(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	ada, bob := s.user(ctx, t, "ada"), s.user(ctx, t, "bob")
	admit := func(by org.Authority, userID, role string) error {
		return s.Admit(ctx, by, o.ID, userID, role, owner, orgEvent(audit.OrgMemberAdd, o.ID).Of(userID), laterJob())
	}
	must(t, s.Ask(ctx, o.ID, ada.ID, orgEvent(audit.OrgJoinAsk, o.ID)))
	wantError(t, admit(byManager(boss.ID), bob.ID, plain), authcore.ErrNotFound)
	wantError(t, admit(byManager(bob.ID), ada.ID, plain), authcore.ErrNotFound) // no member
	admin := s.member(ctx, t, o, "grace", manager)
	wantError(t, admit(byManager(admin.ID), ada.ID, owner), org.ErrForbidden)
	wantWinners(t, concurrently(10, func(int) error { return admit(byManager(boss.ID), ada.ID, plain) }), 1, authcore.ErrNotFound)
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner, admin.ID: manager, ada.ID: plain})
	must(t, s.Ask(ctx, o.ID, bob.ID, orgEvent(audit.OrgJoinAsk, o.ID)))
	wantWinners(t, concurrently(2, func(i int) error {
		if i == 0 {
			return admit(byManager(boss.ID), bob.ID, plain)
		}
		return s.Refuse(ctx, byManager(boss.ID), o.ID, bob.ID, orgEvent(audit.OrgJoinRefuse, o.ID))
	}), 1, authcore.ErrNotFound)
}

// testJoin lets in by a domain as it is when the membership is made.
func testJoin(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	d := newDomain(o, "example.com")
	d.Ask = false
	must(t, s.AddDomain(ctx, operator, d, 0, orgEvent(audit.OrgDomainAdd, o.ID)))
	ada, unproven, elsewhere := s.user(ctx, t, "ada"), newUser("unproven"), newUser("bob")
	unproven.EmailVerifiedAt = time.Time{}
	elsewhere.Email, elsewhere.EmailKey = "bob@sub.example.com", "bob@sub.example.com"
	for _, u := range []authcore.User{unproven, elsewhere} {
		must(t, s.Accounts.Create(ctx, u, "hash", newEvent(audit.UserCreate).Of(u.ID)))
	}
	join := func(d org.Domain, userID string) error {
		return s.Join(ctx, d, userID, orgEvent(audit.OrgMemberAdd, d.OrgID).Of(userID), laterJob())
	}
	wantError(t, join(d, ada.ID), authcore.ErrNotFound) // not proven
	must(t, s.verify(ctx, o, "example.com"))
	elsewhereToo, asking, stronger := d, d, d
	elsewhereToo.OrgID, asking.Ask, stronger.Role = other.ID, true, manager
	for _, changed := range []org.Domain{elsewhereToo, asking, stronger} {
		wantError(t, join(changed, ada.ID), authcore.ErrNotFound)
	}
	for _, id := range []string{unproven.ID, elsewhere.ID, newID()} {
		wantError(t, join(d, id), authcore.ErrNotFound)
	}
	must(t, s.Ask(ctx, o.ID, ada.ID, orgEvent(audit.OrgJoinAsk, o.ID)))
	must(t, join(d, ada.ID))
	wantError(t, join(d, ada.ID), authcore.ErrConflict)
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner, ada.ID: plain})
	requests, err := s.Requests(ctx, o.ID, "", 10)
	must(t, err)
	same(t, "the requests", len(requests), 0)
}
