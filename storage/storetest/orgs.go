package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Organizations tests org.Store.
func Organizations(t *testing.T, open func(testing.TB) Orgs) {
	cases(t, open, map[string]func(context.Context, *testing.T, Orgs){
		"create and find":          testCreateOrg,
		"change":                   testChangeOrg,
		"slug taken":               testSlugTaken,
		"slug, at once":            testSlugRace,
		"slug, given up and taken": testAliasRace,
		"alias":                    testAlias,
		"aliases, too many":        testAliasLimit,
		"renamed too often":        testRenameLimit,
		"personal, once":           testPersonalOrg,
		"limits":                   testOwnedLimit,
		"delete":                   testDeleteOrg,
		"events":                   testOrgEvents,
		"event refused, no change": testOrgEventRefused,
	})
}

func testCreateOrg(ctx context.Context, t *testing.T, s Orgs) {
	o, user := newOrg("acme"), s.user(ctx, t, "ada")
	o.Rules = authcore.OrgRules{TwoStep: true, MaxAge: 8 * time.Hour, Methods: []authcore.FactorKind{authcore.FactorPasskey}}
	must(t, s.create(ctx, o, user.ID, 0))
	for id, role := range map[string]string{user.ID: owner, "": ""} {
		got, err := s.Find(ctx, "acme", id)
		must(t, err)
		same(t, "the organization", got, org.Standing{Org: o, Role: role})
	}
	for slug, id := range map[string]string{"acme": newID(), "other": "", "Acme": user.ID} {
		_, err := s.Find(ctx, slug, id)
		wantError(t, err, authcore.ErrNotFound)
	}
	second := newOrg("second")
	must(t, s.create(ctx, second, "", 0))
	must(t, s.create(ctx, newOrg("third"), "", 0))
	_, err := s.Find(ctx, "second", user.ID)
	wantError(t, err, authcore.ErrNotFound) // it is another's
	first, err := s.All(ctx, "", 2)
	must(t, err)
	same(t, "the first", first, []org.Org{o, second})
	rest, err := s.All(ctx, second.ID, 2)
	if err != nil || len(rest) != 1 || rest[0].Slug != "third" {
		t.Errorf("%+v, %v", rest, err)
	}
	wantError(t, s.create(ctx, newOrg("fourth"), newID(), 0), authcore.ErrNotFound)
	_, err = s.Find(ctx, "fourth", "")
	wantError(t, err, authcore.ErrNotFound)
}

func testChangeOrg(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	read := o
	o.Name = "Acme \"&\" Co"
	o.Rules = authcore.OrgRules{TwoStep: true}
	must(t, s.change(ctx, byOwner(user.ID), o))
	got, err := s.Find(ctx, "acme", user.ID)
	must(t, err)
	if !got.UpdatedAt.After(o.UpdatedAt) {
		t.Errorf("changed at %s", got.UpdatedAt)
	}
	o.UpdatedAt = got.UpdatedAt
	same(t, "the organization", got.Org, o)
	read.Name = "As it was" // whoever has read it before must not put its rules back
	wantError(t, s.Change(ctx, byOwner(user.ID), read, org.Renaming{}, orgEvent(audit.OrgRename, o.ID)), org.ErrChanged)
	m, err := s.Memberships(ctx, user.ID)
	must(t, err)
	same(t, "its rules for a member", m.Orgs[0].Rules, o.Rules)
	got, err = s.Find(ctx, "other", "")
	must(t, err)
	same(t, "the other", got.Org, other)
	wantError(t, s.change(ctx, operator, newOrg("none")), authcore.ErrNotFound)
	same(t, "its trail", s.actions(ctx, t, o), []audit.Action{audit.OrgRename, audit.OrgCreate})
}

func testSlugTaken(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	wantError(t, s.create(ctx, newOrg("acme"), user.ID, 0), authcore.ErrConflict)
	moved := other
	moved.Slug = "acme"
	wantError(t, s.change(ctx, operator, moved), authcore.ErrConflict)
	_, err := s.Find(ctx, "other", "")
	must(t, err)
	same(t, "the memberships", s.slugs(ctx, t, user.ID), []string{"acme"})
	must(t, s.delete(ctx, operator, o))
	wantError(t, s.change(ctx, operator, moved), authcore.ErrConflict)
	wantError(t, s.create(ctx, newOrg("acme"), user.ID, 0), authcore.ErrConflict)
	_, err = s.FindAlias(ctx, "acme", "", now()) // it leads nowhere
	wantError(t, err, authcore.ErrNotFound)
	must(t, s.createLater(ctx, newOrg("acme"), org.AliasLife)) // it is free
}

