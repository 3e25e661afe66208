package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Invitations tests org.Invitations.
func Invitations(t *testing.T, open func(testing.TB) Orgs) {
	cases(t, open, map[string]func(context.Context, *testing.T, Orgs){
		"accept":            testAccept,
		"accepted at once":  testAcceptRace,
		"not any more":      testVoidInvitation,
		"another's":         testOthersInvitation,
		"member already":    testInviteMember,
		"owners":            testInviteOwner,
		"in place":          testInviteAgain,
		"renew":             testRenew,
		"owners' offers":    testOwnersOffers,
		"lists":             testListInvitations,
		"new account":       testAcceptNew,
		"new account, once": testAcceptNewRace,
		"refusals":          testRefusals,
		"quota":             testQuota,
		"quota, at once":    testQuotaRace,
	})
}

func newInvitation(o org.Org, name, role string) org.Invitation {
	hash := newHash()
	return org.Invitation{
		ID: newID(), OrgID: o.ID, Email: name + "@Example.com", EmailKey: name + "@example.com", Role: role, Hash: hash[:],
		CreatedAt: now(), ExpiresAt: now().Add(time.Hour), State: org.Pending,
	}
}

// invite invites by a member, or by an operator when the account is none.
func (s Orgs) invite(ctx context.Context, t testing.TB, o org.Org, by authcore.User, name, role string) org.Invitation {
	t.Helper()
	in := newInvitation(o, name, role)
	in.InvitedBy = by.ID
	must(t, s.Invite(ctx, org.Authority{UserID: by.ID}, in, owner, org.Quota{}, orgEvent(audit.OrgInvite, o.ID), laterJob()))
	return in
}

func (s Orgs) accept(ctx context.Context, in org.Invitation, userID string) error {
	return s.Accept(ctx, in, userID, owner, 0, orgEvent(audit.OrgInviteAccept, in.OrgID).Of(userID), laterJob())
}

// acceptLate is accept on a node whose clock is slow.
func (s Orgs) acceptLate(ctx context.Context, in org.Invitation, userID string) error {
	event := orgEvent(audit.OrgInviteAccept, in.OrgID)
	event.At = event.At.Add(-time.Minute)
	return s.Accept(ctx, in, userID, owner, 0, event)
}

// state reads an invitation at a time.
func (s Orgs) state(ctx context.Context, t testing.TB, in org.Invitation, at time.Time) org.InvitationState {
	t.Helper()
	got, _, err := s.Invitation(ctx, in.Hash, "", at)
	must(t, err)
	return got.State
}

func testAccept(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	in := s.invite(ctx, t, o, boss, "ada", manager)
	byHash, of, err := s.Invitation(ctx, in.Hash, "", now())
	must(t, err)
	same(t, "the invitation", byHash, in)
	same(t, "its organization", of, o)
	byID, _, err := s.Invitation(ctx, nil, in.ID, now())
	must(t, err)
	same(t, "the invitation by id", byID, in)
	for _, look := range []struct {
		hash []byte
		id   string
	}{{[]byte{}, in.ID}, {nil, ""}, {[]byte("other"), ""}, {nil, newID()}} {
		_, _, err := s.Invitation(ctx, look.hash, look.id, now())
		wantError(t, err, authcore.ErrNotFound)
	}
	user := s.user(ctx, t, "ada")
	before, err := s.Queue.Counts(ctx)
	must(t, err)
	in.Role = owner // what is stored counts
	must(t, s.accept(ctx, in, user.ID))
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner, user.ID: manager})
	same(t, "the state", s.state(ctx, t, in, now()), org.Accepted)
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: before.Waiting + 1})
	must(t, s.remove(ctx, operator, o, user.ID))
	wantError(t, s.accept(ctx, in, user.ID), authcore.ErrNotFound) // used up
	wantError(t, s.acceptLate(ctx, in, user.ID), authcore.ErrNotFound)
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner})
}

