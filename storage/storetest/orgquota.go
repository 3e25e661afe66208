package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

func testQuota(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	admin := s.member(ctx, t, o, "admin", manager)
	q := org.Quota{PerUser: 2, PerOrg: 3, Since: now().Add(-time.Hour)}
	invite := func(by authcore.User, o org.Org, name string, q org.Quota) error {
		return s.Invite(ctx, org.Authority{UserID: by.ID}, newInvitation(o, name, plain), owner, q, orgEvent(audit.OrgInvite, o.ID))
	}
	in := newInvitation(o, "ada", plain)
	must(t, s.Invite(ctx, byManager(boss.ID), in, owner, q, orgEvent(audit.OrgInvite, o.ID)))
	renew := func(by authcore.User) error {
		hash := newHash()
		in.Hash = hash[:]
		return s.Renew(ctx, byManager(by.ID), in, owner, q, orgEvent(audit.OrgInviteRenew, o.ID))
	}
	must(t, renew(boss)) // a letter is a letter
	wantError(t, renew(boss), org.ErrLimit)
	wantError(t, invite(boss, o, "bob", q), org.ErrLimit)
	must(t, invite(admin, o, "bob", q))
	wantError(t, invite(admin, o, "eve", q), org.ErrLimit) // of the organization
	wantError(t, invite(authcore.User{}, o, "eve", q), org.ErrLimit)
	must(t, invite(authcore.User{}, o, "eve", org.Quota{}))
	second := newOrg("second")
	must(t, s.create(ctx, second, boss.ID, 0))
	wantError(t, invite(boss, second, "bob", q), org.ErrLimit) // of the user
	must(t, s.delete(ctx, operator, o))
	wantError(t, invite(boss, second, "bob", q), org.ErrLimit) // also then
	q.Since = now().Add(time.Second)
	must(t, invite(boss, second, "bob", q))
}

func testQuotaRace(ctx context.Context, t *testing.T, s Orgs) {
	first, boss := s.org(ctx, t, "first")
	second := newOrg("second")
	must(t, s.create(ctx, second, boss.ID, 0))
	q := org.Quota{PerUser: 5, Since: now().Add(-time.Hour)}
	wantWinners(t, concurrently(20, func(i int) error {
		o := []org.Org{first, second}[i%2]
		return s.Invite(ctx, byOwner(boss.ID), newInvitation(o, fmt.Sprint("user", i), plain), owner, q, orgEvent(audit.OrgInvite, o.ID))
	}), 5, org.ErrLimit)
}
