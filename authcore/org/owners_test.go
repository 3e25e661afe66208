package org_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/org"
)

func TestLastOwner(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, map[*person]string{bob: "admin"})
	before := w.state(o)
	for who, a := range map[string]org.Actor{"the owner": ada.actor(), "an operator": operator} {
		w.fails("demoted by "+who, w.SetRole(t.Context(), a, "acme", ada.user.ID, "member"), org.ErrLastOwner)
		w.fails("removed by "+who, w.Remove(t.Context(), a, "acme", ada.user.ID), org.ErrLastOwner)
	}
	w.fails("leaving", w.Leave(t.Context(), ada.actor(), "acme"), org.ErrLastOwner)
	if w.state(o) != before {
		t.Error("something has changed")
	}
	// Whoever cannot sign in is no owner to leave an organization with.
	w.check(w.SetRole(t.Context(), operator, "acme", bob.user.ID, "owner"))
	_, err := w.accounts.SetDisabled(t.Context(), bob.user.ID, true)
	w.check(err)
	w.fails("leaving it to a disabled account", w.Leave(t.Context(), ada.actor(), "acme"), org.ErrLastOwner)
	_, err = w.accounts.SetDisabled(t.Context(), bob.user.ID, false)
	w.check(err)
	w.check(w.Leave(t.Context(), ada.actor(), "acme"))
	if got := w.members("acme"); len(got) != 1 || got["bob@example.com"] != "owner" {
		t.Errorf("members: %v", got)
	}
}