func testAcceptRace(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	in, user := s.invite(ctx, t, o, boss, "ada", plain), s.user(ctx, t, "ada")
	wantWinners(t, concurrently(20, func(i int) error {
		node := s
		if i%2 == 0 {
			node.OrgStore = s.Node
		}
		return node.accept(ctx, in, user.ID)
	}), 1, authcore.ErrNotFound)
	same(t, "the members", len(s.roles(ctx, t, o)), 2)
	same(t, "the trail", s.actions(ctx, t, o), []audit.Action{audit.OrgInviteAccept, audit.OrgInvite, audit.OrgCreate})
}

func testVoidInvitation(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	user := s.user(ctx, t, "ada")
	revoke := func(by org.Authority, o org.Org, in org.Invitation) error {
		return s.Revoke(ctx, by, o.ID, in.ID, orgEvent(audit.OrgInviteRevoke, o.ID))
	}
	in := s.invite(ctx, t, o, boss, "ada", plain)
	wantError(t, revoke(operator, other, in), authcore.ErrNotFound)
	must(t, revoke(byManager(boss.ID), o, in))
	wantError(t, revoke(byManager(boss.ID), o, in), authcore.ErrNotFound)
	same(t, "the state", s.state(ctx, t, in, now()), org.Revoked)
	wantError(t, s.accept(ctx, in, user.ID), authcore.ErrNotFound)
	wantError(t, s.acceptLate(ctx, in, user.ID), authcore.ErrNotFound)
	late := newInvitation(o, "ada", plain)
	late.ExpiresAt = now().Add(-time.Second)
	must(t, s.Invite(ctx, operator, late, owner, org.Quota{}, orgEvent(audit.OrgInvite, o.ID)))
	same(t, "the state", s.state(ctx, t, late, now()), org.Expired)
	wantError(t, s.accept(ctx, late, user.ID), authcore.ErrNotFound)
	must(t, revoke(operator, o, late)) // nobody sends it again then
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner})
}

func testOthersInvitation(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	in, user, eve := s.invite(ctx, t, o, boss, "ada", plain), s.user(ctx, t, "ada"), s.user(ctx, t, "eve")
	wantError(t, s.accept(ctx, in, eve.ID), authcore.ErrNotFound)
	wantError(t, s.accept(ctx, in, newID()), authcore.ErrNotFound)
	elsewhere, old := in, in
	elsewhere.OrgID = other.ID
	wantError(t, s.accept(ctx, elsewhere, user.ID), authcore.ErrNotFound)
	old.Hash = make([]byte, 32)
	wantError(t, s.accept(ctx, old, user.ID), authcore.ErrNotFound)
	same(t, "the state", s.state(ctx, t, in, now()), org.Pending)
	must(t, s.accept(ctx, in, user.ID))
}

func testInviteMember(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	in := s.invite(ctx, t, o, boss, "ada", plain)
	user := s.member(ctx, t, o, "ada", manager) // by other means
	before := s.actions(ctx, t, o)
	wantError(t, s.accept(ctx, in, user.ID), authcore.ErrConflict)
	same(t, "the trail", s.actions(ctx, t, o), before)
	same(t, "the state", s.state(ctx, t, in, now()), org.Accepted)
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner, user.ID: manager})
	again := s.Invite(ctx, byManager(boss.ID), newInvitation(o, "ada", plain), owner, org.Quota{}, orgEvent(audit.OrgInvite, o.ID))
	wantError(t, again, authcore.ErrConflict)
	other, _ := s.org(ctx, t, "other")
	s.invite(ctx, t, other, authcore.User{}, "ada", plain) // it is a member of the one only
}

func testInviteOwner(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	admin := s.member(ctx, t, o, "ada", manager)
	invite := func(by org.Authority) error {
		return s.Invite(ctx, by, newInvitation(o, "grace", owner), owner, org.Quota{}, orgEvent(audit.OrgInvite, o.ID))
	}
	wantError(t, invite(byManager(admin.ID)), org.ErrForbidden)
	must(t, invite(byManager(boss.ID)))
	must(t, invite(operator))
}

