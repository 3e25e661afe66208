package org_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/token"
)

// invite has somebody invite an address, and returns what the link in the mail ends
// with.
func (w *world) invite(a org.Actor, slug, email, role string) string {
	w.t.Helper()
	w.check(w.Invite(w.t.Context(), a, slug, email, role))
	return w.secret()
}

func (w *world) secret() string {
	w.t.Helper()
	return strings.TrimPrefix(w.last(mail.OrgInvitation).Path, "/invitations/")
}

// offered returns the state of an invitation, or the error that a visitor gets.
func (w *world) offered(secret string, p *person) string {
	w.t.Helper()
	offer, err := w.Invited(w.t.Context(), p.visiting(), secret)
	if err != nil {
		if !reflect.DeepEqual(offer, org.Offer{}) {
			w.t.Errorf("told beside %v: %+v", err, offer)
		}
		if errors.Is(err, authcore.ErrNotFound) {
			return "not found"
		}
		return err.Error()
	}
	if offer.State != org.Pending && (offer.Org.ID != "" || offer.Inviter != "" || offer.Role != "") {
		w.t.Errorf("told of what is over: %+v", offer)
	}
	return string(offer.State)
}

func TestInvitationMail(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada", func(in *account.NewUser) { in.Name = "Ada Lovelace" })
	w.person("bob", func(in *account.NewUser) { in.Language = "de" })
	o := w.org("acme", ada, nil)
	w.invite(ada.actor(), "acme", "Bob@Example.com", "admin")
	l := w.last(mail.OrgInvitation)
	if l.To != "Bob@Example.com" || l.Language != "de" || l.Portal != client.Portal || l.Values["org"] != "The acme" || l.Values["role"] != "admin" ||
		l.Values["inviter"] != "Ada Lovelace (ada@example.com)" || l.Values["until"] != w.now().Add(7*24*time.Hour).UTC().Format(time.DateOnly) {
		t.Errorf("%+v", l)
	}
	e := w.trail(o.ID)[0]
	if e.Action != audit.OrgInvite || e.Metadata["role"] != "admin" || e.Metadata["email"] != "Bob@Example.com" || strings.Contains(fmt.Sprint(e), w.secret()) {
		t.Errorf("%+v", e)
	}
	eve := w.person("eve", func(in *account.NewUser) { in.Name = "Win at www.evil.example" })
	w.check(w.Add(t.Context(), operator, "acme", eve.user.ID, "admin"))
	w.invite(eve.actor(), "acme", "new@example.com", "")
	if l := w.last(mail.OrgInvitation); l.Values["inviter"] != "eve@example.com" {
		t.Errorf("by somebody whose name is a link: %+v", l)
	}
	w.invite(operator, "acme", "new@example.com", "")
	if l := w.last(mail.OrgInvitation); l.Values["inviter"] != "The acme" || l.Values["role"] != "member" {
		t.Errorf("by an operator: %+v", l)
	}
}

func TestAcceptInvitation(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, nil)
	w.org("other", bob, nil)
	secret := w.invite(ada.actor(), "acme", "bob@example.com", "admin")
	for _, visitor := range []*person{nil, bob} {
		offer, err := w.Invited(t.Context(), visitor.visiting(), secret)
		w.check(err)
		if offer.State != org.Pending || offer.Org.Name != "The acme" || offer.Role != "admin" || offer.Inviter != "ada@example.com" || !offer.Known || offer.Email != "bob@example.com" {
			t.Errorf("offered: %+v", offer)
		}
	}
	w.fails("an operator", func() error { _, err := w.Accept(t.Context(), operator, secret); return err }(), org.ErrForbidden)
	joined, err := w.Accept(t.Context(), bob.actor(), secret)
	w.check(err)
	if joined.ID != o.ID || bob.in() != "acme:admin" {
		t.Errorf("joined %+v, acts in %s", joined, bob.in())
	}
	var found bool
	for _, e := range w.trail(o.ID) {
		found = found || e.Action == audit.OrgInviteAccept && e.ActorID == bob.user.ID && e.UserID == bob.user.ID && e.Metadata["role"] == "admin"
	}
	if !found {
		t.Errorf("not noted: %+v", w.trail(o.ID))
	}
	if state := w.offered(secret, nil); state != "accepted" {
		t.Errorf("then it is %s", state)
	}
	_, err = w.Accept(t.Context(), bob.actor(), secret)
	w.fails("again", err, authcore.ErrNotFound)
	if list := must(w.ListInvitations(t.Context(), operator, "acme")); len(list) > 0 {
		t.Errorf("still listed: %+v", list)
	}
	w.fails("inviting a member", w.Invite(t.Context(), ada.actor(), "acme", "BOB@example.com", ""), authcore.ErrConflict)
}