func testSlugRace(ctx context.Context, t *testing.T, s Orgs) {
	other, _ := s.org(ctx, t, "other")
	other.Slug = "acme"
	user := s.user(ctx, t, "ada")
	wantWinners(t, concurrently(10, func(i int) error {
		if i%2 == 0 {
			return s.change(ctx, operator, other)
		}
		return s.create(ctx, newOrg("acme"), user.ID, 0)
	}), winnersOf(ctx, s, other.ID), authcore.ErrConflict)
}

// winnersOf is 5 when the organization that was changed five times over has the
// slug, else 1.
func winnersOf(ctx context.Context, s Orgs, id string) int {
	if got, err := s.Find(ctx, "acme", ""); err == nil && got.ID == id {
		return 5
	}
	return 1
}

// Whoever takes a slug while another gives it up must not get an alias.
func testAliasRace(ctx context.Context, t *testing.T, s Orgs) {
	for i := range 10 {
		o, _ := s.org(ctx, t, fmt.Sprint("acme-", i))
		moved := o
		moved.Slug = fmt.Sprint("moved-", i)
		errs := concurrently(2, func(n int) error {
			if n == 0 {
				return s.change(ctx, operator, moved)
			}
			return s.create(ctx, newOrg(o.Slug), "", 0)
		})
		must(t, errs[0])
		wantError(t, errs[1], authcore.ErrConflict)
	}
}

func testAlias(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	stranger := s.user(ctx, t, "eve")
	o.Slug = "better"
	must(t, s.change(ctx, byOwner(user.ID), o))
	_, err := s.Find(ctx, "acme", user.ID)
	wantError(t, err, authcore.ErrNotFound)
	got, err := s.FindAlias(ctx, "acme", user.ID, now())
	must(t, err)
	o.UpdatedAt = got.UpdatedAt
	same(t, "the organization", got, org.Standing{Org: o, Role: owner})
	for _, look := range []struct {
		slug, userID string
		at           time.Time
	}{{"acme", stranger.ID, now()}, {"better", user.ID, now()}, {"acme", user.ID, now().Add(org.AliasLife + time.Minute)}} {
		_, err := s.FindAlias(ctx, look.slug, look.userID, look.at)
		wantError(t, err, authcore.ErrNotFound)
	}
	wantError(t, s.create(ctx, newOrg("acme"), stranger.ID, 0), authcore.ErrConflict)
	o.Slug = "acme"
	must(t, s.change(ctx, byOwner(user.ID), o)) // its own
	_, err = s.FindAlias(ctx, "acme", user.ID, now())
	wantError(t, err, authcore.ErrNotFound)
	_, err = s.FindAlias(ctx, "better", user.ID, now())
	must(t, err)
	o.Slug = "best"
	must(t, s.change(ctx, operator, o))
	must(t, s.createLater(ctx, newOrg("acme"), org.AliasLife)) // that alias has ended
}

// createLater makes an organization after a while.
func (s Orgs) createLater(ctx context.Context, o org.Org, after time.Duration) error {
	event := orgEvent(audit.OrgCreate, o.ID)
	event.At = event.At.Add(after)
	return s.Create(ctx, o, "", owner, 0, event)
}

// The old slugs of one organization are few, so that nobody keeps names from others
// by changing theirs.
func testAliasLimit(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	rename := func(slug string, after time.Duration) error {
		var err error
		o.UpdatedAt, err = s.updatedAt(ctx, o.ID)
		must(t, err)
		o.Slug = slug
		event := orgEvent(audit.OrgSlugChange, o.ID)
		event.At = event.At.Add(after)
		return s.Change(ctx, byOwner(user.ID), o, org.Renaming{Aliases: 2}, event)
	}
	must(t, rename("second", 0))
	must(t, rename("third", time.Hour))
	must(t, rename("second", 2*time.Hour)) // back: its own is one no more
	begun := now()
	var limit *org.LimitError
	if err := rename("fourth", 3*time.Hour); !errors.As(err, &limit) || !errors.Is(err, org.ErrLimit) {
		t.Fatalf("one too many: %v", err)
	}
	if left := limit.Until.Sub(begun.Add(org.AliasLife)); left.Abs() > time.Minute {
		t.Errorf("there is room at %s", limit.Until)
	}
	_, err := s.Find(ctx, "second", user.ID)
	must(t, err)
	must(t, rename("fourth", org.AliasLife+time.Minute))
}