func testInviteAgain(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	old, elsewhere := s.invite(ctx, t, o, boss, "ada", manager), s.invite(ctx, t, other, authcore.User{}, "ada", plain)
	errs := concurrently(10, func(int) error {
		return s.Invite(ctx, byManager(boss.ID), newInvitation(o, "ada", plain), owner, org.Quota{}, orgEvent(audit.OrgInvite, o.ID))
	})
	must(t, errors.Join(errs...))
	same(t, "the old one", s.state(ctx, t, old, now()), org.Revoked)
	same(t, "the other", s.state(ctx, t, elsewhere, now()), org.Pending)
	list, err := s.Invitations(ctx, o.ID, now())
	if err != nil || len(list) != 1 || list[0].Role != plain {
		t.Errorf("%+v, %v", list, err)
	}
}

func testRenew(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	in, user := s.invite(ctx, t, o, boss, "ada", plain), s.user(ctx, t, "ada")
	renewed, hash := in, newHash()
	renewed.Hash, renewed.ExpiresAt = hash[:], now().Add(48*time.Hour)
	renew := func(in org.Invitation) error {
		return s.Renew(ctx, byManager(boss.ID), in, owner, org.Quota{}, orgEvent(audit.OrgInviteRenew, o.ID), laterJob())
	}
	must(t, renew(renewed))
	_, _, err := s.Invitation(ctx, in.Hash, "", now())
	wantError(t, err, authcore.ErrNotFound) // the old link
	wantError(t, s.accept(ctx, in, user.ID), authcore.ErrNotFound)
	got, _, err := s.Invitation(ctx, renewed.Hash, "", in.ExpiresAt)
	must(t, err)
	same(t, "the invitation", got, renewed)
	same(t, "the state", s.state(ctx, t, renewed, renewed.ExpiresAt), org.Expired)
	must(t, s.accept(ctx, renewed, user.ID))
	wantError(t, renew(renewed), authcore.ErrNotFound)
	wantError(t, renew(newInvitation(o, "ada", plain)), authcore.ErrNotFound)
}

// An owner's offer that has lapsed is not a manager's to make again, and nobody's who
// was removed.
func testOwnersOffers(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	second, admin := s.member(ctx, t, o, "grace", owner), s.member(ctx, t, o, "eve", manager)
	offer := s.invite(ctx, t, o, second, "ada", owner)
	again := func(by org.Authority) error {
		return s.Renew(ctx, by, offer, owner, org.Quota{}, orgEvent(audit.OrgInviteRenew, o.ID), laterJob())
	}
	wantError(t, again(org.Authority{UserID: admin.ID, Roles: []string{owner, manager}}), org.ErrForbidden)
	wantError(t, s.add(ctx, org.Authority{UserID: admin.ID, Roles: []string{owner, manager}}, o, s.user(ctx, t, "mallory").ID, owner), org.ErrForbidden)
	must(t, again(byOwner(boss.ID)))
	plainly := s.invite(ctx, t, o, second, "bob", plain)
	must(t, s.setRole(ctx, byManager(boss.ID), o, second.ID, manager))
	same(t, "the offer of an owner who is none any more", s.state(ctx, t, offer, now()), org.Revoked)
	same(t, "another by a manager", s.state(ctx, t, plainly, now()), org.Pending)
	must(t, s.setRole(ctx, byManager(boss.ID), o, second.ID, plain))
	same(t, "that of a manager who is none any more", s.state(ctx, t, plainly, now()), org.Revoked)
	last := s.invite(ctx, t, o, second, "mia", plain)
	must(t, s.remove(ctx, byOwner(boss.ID), o, second.ID))
	same(t, "that of somebody who is out", s.state(ctx, t, last, now()), org.Revoked)
}

