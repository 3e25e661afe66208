package org_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

// refusals are the refused uses of invitations that are noted, as address and reason,
// the newest first.
func (w *world) refusals(orgID string) (refused []string) {
	w.t.Helper()
	for _, e := range w.trail(orgID) {
		if e.Action == audit.OrgInviteRefuse {
			refused = append(refused, e.Metadata["email"]+" "+e.Metadata["reason"])
		}
	}
	return refused
}

// TestRefusedInvitationsAreNoted with their reason, and a few times only: the link may
// be with anybody.
func TestRefusedInvitationsAreNoted(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, nil)
	for _, made := range []struct {
		email, reason string
		end           func(secret string)
	}{
		{"revoked@example.com", "revoked", func(string) {
			w.check(w.RevokeInvitation(t.Context(), ada.actor(), "acme", must(w.ListInvitations(t.Context(), ada.actor(), "acme"))[0].ID))
		}},
		{"replaced@example.com", "revoked", func(string) { w.invite(ada.actor(), "acme", "replaced@example.com", "") }},
		{"accepted@example.com", "accepted", func(secret string) {
			_, err := w.AcceptNew(t.Context(), secret, org.NewMember{Password: good, Client: client})
			w.check(err)
		}},
		{"expired@example.com", "expired", func(string) { w.pass(8 * 24 * time.Hour); ada.signIn(); bob.signIn() }},
	} {
		secret := w.invite(ada.actor(), "acme", made.email, "")
		made.end(secret)
		before := len(w.refusals(o.ID))
		_, err := w.AcceptNew(t.Context(), secret, org.NewMember{Password: good, Client: client})
		w.fails(made.reason, err, authcore.ErrNotFound)
		if got := w.refusals(o.ID); len(got) != before+1 || got[0] != made.email+" "+made.reason {
			t.Errorf("%s: noted %v", made.email, got)
		}
		for range 10 {
			w.offered(secret, nil)
		}
		if n := len(w.refusals(o.ID)) - before; n != 5 {
			t.Errorf("%s: noted %d times", made.email, n)
		}
	}
	before := len(w.trail(o.ID))
	for _, secret := range []string{"", strings.Repeat("A", 43)} {
		if got := w.offered(secret, nil); got != "not found" {
			t.Errorf("%q: %s", secret, got)
		}
	}
	if len(w.trail(o.ID)) != before {
		t.Error("a made-up link is noted")
	}
}

// TestWhoOpenedALinkIsNotToldToTheOrganization, which may have sent it to anybody.
func TestWhoOpenedALinkIsNotToldToTheOrganization(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.person("ada"), w.person("eve")
	o := w.org("acme", ada, nil)
	w.offered(w.invite(ada.actor(), "acme", "bob@example.com", ""), eve)
	if e := w.trail(o.ID)[0]; e.Action != audit.OrgInviteRefuse || e.ActorID != eve.user.ID || e.UserID != "" || e.IP != client.IP {
		t.Fatalf("%+v", e)
	}
	for _, a := range []org.Actor{operator, ada.actor()} {
		list, _, err := w.Trail(t.Context(), a, "acme", "")
		w.check(err)
		if told := list[0].ActorID+list[0].UserID != ""; told != (a.Live == nil) {
			t.Errorf("operator %v: %+v", a.Live == nil, list[0])
		}
	}
}

// TestInvitationsNameTheAddress in all that is noted of them, also where one takes the
// place of another.
func TestInvitationsNameTheAddress(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	o := w.org("acme", ada, nil)
	w.invite(ada.actor(), "acme", "bob@example.com", "")
	id := func() string { return must(w.ListInvitations(t.Context(), ada.actor(), "acme"))[0].ID }
	first := id()
	w.invite(ada.actor(), "acme", "bob@example.com", "admin")
	w.check(w.Resend(t.Context(), ada.actor(), "acme", id()))
	w.check(w.RevokeInvitation(t.Context(), ada.actor(), "acme", id()))
	counts := make(map[audit.Action]int)
	for _, e := range w.trail(o.ID) {
		if !strings.HasPrefix(string(e.Action), "organization.invitation.") {
			continue
		}
		if counts[e.Action]++; e.Metadata["email"] != "bob@example.com" || e.ActorID != ada.user.ID {
			t.Errorf("%+v", e)
		}
		if e.Metadata["reason"] == "replaced" && e.TargetID != first {
			t.Errorf("replaced: %+v", e)
		}
	}
	if counts[audit.OrgInvite] != 2 || counts[audit.OrgInviteRevoke] != 2 || counts[audit.OrgInviteRenew] != 1 {
		t.Errorf("%v", counts)
	}
	if !slices.ContainsFunc(w.trail(o.ID), func(e audit.Event) bool { return e.Metadata["reason"] == "replaced" }) {
		t.Error("nothing says that the first was replaced")
	}
}