func testRenameLimit(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	first := now()
	change := func(name string, rules authcore.OrgRules, after time.Duration) error {
		var err error
		o.UpdatedAt, err = s.updatedAt(ctx, o.ID)
		must(t, err)
		o.Name, o.Rules = name, rules
		event := orgEvent(audit.OrgRename, o.ID)
		event.At = first.Add(after)
		return s.Change(ctx, byOwner(user.ID), o, org.Renaming{PerHour: 2}, event)
	}
	must(t, change("second", authcore.OrgRules{}, 0))
	must(t, change("third", authcore.OrgRules{}, 30*time.Minute))
	var limit *org.LimitError
	if err := change("fourth", authcore.OrgRules{}, 59*time.Minute); !errors.As(err, &limit) || !limit.Until.Equal(first.Add(time.Hour)) {
		t.Errorf("one too many: %v", err)
	}
	must(t, change("third", authcore.OrgRules{TwoStep: true}, 59*time.Minute)) // the rules are another matter
	must(t, change("fourth", authcore.OrgRules{}, time.Hour))
}

func testPersonalOrg(ctx context.Context, t *testing.T, s Orgs) {
	user, guest := s.user(ctx, t, "ada"), s.user(ctx, t, "grace")
	personal := func(slug string) org.Org {
		o := newOrg(slug)
		o.PersonalOf = user.ID
		return o
	}
	wantWinners(t, concurrently(10, func(i int) error {
		return s.create(ctx, personal(fmt.Sprint("ada-", i)), user.ID, 0)
	}), 1, authcore.ErrConflict)
	must(t, s.create(ctx, newOrg("acme"), user.ID, 1)) // the personal one does not count
	m, err := s.Memberships(ctx, user.ID)
	must(t, err)
	if len(m.Orgs) != 2 || m.Orgs[0].Personal || !m.Orgs[1].Personal {
		t.Fatalf("%+v", m)
	}
	own, err := s.Find(ctx, m.Orgs[1].Slug, user.ID)
	must(t, err)
	same(t, "the user", own.PersonalOf, user.ID)
	must(t, s.add(ctx, operator, own.Org, guest.ID, plain))
	m, err = s.Memberships(ctx, guest.ID)
	if err != nil || len(m.Orgs) != 1 || m.Orgs[0].Personal { // somebody else's
		t.Errorf("%+v, %v", m, err)
	}
	must(t, s.delete(ctx, operator, own.Org))
	must(t, s.create(ctx, personal("again"), user.ID, 0))
}

func testOwnedLimit(ctx context.Context, t *testing.T, s Orgs) {
	user := s.user(ctx, t, "ada")
	other, _ := s.org(ctx, t, "other")
	must(t, s.add(ctx, operator, other, user.ID, plain)) // not owned
	wantWinners(t, concurrently(8, func(i int) error {
		return s.create(ctx, newOrg(fmt.Sprint("org-", i)), user.ID, 3)
	}), 3, org.ErrLimit)
	same(t, "the memberships", len(s.slugs(ctx, t, user.ID)), 4)
	must(t, s.create(ctx, newOrg("more"), user.ID, 0))
	wantError(t, s.create(ctx, newOrg("too-many"), user.ID, 4), org.ErrLimit)
	gone, err := s.Find(ctx, "more", user.ID)
	must(t, err)
	must(t, s.delete(ctx, operator, gone.Org))
	must(t, s.create(ctx, newOrg("instead"), user.ID, 4))
}