func must(_ org.Standing, list []org.Invitation, err error) []org.Invitation {
	if err != nil {
		panic(err)
	}
	return list
}

// TestInvitationAtOnce has the same person accept in many tabs at once, while it is
// revoked.
func TestInvitationAtOnce(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	w.org("acme", ada, nil)
	secret, a := w.invite(ada.actor(), "acme", "bob@example.com", ""), bob.actor()
	var group sync.WaitGroup
	var accepted atomic.Int32
	for range 12 {
		group.Go(func() {
			_, err := w.Accept(t.Context(), a, secret)
			if err == nil {
				accepted.Add(1)
			} else if !errors.Is(err, authcore.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if accepted.Load() != 1 || len(w.members("acme")) != 2 {
		t.Errorf("%d accepted, members %v", accepted.Load(), w.members("acme"))
	}
}

// TestInvitationThatWorksNoMore: revoked, expired, taken the place of, and of an
// organization that is gone.
func TestInvitationThatWorksNoMore(t *testing.T) {
	for state, end := range map[string]func(w *world, ada *person){
		"revoked": func(w *world, ada *person) {
			id := must(w.ListInvitations(w.t.Context(), operator, "acme"))[0].ID
			w.check(w.RevokeInvitation(w.t.Context(), ada.actor(), "acme", id))
			w.fails("revoked again", w.RevokeInvitation(w.t.Context(), ada.actor(), "acme", id), authcore.ErrNotFound)
			w.fails("sent again", w.Resend(w.t.Context(), ada.actor(), "acme", id), authcore.ErrNotFound)
		},
		"expired":          func(w *world, _ *person) { w.pass(7*24*time.Hour + time.Second) },
		"revoked by a new": func(w *world, ada *person) { w.invite(ada.actor(), "acme", "bob@EXAMPLE.com", "admin") },
		"not found": func(w *world, ada *person) {
			w.check(w.Delete(w.t.Context(), ada.actor(), "acme", "The acme"))
		},
		"not found by resending": func(w *world, ada *person) {
			w.check(w.Resend(w.t.Context(), ada.actor(), "acme", must(w.ListInvitations(w.t.Context(), operator, "acme"))[0].ID))
		},
	} {
		w := newWorld(t)
		ada, bob := w.person("ada"), w.person("bob")
		w.org("acme", ada, nil)
		secret := w.invite(ada.actor(), "acme", "bob@example.com", "")
		end(w, ada)
		bob.signIn()
		if got := w.offered(secret, bob); !strings.HasPrefix(state, got) {
			t.Errorf("%s: it is %s", state, got)
		}
		_, err := w.Accept(t.Context(), bob.actor(), secret)
		w.fails(state+": accepted", err, authcore.ErrNotFound)
		_, err = w.AcceptNew(t.Context(), secret, org.NewMember{Password: good, Client: client})
		w.fails(state+": accepted with a new account", err, authcore.ErrNotFound)
		if bob.in() != ":" {
			t.Errorf("%s: acts in %s", state, bob.in())
		}
	}
}

// TestInvitationOfSomebodyElse: forwarded, opened by another account, by the right
// one after it has changed its address, and by one whose address is not proven.
func TestInvitationOfSomebodyElse(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	unproven := w.person("unproven", func(in *account.NewUser) { in.Verified = false })
	o := w.org("acme", ada, nil)
	secret := w.invite(ada.actor(), "acme", "bob@example.com", "admin")
	own := w.invite(ada.actor(), "acme", "unproven@example.com", "admin")
	for _, p := range []*person{eve, ada} {
		_, err := w.Accept(t.Context(), p.actor(), secret)
		w.fails("forwarded", err, org.ErrOtherAddress)
		if got := w.offered(secret, p); got != org.ErrOtherAddress.Error() {
			t.Errorf("told: %s", got)
		}
		_, err = w.AcceptByID(t.Context(), p.actor(), must(w.ListInvitations(t.Context(), operator, "acme"))[1].ID)
		w.fails("by its id", err, authcore.ErrNotFound)
	}
	_, err := w.Accept(t.Context(), unproven.actor(), own)
	w.fails("with an address that is not proven", err, org.ErrOtherAddress)
	if _, err := w.AcceptNew(t.Context(), secret, org.NewMember{Password: "another fine password", Client: client}); !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("forwarded, as a new account with the address of one: %v", err)
	}
	w.moveTo(bob, "robert@example.com")
	_, err = w.Accept(t.Context(), bob.actor(), secret)
	w.fails("after another address was proven", err, org.ErrOtherAddress)
	w.moveTo(eve, "bob@example.com")
	if list := must(w.ListInvitations(t.Context(), operator, "acme")); len(list) != 2 || list[0].State != org.Pending || list[1].State != org.Pending || len(w.members("acme")) != 1 {
		t.Errorf("something has changed: %+v, %v", list, w.members("acme"))
	}
	if got := w.refusals(o.ID); len(got) != 5 || got[0] != "bob@example.com other_address" {
		t.Errorf("noted: %v", got)
	}
	// Whoever owns the address now is meant: it was sent there.
	_, err = w.Accept(t.Context(), eve.actor(), secret)
	w.check(err)
}

// moveTo gives somebody a proven address, with which they sign in again.
func (w *world) moveTo(p *person, email string) {
	w.t.Helper()
	to, _ := account.ParseEmail(email)
	_, change := token.New(token.ChangeEmail, p.user.ID, w.now(), hour)
	_, keep := token.New(token.KeepEmail, p.user.ID, w.now(), hour)
	change.Address, keep.Address = p.user.EmailKey, p.user.EmailKey
	w.check(w.db.ProposeEmail(w.t.Context(), p.user.AuthEpoch, change, keep, audit.New(w.now(), audit.EmailChangeRequest, client)))
	user, _, err := w.db.User(w.t.Context(), p.user.ID)
	w.check(err)
	p.user, err = w.db.ChangeEmail(w.t.Context(), change.Hash, user, to, audit.New(w.now(), audit.EmailChange, client).Of(user.ID))
	w.check(err)
	p.signIn()
}

// TestInvitationMakesAccount in one go with the membership.
func TestInvitationMakesAccount(t *testing.T) {
	for _, personal := range []bool{false, true} {
		w := newWorld(t, func(c *org.Config) { c.Personal = personal })
		ada := w.person("ada")
		o := w.org("acme", ada, nil)
		secret := w.invite(ada.actor(), "acme", "New@example.com", "admin")
		if offer, err := w.Invited(t.Context(), org.Actor{Client: client}, secret); err != nil || offer.Known {
			t.Errorf("offered: %+v, %v", offer, err)
		}
		_, err := w.AcceptNew(t.Context(), secret, org.NewMember{Password: "short", Client: client})
		w.refuses("a bad password", err, "password", account.ProblemTooShort)
		signedIn, err := w.AcceptNew(t.Context(), secret, org.NewMember{Name: "New", Password: good, Client: client})
		w.check(err)
		user, err := w.accounts.Find(t.Context(), "new@example.com")
		w.check(err)
		p := &person{w: w, user: user, token: signedIn.Token}
		if !user.EmailVerified() || user.Name != "New" || p.in() != "acme:admin" {
			t.Errorf("made %+v, acts in %s", user, p.in())
		}
		var found bool
		for _, e := range w.trail(o.ID) {
			found = found || e.Action == audit.OrgInviteAccept && e.UserID == user.ID
		}
		if !found {
			t.Errorf("not noted: %+v", w.trail(o.ID))
		}
		_, err = w.AcceptNew(t.Context(), secret, org.NewMember{Password: good, Client: client})
		w.fails("again", err, authcore.ErrNotFound)
	}
}

// TestInvitationMakesOneAccount has an invitation make two accounts at once.
func TestInvitationMakesOneAccount(t *testing.T) {
	w := newWorld(t)
	w.org("acme", w.person("ada"), nil)
	secret := w.invite(operator, "acme", "new@example.com", "")
	var group sync.WaitGroup
	var made atomic.Int32
	for range 8 {
		group.Go(func() {
			_, err := w.AcceptNew(t.Context(), secret, org.NewMember{Password: good, Client: client})
			if err == nil {
				made.Add(1)
			} else if !errors.Is(err, authcore.ErrNotFound) && !errors.Is(err, authcore.ErrConflict) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 || len(w.members("acme")) != 2 {
		t.Errorf("%d made, members %v", made.Load(), w.members("acme"))
	}
}

func TestResend(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	w.org("acme", ada, nil)
	first := w.invite(ada.actor(), "acme", "bob@example.com", "")
	w.pass(8 * 24 * time.Hour)
	ada.signIn()
	bob.signIn()
	list := must(w.ListInvitations(t.Context(), ada.actor(), "acme"))
	if len(list) != 1 || list[0].State != org.Expired {
		t.Fatalf("%+v", list)
	}
	w.check(w.Resend(t.Context(), ada.actor(), "acme", list[0].ID))
	if w.secret() == first || w.offered(first, bob) != "not found" {
		t.Errorf("the old link: %s", w.offered(first, bob))
	}
	_, err := w.Accept(t.Context(), bob.actor(), w.secret())
	w.check(err)
}

func TestWaiting(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	w.org("acme", ada, nil)
	w.org("initech", ada, nil)
	w.invite(ada.actor(), "acme", "bob@example.com", "admin")
	w.invite(ada.actor(), "initech", "bob@example.com", "")
	waiting, err := w.Waiting(t.Context(), bob.live())
	w.check(err)
	if len(waiting) != 2 || waiting[0].Org.Slug != "initech" || waiting[1].Role != "admin" {
		t.Fatalf("%+v", waiting)
	}
	if others, err := w.Waiting(t.Context(), eve.live()); err != nil || len(others) > 0 {
		t.Errorf("somebody else: %v, %v", others, err)
	}
	_, err = w.AcceptByID(t.Context(), bob.actor(), waiting[1].ID)
	w.check(err)
	if bob.in() != "acme:admin" {
		t.Errorf("acts in %s", bob.in())
	}
	_, err = w.AcceptByID(t.Context(), bob.actor(), waiting[1].ID)
	w.fails("again", err, authcore.ErrNotFound)
}

func TestInvitationQuota(t *testing.T) {
	w := newWorld(t, func(c *org.Config) { c.PerInviter, c.PerOrg = 3, 5 })
	ada, bob := w.person("ada"), w.person("bob")
	w.org("acme", ada, map[*person]string{bob: "admin"})
	w.org("initech", ada, nil)
	send := func(p *person, slug string, n int) error {
		return w.Invite(t.Context(), p.actor(), slug, fmt.Sprintf("i%d@example.net", n), "")
	}
	for n := range 3 {
		w.check(send(ada, "acme", n))
	}
	w.fails("one too many by Ada", send(ada, "acme", 3), org.ErrLimit)
	w.fails("elsewhere too", send(ada, "initech", 3), org.ErrLimit)
	w.fails("sent again", w.Resend(t.Context(), ada.actor(), "acme", must(w.ListInvitations(t.Context(), operator, "acme"))[0].ID), org.ErrLimit)
	w.check(send(bob, "acme", 3))
	w.check(send(bob, "acme", 4))
	w.fails("one too many for Acme", send(bob, "acme", 5), org.ErrLimit)
	w.pass(24*time.Hour + time.Minute)
	ada.signIn()
	w.check(send(ada, "acme", 6))
}

func TestInviteRefuses(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	w.org("acme", ada, nil)
	for _, email := range []string{"", "bob", "bob@", "@example.com", "bob@example.com\nBcc: eve@example.com"} {
		w.refuses(fmt.Sprintf("%q", email), w.Invite(t.Context(), ada.actor(), "acme", email, ""), "email", account.ProblemEmail)
	}
	w.refuses("an unknown role", w.Invite(t.Context(), ada.actor(), "acme", "bob@example.com", "root"), "role", org.ProblemRole)
	for _, secret := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 1000)} {
		if got := w.offered(secret, nil); got != "not found" {
			t.Errorf("%.50q: %s", secret, got)
		}
	}
}

// TestInvitationsEndWithTheAccount of whoever sent them: a thief who was an owner for
// an hour has no way back.
func TestInvitationsEndWithTheAccount(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.person("ada"), w.person("eve")
	w.org("acme", ada, map[*person]string{eve: "owner"})
	secret := w.invite(eve.actor(), "acme", "bob@example.com", "owner")
	if _, err := w.accounts.SetDisabled(t.Context(), eve.user.ID, true); err != nil {
		t.Fatal(err)
	}
	if got := w.offered(secret, nil); got != string(org.Revoked) {
		t.Errorf("the invitation of a disabled account is %s", got)
	}
}
