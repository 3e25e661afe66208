package org_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/session"
)

// proving returns an actor whose session has given further proofs.
func (w *world) proving(p *person, proofs ...authcore.Factor) org.Actor {
	live := p.live()
	s := *live.Session
	for _, proof := range proofs {
		proof.At = w.now()
		s.Identity = s.Identity.Prove(proof)
	}
	return org.Actor{Live: &session.Live{Session: &s, Hash: live.Hash}, Client: client}
}

func TestRules(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, map[*person]string{bob: "member"})
	set := func(a org.Actor, r authcore.OrgRules) error { return w.SetRules(t.Context(), a, "acme", r) }
	methods := func(kinds ...authcore.FactorKind) authcore.OrgRules { return authcore.OrgRules{Methods: kinds} }
	// Ada has given her password only.
	w.refuses("two steps that she has not set up", set(ada.actor(), authcore.OrgRules{TwoStep: true}), "two_step", org.ProblemLockout)
	w.refuses("a passkey that she has not used", set(ada.actor(), methods(authcore.FactorPasskey, authcore.FactorLink)), "methods", org.ProblemLockout)
	for _, kind := range []authcore.FactorKind{authcore.FactorTOTP, authcore.FactorBackupCode, "sms", ""} {
		w.refuses("by "+string(kind), set(operator, methods(kind)), "methods", org.ProblemMethods)
	}
	for _, age := range []time.Duration{time.Minute, -hour, 366 * 24 * time.Hour} {
		w.refuses(age.String(), set(operator, authcore.OrgRules{MaxAge: age}), "max_age", org.ProblemAge)
	}
	rules := authcore.OrgRules{MaxAge: 12 * time.Hour, Methods: []authcore.FactorKind{authcore.FactorPasskey, authcore.FactorPassword}}
	w.check(set(ada.actor(), rules))
	if got := bob.live().Identity.Org.Rules; got.MaxAge != rules.MaxAge || len(got.Methods) != 2 {
		t.Errorf("the session of a member: %+v", got)
	}
	if e := w.trail(o.ID)[0]; e.Action != audit.OrgRulesChange || e.Metadata["old"] != "" || e.Metadata["new"] != "max_age=12h0m0s passkey password" {
		t.Errorf("%+v", e)
	}
	passkey := authcore.Factor{Kind: authcore.FactorPasskey, UserVerified: true}
	w.check(set(w.proving(ada, passkey), authcore.OrgRules{TwoStep: true, Methods: []authcore.FactorKind{authcore.FactorPasskey}}))
	if e := w.trail(o.ID)[0]; e.Metadata["new"] != "two_step passkey" {
		t.Errorf("%+v", e)
	}
	w.check(set(operator, authcore.OrgRules{}))
	if got := ada.live().Identity.Org.Rules; got.TwoStep || got.MaxAge != 0 || len(got.Methods) > 0 {
		t.Errorf("then: %+v", got)
	}
}

// TestOperatorMaySetAnyRule: nobody is locked out who has the command line.
func TestOperatorMaySetAnyRule(t *testing.T) {
	w := newWorld(t)
	w.org("acme", w.person("ada"), nil)
	w.check(w.SetRules(t.Context(), operator, "acme", authcore.OrgRules{TwoStep: true, Methods: []authcore.FactorKind{authcore.FactorPasskey}}))
}

func TestSwitch(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	one, two := w.org("one", ada, nil), w.org("two", ada, nil)
	w.org("foreign", bob, nil)
	if ada.in() != "one:owner" {
		t.Errorf("acts in %s", ada.in())
	}
	before := ada.token
	chosen, err := w.Switch(t.Context(), ada.live(), "two", client)
	w.check(err)
	if chosen.ID != two.ID || ada.in() != "two:owner" || ada.token != before {
		t.Errorf("chose %+v, acts in %s", chosen, ada.in())
	}
	w.noted(two.ID, audit.OrgSwitch, ada)
	n := len(w.trail(two.ID))
	_, err = w.Switch(t.Context(), ada.live(), "two", client)
	w.check(err)
	if len(w.trail(two.ID)) != n {
		t.Error("a switch to where one is is noted")
	}
	for _, slug := range []string{"foreign", "nowhere", "", two.ID} {
		_, err := w.Switch(t.Context(), ada.live(), slug, client)
		w.fails("to "+slug, err, authcore.ErrNotFound)
	}
	// Another browser begins where this one is.
	other := &person{w: w, user: ada.user}
	w.pass(time.Second)
	other.signIn()
	if other.in() != "two:owner" {
		t.Errorf("another browser acts in %s", other.in())
	}
	w.check(w.Remove(t.Context(), w.with(two, bob), "two", ada.user.ID))
	if ada.in() != "one:owner" || other.in() != "one:owner" {
		t.Errorf("removed, the sessions act in %s and %s", ada.in(), other.in())
	}
	var reassigned int
	for _, e := range w.trail(two.ID) {
		if e.Action == audit.OrgReassign && e.Metadata["from"] == two.ID && e.Metadata["to"] == one.ID && e.ActorType == audit.ActorSystem {
			reassigned++
		}
	}
	if reassigned != 2 {
		t.Errorf("noted %d times: %+v", reassigned, w.trail(two.ID))
	}
	mine, err := w.Mine(t.Context(), ada.live())
	w.check(err)
	if len(mine) != 1 || mine[0].Slug != "one" {
		t.Errorf("hers are %+v", mine)
	}
}