func testListInvitations(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	first, second := s.invite(ctx, t, o, boss, "ada", plain), s.invite(ctx, t, o, boss, "bob", manager)
	elsewhere := s.invite(ctx, t, other, authcore.User{}, "ada", owner)
	revoked := s.invite(ctx, t, o, boss, "eve", plain)
	must(t, s.Revoke(ctx, operator, o.ID, revoked.ID, orgEvent(audit.OrgInviteRevoke, o.ID)))
	list, err := s.Invitations(ctx, o.ID, now())
	must(t, err)
	same(t, "those of the organization", list, []org.Invitation{second, first})
	list, err = s.Invitations(ctx, o.ID, now().Add(29*24*time.Hour))
	if err != nil || len(list) != 2 || list[0].State != org.Expired {
		t.Errorf("%+v, %v", list, err)
	}
	list, err = s.Invitations(ctx, o.ID, now().Add(31*24*time.Hour))
	must(t, err)
	same(t, "those of long ago", len(list), 0)
	list, orgs, err := s.InvitationsFor(ctx, "ada@example.com", now())
	must(t, err)
	same(t, "those for an address", list, []org.Invitation{elsewhere, first})
	same(t, "their organizations", orgs, []org.Org{other, o})
	list, _, err = s.InvitationsFor(ctx, "ada@example.com", now().Add(2*time.Hour))
	must(t, err)
	same(t, "those for an address later", len(list), 0)
	must(t, s.delete(ctx, operator, other))
	list, orgs, err = s.InvitationsFor(ctx, "ada@example.com", now())
	if err != nil || len(list) != 1 || len(orgs) != 1 || orgs[0].ID != o.ID {
		t.Errorf("%+v, %+v, %v", list, orgs, err)
	}
}

func testRefusals(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	in, other := s.invite(ctx, t, o, boss, "ada", plain), s.invite(ctx, t, o, boss, "bob", plain)
	note := func(id string) error { return s.NoteRefusal(ctx, id, 3, orgEvent(audit.OrgInviteRefuse, o.ID)) }
	for _, err := range concurrently(10, func(int) error { return note(in.ID) }) {
		must(t, err)
	}
	must(t, note(other.ID))
	must(t, note(newID()))
	count := 0
	for _, action := range s.actions(ctx, t, o) {
		if action == audit.OrgInviteRefuse {
			count++
		}
	}
	same(t, "the events", count, 4)
	got, _, err := s.Invitation(ctx, in.Hash, "", now())
	must(t, err)
	in.Refusals = 3
	same(t, "the invitation", got, in)
}

func (s Orgs) acceptNew(ctx context.Context, in org.Invitation, user authcore.User) error {
	joined := orgEvent(audit.OrgInviteAccept, in.OrgID).Of(user.ID)
	events := []audit.Event{newEvent(audit.InvitationAccept).Of(user.ID), joined}
	return s.AcceptNew(ctx, in, user, "hash", events, laterJob())
}

func testAcceptNew(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	in, user := s.invite(ctx, t, o, boss, "ada", manager), newUser("ada")
	wantError(t, s.acceptNew(ctx, in, newUser("eve")), authcore.ErrNotFound) // another address
	_, _, err := s.Accounts.UserByEmail(ctx, "eve@example.com")
	wantError(t, err, authcore.ErrNotFound)
	must(t, s.acceptNew(ctx, in, user))
	got, credential, err := s.Accounts.User(ctx, user.ID)
	must(t, err)
	same(t, "the account", got, user)
	if credential.Hash != "hash" || credential.SignedInAt.IsZero() {
		t.Errorf("%+v", credential)
	}
	same(t, "the members", s.roles(ctx, t, o), map[string]string{boss.ID: owner, user.ID: manager})
	same(t, "the last event", s.actions(ctx, t, o)[0], audit.OrgInviteAccept)
	grace := s.user(ctx, t, "grace")
	late := s.invite(ctx, t, o, boss, "grace", plain)
	wantError(t, s.acceptNew(ctx, late, newUser("grace")), authcore.ErrConflict)
	must(t, s.accept(ctx, late, grace.ID))
}

func testAcceptNewRace(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	in := s.invite(ctx, t, o, boss, "ada", plain)
	wantWinners(t, concurrently(20, func(int) error { return s.acceptNew(ctx, in, newUser("ada")) }), 1, authcore.ErrNotFound, authcore.ErrConflict)
	same(t, "the members", len(s.roles(ctx, t, o)), 2)
}