func testDeleteOrg(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	invited := s.invite(ctx, t, o, user, "grace", plain)
	must(t, s.addDomain(ctx, o, "example.com"))
	must(t, s.verify(ctx, o, "example.com"))
	asking := s.user(ctx, t, "eve")
	must(t, s.Ask(ctx, o.ID, asking.ID, orgEvent(audit.OrgJoinAsk, o.ID)))
	before := o.Slug
	o.Slug = "better"
	must(t, s.change(ctx, operator, o))
	must(t, s.delete(ctx, byOwner(user.ID), o))
	same(t, "the memberships", len(s.slugs(ctx, t, user.ID)), 0)
	same(t, "the members", len(s.roles(ctx, t, o)), 0)
	if all, without, err := s.Count(ctx, o.ID); err != nil || all+without != 0 {
		t.Errorf("%d members, %d, %v", all, without, err)
	}
	_, err := s.Member(ctx, o.ID, user.ID)
	wantError(t, err, authcore.ErrNotFound)
	_, err = s.Find(ctx, o.Slug, "")
	wantError(t, err, authcore.ErrNotFound)
	_, err = s.FindAlias(ctx, before, "", now())
	wantError(t, err, authcore.ErrNotFound)
	_, _, err = s.Invitation(ctx, invited.Hash, "", now())
	wantError(t, err, authcore.ErrNotFound)
	wantError(t, s.accept(ctx, invited, s.user(ctx, t, "grace").ID), authcore.ErrNotFound)
	_, _, err = s.ByDomain(ctx, "example.com")
	wantError(t, err, authcore.ErrNotFound)
	requests, err := s.Requests(ctx, o.ID, "", 10)
	must(t, err)
	same(t, "the requests", len(requests), 0)
	ids, err := s.MemberIDs(ctx, o.ID, "", 10)
	must(t, err)
	same(t, "those whose sessions are told", ids, []string{user.ID})
	all, err := s.All(ctx, "", 10)
	must(t, err)
	same(t, "all organizations", len(all), 0)
	for _, slug := range []string{before, o.Slug} {
		wantError(t, s.create(ctx, newOrg(slug), user.ID, 0), authcore.ErrConflict)
	}
	wantError(t, s.delete(ctx, operator, o), authcore.ErrNotFound)
	wantError(t, s.add(ctx, operator, o, asking.ID, plain), authcore.ErrNotFound)
	same(t, "the last event", s.actions(ctx, t, o)[0], audit.OrgDelete)
}

func testOrgEvents(ctx context.Context, t *testing.T, s Orgs) {
	o, _ := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	must(t, s.Accounts.Note(ctx, newEvent(audit.Logout))) // of no organization
	var written []audit.Event
	for range 5 {
		e := orgEvent(audit.OrgSwitch, o.ID).By(audit.ActorUser, "u").Of("u")
		e.At = e.At.Truncate(time.Microsecond)
		must(t, s.Accounts.Note(ctx, e))
		must(t, s.Accounts.Note(ctx, orgEvent(audit.OrgSwitch, other.ID)))
		written = append([]audit.Event{e}, written...)
	}
	first, err := s.Events(ctx, o.ID, "", 3)
	must(t, err)
	same(t, "the newest", first, written[:3])
	rest, err := s.Events(ctx, o.ID, first[2].ID, 100)
	must(t, err)
	if len(rest) != 3 || rest[2].Action != audit.OrgCreate {
		t.Errorf("%+v", rest)
	}
	for _, id := range []string{"", newID()} {
		none, err := s.Events(ctx, id, "", 10)
		must(t, err)
		same(t, "events of no organization", len(none), 0)
	}
}

// testOrgEventRefused shows that a change, its event and its jobs commit together or
// not at all.
func testOrgEventRefused(ctx context.Context, t *testing.T, s Orgs) {
	o, user := s.org(ctx, t, "acme")
	waiting, err := s.Queue.Counts(ctx)
	must(t, err)
	renamed, bad := o, orgEvent("organization.made_up", o.ID)
	renamed.Slug = "renamed"
	changes := map[string]error{
		"create": s.Create(ctx, newOrg("second"), user.ID, owner, 0, bad, laterJob()),
		"change": s.Change(ctx, operator, renamed, org.Renaming{}, bad, laterJob()),
		"delete": s.Delete(ctx, operator, o.ID, bad, laterJob()),
		"add":    s.Add(ctx, operator, o.ID, s.user(ctx, t, "grace").ID, plain, owner, bad, laterJob()),
	}
	for name, err := range changes {
		if err == nil {
			t.Errorf("%s: an unlisted action was accepted", name)
		}
	}
	same(t, "the memberships", s.slugs(ctx, t, user.ID), []string{"acme"})
	same(t, "the members", len(s.roles(ctx, t, o)), 1)
	wantCounts(ctx, t, s.Queue, waiting)
}