// with makes somebody an owner of an organization, and acts as them.
func (w *world) with(o org.Org, p *person) org.Actor {
	w.check(w.Add(w.t.Context(), operator, o.Slug, p.user.ID, "owner"))
	return p.actor()
}

// work does the jobs that tell members, as the worker does, and returns how many there
// were.
func (w *world) work() int {
	w.t.Helper()
	jobs, err := w.db.Jobs().Claim(w.t.Context(), 100, w.now(), time.Minute, org.RefreshJob)
	w.check(err)
	for _, j := range jobs {
		w.check(w.Handlers()[org.RefreshJob](w.t.Context(), j))
		w.check(w.db.Jobs().Done(w.t.Context(), j))
	}
	return len(jobs)
}

// TestWhoWaitsForTheJob: another name is shown to the others soon, what takes rights
// away holds at once. One job does for all that came before it.
func TestWhoWaitsForTheJob(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	w.org("acme", ada, map[*person]string{bob: "member"})
	for _, name := range []string{"One", "Two", "Three"} {
		w.check(w.Rename(t.Context(), ada.actor(), "acme", name))
		if got := ada.live().Identity.Org.Name; got != name {
			t.Errorf("the session of who has asked says %q", got)
		}
	}
	if got := bob.live().Identity.Org.Name; got != "The acme" {
		t.Errorf("before the job, another's says %q", got)
	}
	if n := w.work(); n != 1 {
		t.Errorf("%d jobs", n)
	}
	if got := bob.live().Identity.Org.Name; got != "Three" {
		t.Errorf("after it, %q", got)
	}
	w.check(w.Rename(t.Context(), operator, "acme", "Four"))
	w.check(w.SetRules(t.Context(), ada.actor(), "acme", authcore.OrgRules{MaxAge: hour}))
	if got := bob.live().Identity.Org; got.Rules.MaxAge != hour || got.Name != "Four" {
		t.Errorf("rules: %+v", got)
	}
	if n := w.work(); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

// TestMembersLearnByTheJob when a change was made, and its author was cut short
// before the sessions learnt of it.
func TestMembersLearnByTheJob(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	o := w.org("acme", ada, nil)
	ada.live()
	o.Name = "Behind the back"
	refresh, err := job.New(w.box, org.RefreshJob, map[string]string{"org": o.ID}, w.now())
	w.check(err)
	w.check(w.db.Orgs().Change(t.Context(), org.Authority{}, o, org.Renaming{}, audit.New(w.now(), audit.OrgRename, client), refresh))
	if got := ada.live().Identity.Org.Name; got != "The acme" {
		t.Fatalf("before the job: %s", got)
	}
	w.check(w.Handlers()[org.RefreshJob](t.Context(), refresh))
	if got := ada.live().Identity.Org.Name; got != "Behind the back" {
		t.Errorf("after the job: %s", got)
	}
}

func TestPersonalWorkspace(t *testing.T) {
	w := newWorld(t, func(c *org.Config) { c.Personal, c.MaxOwned = true, 1 })
	ada := w.person("ada", func(in *account.NewUser) { in.Name = "Ada Lovelace" })
	slug := "user-" + ada.user.ID
	if ada.in() != slug+":owner" {
		t.Fatalf("acts in %s", ada.in())
	}
	st, err := w.Get(t.Context(), ada.actor(), slug)
	w.check(err)
	if st.Name != "Ada Lovelace" || st.PersonalOf != ada.user.ID || st.Role != "owner" {
		t.Errorf("%+v", st)
	}
	if e := w.trail(st.ID)[0]; e.Action != audit.OrgCreate || e.ActorType != audit.ActorSystem || e.UserID != ada.user.ID {
		t.Errorf("%+v", e)
	}
	w.fails("deleting it", w.Delete(t.Context(), ada.actor(), slug, "Ada Lovelace"), org.ErrForbidden)
	w.fails("deleting it by an operator", w.Delete(t.Context(), operator, slug, ""), org.ErrForbidden)
	bob := w.person("bob")
	if bob.live().Identity.Org.Name != "bob" {
		t.Errorf("of somebody without a name: %+v", bob.live().Identity.Org)
	}
	eve := w.person("eve", func(in *account.NewUser) { in.Name = "Win at https://evil.example" })
	if eve.live().Identity.Org.Name != "eve" {
		t.Errorf("of somebody whose name is a link: %+v", eve.live().Identity.Org)
	}
	w.check(w.Add(t.Context(), operator, slug, bob.user.ID, "member"))
	w.fails("passing it on", w.Transfer(t.Context(), ada.actor(), slug, bob.user.ID), org.ErrForbidden)
	w.check(w.SetRole(t.Context(), ada.actor(), slug, bob.user.ID, "owner"))
	for who, a := range map[string]org.Actor{"its user": ada.actor(), "another owner": bob.actor(), "an operator": operator} {
		w.fails("demoted at home by "+who, w.SetRole(t.Context(), a, slug, ada.user.ID, "member"), org.ErrForbidden)
		w.fails("removed from home by "+who, w.Remove(t.Context(), a, slug, ada.user.ID), org.ErrForbidden)
	}
	w.fails("leaving it", w.Leave(t.Context(), ada.actor(), slug), org.ErrForbidden)
	w.check(w.Leave(t.Context(), bob.actor(), slug)) // it is not his
	// It counts for nothing among those that one may own.
	_, err = w.create(ada.actor(), "Acme", "")
	w.check(err)
	_, err = w.create(ada.actor(), "Acme", "")
	w.fails("one too many", err, org.ErrLimit)
}

// TestPersonalWorkspaceLater is for those who were there before the option was: they
// have one from the next sign-in on.
func TestPersonalWorkspaceLater(t *testing.T) {
	w := newWorld(t)
	ada, full := w.person("ada"), w.person("full")
	w.org("acme", ada, nil)
	for i := range authcore.MaxMemberships {
		w.org(fmt.Sprint("org-", i), full, nil)
	}
	w.places.Config.Personal = true
	if got := len(ada.live().Identity.Orgs); got != 1 {
		t.Errorf("before, she belongs to %d", got)
	}
	for range 2 {
		ada.signIn()
		if got := ada.live().Identity.Orgs; len(got) != 2 || !got[1].Personal || got[1].Slug != "user-"+ada.user.ID {
			t.Errorf("then, to %+v", got)
		}
	}
	// Whoever belongs to as many as one can has no room for it, and signs in all the same.
	full.signIn()
	if got := full.live().Identity.Orgs; len(got) != authcore.MaxMemberships {
		t.Errorf("somebody without room belongs to %d", len(got))
	}
}

// TestPersonalWorkspaceOnce makes one for somebody who signs in in many browsers at
// once, and none for who is held.
func TestPersonalWorkspaceOnce(t *testing.T) {
	w := newWorld(t, func(c *org.Config) { c.Personal = true })
	user, err := w.accounts.Add(t.Context(), account.NewUser{Email: "ada@example.com", Password: good, Verified: true})
	w.check(err)
	store := w.db.Orgs()
	workspaces := &org.Workspaces{Config: w.Config, Orgs: store, Members: store, Users: w.db, Clock: w.now}
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			m, err := workspaces.Memberships(t.Context(), user.ID)
			if err != nil || len(m.Orgs) != 1 || !m.Orgs[0].Personal {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
	group.Wait()
	for name, userID := range map[string]string{
		"unknown": "nobody", "disabled": w.disabled(t.Context(), "eve@example.com"),
	} {
		if m, err := workspaces.Memberships(t.Context(), userID); err != nil || len(m.Orgs) > 0 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	if all, err := w.All(t.Context(), "", 100); err != nil || len(all) != 1 {
		t.Errorf("there are %d: %v", len(all), err)
	}
}

// disabled makes an account that is disabled.
func (w *world) disabled(ctx context.Context, email string) string {
	w.t.Helper()
	user, err := w.accounts.Add(ctx, account.NewUser{Email: email, Password: good, Verified: true})
	w.check(err)
	_, err = w.accounts.SetDisabled(ctx, user.ID, true)
	w.check(err)
	return user.ID
}

// broken is a store that is away.
type broken struct{ org.Store }

var errAway = errors.New("away")

func (broken) Find(context.Context, string, string) (org.Standing, error) {
	return org.Standing{}, errAway
}

// TestBrokenStoreIsNotNotFound: what cannot be told is no refusal.
func TestBrokenStoreIsNotNotFound(t *testing.T) {
	s := newStage(newWorld(t))
	s.reset()
	working := s.Service.Orgs
	for _, act := range actions {
		if act.user != nil || act.name == "Moved" {
			continue
		}
		a := s.own.owner.actor()
		s.Service.Orgs = broken{working}
		s.fails(act.name, act.do(s, a, s.own), errAway)
		s.Service.Orgs = working
	}
}