// TestLastTwoOwnersAtOnce has two owners removed, demoted and leaving at once.
func TestLastTwoOwnersAtOnce(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	for _, slug := range []string{"one", "two", "three"} {
		w.org(slug, ada, map[*person]string{bob: "owner", eve: "member"})
		var group sync.WaitGroup
		for i := range 24 {
			by, of := ada, bob
			if i%2 == 1 {
				by, of = bob, ada
			}
			a := by.actor()
			deeds := []func() error{
				func() error { return w.Remove(t.Context(), a, slug, of.user.ID) },
				func() error { return w.SetRole(t.Context(), a, slug, of.user.ID, "member") },
				func() error { return w.Leave(t.Context(), a, slug) },
			}
			group.Go(func() {
				err := deeds[i%3]()
				for _, refused := range []error{org.ErrLastOwner, org.ErrForbidden, authcore.ErrNotFound} {
					if errors.Is(err, refused) {
						return
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		owners := 0
		for _, role := range w.members(slug) {
			if role == "owner" {
				owners++
			}
		}
		if owners != 1 {
			t.Errorf("%s has %d owners: %v", slug, owners, w.members(slug))
		}
	}
}

func TestTransfer(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	o := w.org("acme", ada, map[*person]string{bob: "member"})
	w.fails("to nobody's member", w.Transfer(t.Context(), ada.actor(), "acme", eve.user.ID), authcore.ErrNotFound)
	w.fails("to oneself", w.Transfer(t.Context(), ada.actor(), "acme", ada.user.ID), org.ErrForbidden)
	w.check(w.Transfer(t.Context(), ada.actor(), "acme", bob.user.ID))
	if ada.in() != "acme:admin" || bob.in() != "acme:owner" {
		t.Errorf("the sessions say %s and %s", ada.in(), bob.in())
	}
	w.noted(o.ID, audit.OrgRoleChange, ada)
	if e := w.trail(o.ID)[1]; e.UserID != bob.user.ID || e.Metadata["new"] != "owner" || e.Metadata["transferred_by"] != ada.user.ID {
		t.Errorf("%+v", e)
	}
	if e := w.trail(o.ID)[0]; e.UserID != ada.user.ID || e.Metadata["new"] != "admin" {
		t.Errorf("%+v", e)
	}
	w.fails("again", w.Transfer(t.Context(), ada.actor(), "acme", bob.user.ID), org.ErrForbidden)
	w.check(w.Add(t.Context(), operator, "acme", eve.user.ID, "owner"))
	w.check(w.Transfer(t.Context(), operator, "acme", ada.user.ID))
	if ada.in() != "acme:owner" || bob.in() != "acme:admin" || eve.in() != "acme:admin" {
		t.Errorf("by an operator, the sessions say %s, %s and %s", ada.in(), bob.in(), eve.in())
	}
}

// TestOwnersLearnOfOwners: whoever owns an organization is told by mail when somebody
// else comes to, in whichever way.
func TestOwnersLearnOfOwners(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve, mia := w.person("ada"), w.person("bob"), w.person("eve"), w.person("mia")
	unproven := w.person("unproven", func(in *account.NewUser) { in.Verified = false })
	w.org("acme", ada, map[*person]string{bob: "owner", unproven: "owner", eve: "member"})
	w.check(w.Invite(t.Context(), ada.actor(), "acme", "new@example.com", "owner"))
	link := w.last(mail.OrgInvitation).Path
	w.check(w.Invite(t.Context(), ada.actor(), "acme", mia.user.Email, "owner"))
	for _, step := range []struct {
		what string
		do   func() error
		kind mail.Kind
		of   string
		to   []string
	}{
		{"made a manager", func() error { return w.SetRole(t.Context(), ada.actor(), "acme", eve.user.ID, "admin") }, mail.OrgOwner, "", nil},
		{"made owner", func() error { return w.SetRole(t.Context(), ada.actor(), "acme", eve.user.ID, "owner") }, mail.OrgOwner, "eve@example.com", []string{"bob@example.com"}},
		{"invited", func() error { _, err := w.AcceptByID(t.Context(), mia.actor(), w.invitations(mia)[0].ID); return err }, mail.OrgOwner, "mia@example.com",
			[]string{"ada@example.com", "bob@example.com", "eve@example.com"}},
		{"invited, new", func() error {
			_, err := w.AcceptNew(t.Context(), strings.TrimPrefix(link, "/invitations/"), org.NewMember{Password: good, Client: client})
			return err
		}, mail.OrgOwner, "new@example.com", []string{"ada@example.com", "bob@example.com", "eve@example.com", "mia@example.com"}},
		{"demoted", func() error { return w.SetRole(t.Context(), ada.actor(), "acme", mia.user.ID, "member") }, mail.OrgOwner, "", nil},
		{"passed on", func() error { return w.Transfer(t.Context(), ada.actor(), "acme", mia.user.ID) }, mail.OrgTransferred, "mia@example.com",
			[]string{"bob@example.com", "eve@example.com", "new@example.com"}},
		{"by an operator", func() error { return w.SetRole(t.Context(), operator, "acme", ada.user.ID, "owner") }, mail.OrgOwner, "ada@example.com",
			[]string{"bob@example.com", "eve@example.com", "mia@example.com", "new@example.com"}},
	} {
		before := len(w.letters(step.kind))
		w.check(step.do())
		var to []string
		for _, l := range w.letters(step.kind)[before:] {
			to = append(to, l.To)
			if l.Values["member"] != step.of || l.Values["org"] != "The acme" || l.Path != "/orgs/acme/activity" {
				t.Errorf("%s: %+v", step.what, l)
			}
		}
		slices.Sort(to)
		if !slices.Equal(to, step.to) {
			t.Errorf("%s: %v are told, want %v", step.what, to, step.to)
		}
	}
}

// TestNobodyComesToOwnTooMany however they are made owner; operators are free of it.
func TestNobodyComesToOwnTooMany(t *testing.T) {
	w := newWorld(t, func(c *org.Config) { c.MaxOwned = 1 })
	ada, bob := w.person("ada"), w.person("bob")
	w.org("first", bob, nil)
	w.org("acme", ada, map[*person]string{bob: "member"})
	w.fails("made owner", w.SetRole(t.Context(), ada.actor(), "acme", bob.user.ID, "owner"), org.ErrLimit)
	w.fails("in place of another", w.Transfer(t.Context(), ada.actor(), "acme", bob.user.ID), org.ErrLimit)
	if ada.in() != "acme:owner" {
		t.Errorf("the owner is %s now", ada.in())
	}
	w.check(w.Remove(t.Context(), ada.actor(), "acme", bob.user.ID))
	w.check(w.Invite(t.Context(), ada.actor(), "acme", bob.user.Email, "owner"))
	accept := func() error { _, err := w.AcceptByID(t.Context(), bob.actor(), w.invitations(bob)[0].ID); return err }
	w.fails("invited", accept(), org.ErrLimit)
	w.check(w.Invite(t.Context(), operator, "acme", bob.user.Email, "owner"))
	w.check(accept())
	w.check(w.SetRole(t.Context(), operator, "acme", bob.user.ID, "member"))
	w.check(w.SetRole(t.Context(), operator, "acme", bob.user.ID, "owner"))
}

// invitations are those that wait for a person.
func (w *world) invitations(p *person) []org.Waiting {
	w.t.Helper()
	list, err := w.Waiting(w.t.Context(), p.live())
	w.check(err)
	return list
}

// TestTransferWhereOwnersManage: where owners alone manage, whoever passes an
// organization on is a plain member.
func TestTransferWhereOwnersManage(t *testing.T) {
	w := newWorld(t, func(c *org.Config) {
		c.Roles = org.Roles{All: []string{"boss", "worker", "guest"}, Managers: []string{"boss"}, Default: "guest"}
	})
	ada, bob := w.person("ada"), w.person("bob")
	w.org("acme", ada, map[*person]string{bob: ""})
	if bob.in() != "acme:guest" {
		t.Errorf("a new member: %s", bob.in())
	}
	w.check(w.Transfer(t.Context(), ada.actor(), "acme", bob.user.ID))
	if ada.in() != "acme:guest" || bob.in() != "acme:boss" {
		t.Errorf("the sessions say %s and %s", ada.in(), bob.in())
	}
	w.refuses("a role of the defaults", w.SetRole(t.Context(), bob.actor(), "acme", ada.user.ID, "admin"), "role", org.ProblemRole)
}

// TestChangesShowOnTheNextRequest also has mails tell those concerned.
func TestChangesShowOnTheNextRequest(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	unproven := w.person("unproven", func(in *account.NewUser) { in.Verified = false })
	w.org("acme", ada, nil)
	w.check(w.Add(t.Context(), operator, "acme", bob.user.ID, ""))
	if bob.in() != "acme:member" {
		t.Errorf("added: %s", bob.in())
	}
	w.fails("added again", w.Add(t.Context(), operator, "acme", bob.user.ID, "admin"), authcore.ErrConflict)
	w.fails("adding nobody", w.Add(t.Context(), operator, "acme", "nobody", ""), authcore.ErrNotFound)
	w.refuses("adding to an unknown role", w.Add(t.Context(), operator, "acme", unproven.user.ID, "king"), "role", org.ProblemRole)
	w.check(w.Add(t.Context(), operator, "acme", unproven.user.ID, ""))
	w.check(w.SetRole(t.Context(), ada.actor(), "acme", bob.user.ID, "admin"))
	if bob.in() != "acme:admin" {
		t.Errorf("promoted: %s", bob.in())
	}
	w.check(w.Rename(t.Context(), bob2owner(w, ada, bob), "acme", "Acme & Sons"))
	if o := bob.live().Identity.Org; o.Name != "Acme & Sons" {
		t.Errorf("renamed: %+v", o)
	}
	w.check(w.Remove(t.Context(), ada.actor(), "acme", bob.user.ID))
	if bob.in() != ":" || len(bob.live().Identity.Orgs) > 0 {
		t.Errorf("removed: %+v", bob.live().Identity)
	}
	if l := w.letters(mail.OrgJoined); len(l) != 1 || l[0].To != "bob@example.com" || l[0].Values["org"] != "The acme" || l[0].Path != "/orgs" {
		t.Errorf("mails to those who joined: %+v", l)
	}
	if l := w.letters(mail.OrgLeft); len(l) != 1 || l[0].To != "bob@example.com" {
		t.Errorf("mails to those who left: %+v", l)
	}
}

// bob2owner makes Bob an owner by Ada, and acts as him.
func bob2owner(w *world, ada, bob *person) org.Actor {
	w.check(w.SetRole(w.t.Context(), ada.actor(), "acme", bob.user.ID, "owner"))
	return bob.actor()
}

// TestMembersAreFound by page, name and address.
func TestMembersAreFound(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	w.org("acme", ada, nil)
	for i := range 104 {
		name := "Member " + string(rune('A'+i%26))
		user, err := w.accounts.Draft(account.NewUser{Email: "m" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + "@example.com", Name: name, NoPassword: true, Verified: true})
		w.check(err)
		w.check(w.db.Create(t.Context(), user, "", audit.New(w.now(), audit.UserCreate, client)))
		w.check(w.Add(t.Context(), operator, "acme", user.ID, ""))
	}
	first, err := w.ListMembers(t.Context(), ada.actor(), "acme", "", "")
	w.check(err)
	rest, err := w.ListMembers(t.Context(), ada.actor(), "acme", "", first.Next)
	w.check(err)
	if len(first.Members) != 100 || len(rest.Members) != 5 || rest.Next != "" || first.All != 105 || first.WithoutTwoStep != 105 || first.Role != "owner" {
		t.Errorf("%d and %d of %d members, then %q", len(first.Members), len(rest.Members), first.All, rest.Next)
	}
	for text, n := range map[string]int{"MEMBER b": 4, " mab@ ": 1, "%": 0, "ada@example.com": 1} {
		found, err := w.ListMembers(t.Context(), ada.actor(), "acme", text, "")
		w.check(err)
		if len(found.Members) != n {
			t.Errorf("%q finds %d", text, len(found.Members))
		}
	}
	some, all, err := w.Affected(t.Context(), ada.actor(), "acme", authcore.OrgRules{TwoStep: true}, 20)
	w.check(err)
	if len(some) != 20 || all != 105 {
		t.Errorf("%d of %d would be affected", len(some), all)
	}
}

// TestDeletingAnOwner: an account that organizations need is not deleted.
func TestDeletingAnOwner(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, map[*person]string{bob: "member"})
	w.org("alone", ada, nil)
	deletions := deletion.New(deletion.Deps{
		Rules: deletion.Rules{Mode: deletion.Hard, Grace: deletion.DefaultGrace}, Users: w.db, Store: w.db, Accounts: w.accounts, Sessions: w.sessions,
		Owner: "owner", Sealer: w.box, Events: w, Clock: w.now,
	})
	for who, try := range map[string]func() error{
		"the user":    func() error { return deletions.Schedule(t.Context(), ada.live(), good, client) },
		"an operator": func() error { return deletions.Delete(t.Context(), ada.user, client) },
	} {
		var sole *deletion.SoleOwnerError
		if err := try(); !errors.As(err, &sole) || len(sole.Orgs) != 1 || sole.Orgs[0].Slug != "acme" || sole.Orgs[0].Name != "The acme" {
			t.Errorf("by %s: %v", who, err)
		}
	}
	ada.live() // still signed in
	w.check(w.Transfer(t.Context(), ada.actor(), "acme", bob.user.ID))
	w.check(deletions.Schedule(t.Context(), ada.live(), good, client))
	w.fails("leaving it to an account that will be deleted", w.Leave(t.Context(), bob.actor(), "acme"), org.ErrLastOwner)
	w.check(deletions.Delete(t.Context(), ada.user, client))
	if got := w.members("acme"); len(got) != 1 || got["bob@example.com"] != "owner" {
		t.Errorf("members: %v", got)
	}
	w.fails("an organization without members", getAs(w, operator, "alone"), authcore.ErrNotFound)
	if e := w.trail(o.ID)[0]; e.Action != audit.OrgMemberRemove || e.UserID != ada.user.ID {
		t.Errorf("%+v", e)
	}
}

func getAs(w *world, a org.Actor, slug string) error {
	_, err := w.Get(context.Background(), a, slug)
	return err
}
