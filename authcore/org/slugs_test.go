package org_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/org"
)

func (w *world) create(a org.Actor, name, slug string) (org.Org, error) {
	w.t.Helper()
	return w.Create(w.t.Context(), a, org.NewOrg{Name: name, Slug: slug})
}

func TestSlugOfName(t *testing.T) {
	w := newWorld(t, func(c *org.Config) { c.MaxOwned, c.Reserved = 0, []string{"intern"} })
	ada := w.person("ada")
	for _, test := range []struct{ name, slug string }{
		{"Acme", "acme"},
		{"Acme", "acme-2"},
		{"ACME!", "acme-3"},
		{"  Acme   & Sons, Ltd. ", "acme-sons-ltd"},
		{"Café Zürich", "cafe-zurich"},
		{"Große Straße", "grosse-strasse"},
		{"Łódź Øresund Æther", "lodz-oresund-aether"},
		{"İstanbul", "istanbul"},
		{"3M", "org-3m"},
		{"東京", "org"},
		{"Αθήνα", "org-2"},
		{"Москва 24", "org-24"},
		{"شركة", "org-3"},
		{"ｆｕｌｌ　ｗｉｄｔｈ", "full-width"},
		{"Ⅷ ﬁne", "viii-fine"},
		{"a", "a-1"},
		{"ab", "ab-1"},
		{"Admin", "admin-1"},
		{"Intern", "intern-1"},
		{"---", "org-4"},
		{"a\u200bc\u202em\u0000e", "acme-4"},
		{strings.Repeat("x", 100), strings.Repeat("x", 54)},
		{strings.Repeat("ab ", 33), strings.TrimSuffix(strings.Repeat("ab-", 18), "-")},
	} {
		o, err := w.create(ada.actor(), test.name, "")
		w.check(err)
		if o.Slug != test.slug || !org.ValidSlug(o.Slug) {
			t.Errorf("%q has the slug %q, want %q", test.name, o.Slug, test.slug)
		}
	}
	// Names in other scripts end up alike, and must not run out.
	for range 25 {
		o, err := w.create(ada.actor(), "大阪", "")
		w.check(err)
		if !regexp.MustCompile(`^org-([0-9]+|[a-z0-9]{8})$`).MatchString(o.Slug) {
			t.Errorf("slug %q", o.Slug)
		}
	}
}

func TestSlugsThatNobodyMayTake(t *testing.T) {
	w := newWorld(t, func(c *org.Config) { c.Reserved = []string{"intern"} })
	ada, bob := w.person("ada"), w.person("bob")
	w.org("acme", bob, nil)
	for slug, problem := range map[string]account.Problem{
		"acme": org.ProblemSlugUsed, "ab": org.ProblemSlug, "-ab": org.ProblemSlug, "ab-": org.ProblemSlug, "1ab": org.ProblemSlug, "Acme": org.ProblemSlug,
		"ac me": org.ProblemSlug, "acmé": org.ProblemSlug, "a/b": org.ProblemSlug, "a..b": org.ProblemSlug, "admin": org.ProblemSlug, "new": org.ProblemSlug,
		"switch": org.ProblemSlug, "intern": org.ProblemSlug, strings.Repeat("x", 64): org.ProblemSlug, "acme\n": "",
		// Somebody else's personal workspace.
		"user-" + bob.user.ID: org.ProblemSlug,
	} {
		_, err := w.create(ada.actor(), "Name", slug)
		if problem == "" { // spaces around it do no harm
			problem = org.ProblemSlugUsed
		}
		w.refuses(fmt.Sprintf("%q", slug), err, "slug", problem)
	}
	for name, problem := range map[string]account.Problem{"": account.ProblemRequired, " \u200b\t": account.ProblemRequired, strings.Repeat("ü", 101): account.ProblemNameTooLong,
		"Pay at https://evil.example": org.ProblemNameLink, "WWW.evil.example": org.ProblemNameLink, "ww\u200bw.evil.example": org.ProblemNameLink, "x:\u2060//y": org.ProblemNameLink,
		"evil.xn--p1ai/login": org.ProblemNameLink, `evil.example\login`: org.ProblemNameLink, "192.0.2.1": org.ProblemNameLink} {
		_, err := w.create(ada.actor(), name, "fine")
		w.refuses(fmt.Sprintf("the name %q", name), err, "name", problem)
	}
	w.refuses("a link later", w.Rename(t.Context(), bob.actor(), "acme", "see www.evil.example"), "name", org.ProblemNameLink)
	for _, slug := range []string{"abc", "a-1", "a--b", strings.Repeat("x", 63), "user-1"} {
		_, err := w.create(ada.actor(), strings.Repeat("ü", 100), slug)
		w.fails(slug, err, nil)
	}
}

func TestCreate(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	o, err := w.create(ada.actor(), " Acme\n Inc ", "acme")
	w.check(err)
	if o.Name != "Acme Inc" || ada.in() != "acme:owner" {
		t.Errorf("%+v; the session acts in %s", o, ada.in())
	}
	if got := w.members("acme"); len(got) != 1 || got["ada@example.com"] != "owner" {
		t.Errorf("members %v", got)
	}
	trail := w.trail(o.ID)
	if e := trail[len(trail)-1]; e.Action != audit.OrgCreate || e.ActorID != ada.user.ID || e.UserID != ada.user.ID || e.Metadata["slug"] != "acme" {
		t.Errorf("%+v", e)
	}
	if w.events[len(w.events)-1] != events.OrgCreated {
		t.Errorf("events: %v", w.events)
	}
	// A user makes nobody else owner.
	bob := w.person("bob")
	o, err = w.Create(t.Context(), bob.actor(), org.NewOrg{Name: "Trap", Owner: ada.user.ID})
	w.check(err)
	if got := w.members("trap"); len(got) != 1 || got["bob@example.com"] != "owner" {
		t.Errorf("members of %s: %v", o.Slug, got)
	}
}

func TestWhoMayCreate(t *testing.T) {
	for creation, may := range map[org.Creation][2]bool{org.CreationOff: {false, false}, org.CreationAdmins: {false, true}, org.CreationAnyone: {true, true}} {
		w := newWorld(t, func(c *org.Config) { c.Creation, c.MaxOwned = creation, 2 })
		admin := func(in *account.NewUser) { in.Role = authcore.RoleAdmin }
		for i, p := range []*person{w.person("ada"), w.person("root", admin)} {
			want := error(nil)
			if !may[i] {
				want = org.ErrForbidden
			}
			_, err := w.create(p.actor(), "Acme", "")
			w.fails(fmt.Sprintf("%s: %s", creation, p.user.Email), err, want)
			if w.MayCreate(&p.live().Identity) != may[i] || w.Opened() != (creation != org.CreationOff) {
				t.Errorf("%s: may create %v, opened %v", creation, w.MayCreate(&p.live().Identity), w.Opened())
			}
			if err == nil {
				_, err = w.create(p.actor(), "Acme", "")
				w.check(err)
				_, err = w.create(p.actor(), "Acme", "")
				w.fails("one too many", err, org.ErrLimit)
			}
		}
	}
}

func TestOldSlug(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	w.org("acme", ada, map[*person]string{bob: "member"})
	w.refuses("without typing it", w.ChangeSlug(t.Context(), ada.actor(), "acme", "initech", "acmE"), "typed", org.ProblemTyped)
	w.refuses("to a bad one", w.ChangeSlug(t.Context(), ada.actor(), "acme", "x", "acme"), "slug", org.ProblemSlug)
	both := w.ChangeSlug(t.Context(), ada.actor(), "acme", "x", "acmE")
	w.refuses("to a bad one without typing it", both, "slug", org.ProblemSlug)
	w.refuses("to a bad one without typing it", both, "typed", org.ProblemTyped)
	w.check(w.ChangeSlug(t.Context(), ada.actor(), "acme", "initech", "acme"))
	if ada.in() != "initech:owner" {
		t.Errorf("the session of who has asked acts in %s", ada.in())
	}
	w.work()
	if bob.in() != "initech:member" {
		t.Errorf("the session acts in %s", bob.in())
	}
	moved := func(p *person) (string, error) { return w.Moved(t.Context(), p.actor(), "acme") }
	if slug, err := moved(bob); slug != "initech" || err != nil {
		t.Errorf("a member is led to %q, %v", slug, err)
	}
	_, err := moved(eve)
	w.fails("somebody else", err, authcore.ErrNotFound)
	w.fails("the old slug", getAs(w, ada.actor(), "acme"), authcore.ErrNotFound)
	taken := func() error { _, err := w.create(eve.actor(), "Acme", "acme"); return err }
	w.refuses("the old slug for somebody else", taken(), "slug", org.ProblemSlugUsed)
	if o, err := w.create(eve.actor(), "Acme", ""); err != nil || o.Slug != "acme-2" {
		t.Errorf("made of the name: %q, %v", o.Slug, err)
	}
	w.refuses("by another change", w.ChangeSlug(t.Context(), eve.actor(), "acme-2", "acme", "acme-2"), "slug", org.ProblemSlugUsed)
	w.pass(7*24*time.Hour - time.Minute)
	w.refuses("just before a week has passed", changeAs(w, "acme-2", "acme"), "slug", org.ProblemSlugUsed)
	w.pass(2 * time.Minute)
	if _, err := w.Moved(t.Context(), operator, "acme"); err == nil {
		t.Error("it leads on after a week")
	}
	w.check(changeAs(w, "acme-2", "acme"))
}

func changeAs(w *world, from, to string) error {
	return w.ChangeSlug(w.t.Context(), operator, from, to, "")
}

// TestSlugBack takes an old slug back, and changes it time and again.
func TestSlugBack(t *testing.T) {
	w := newWorld(t)
	w.org("acme", w.person("ada"), nil)
	for range 3 {
		w.check(changeAs(w, "acme", "initech"))
		w.check(changeAs(w, "initech", "acme"))
	}
	for alias, want := range map[string]string{"initech": "acme", "acme": ""} {
		if slug, _ := w.Moved(w.t.Context(), operator, alias); slug != want {
			t.Errorf("%s leads to %q", alias, slug)
		}
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, map[*person]string{bob: "member"})
	w.check(w.Invite(t.Context(), ada.actor(), "acme", "eve@example.com", ""))
	w.refuses("without typing the name", w.Delete(t.Context(), ada.actor(), "acme", "acme"), "typed", org.ProblemTyped)
	w.check(w.Delete(t.Context(), ada.actor(), "acme", " The  acme"))
	if bob.in() != ":" || len(ada.live().Identity.Orgs) > 0 {
		t.Errorf("sessions say %s and %v", bob.in(), ada.live().Identity.Orgs)
	}
	w.fails("to its owner", getAs(w, ada.actor(), "acme"), authcore.ErrNotFound)
	w.fails("to an operator", getAs(w, operator, "acme"), authcore.ErrNotFound)
	w.noted(o.ID, audit.OrgDelete, ada)
	_, err := w.create(bob.actor(), "Acme", "acme")
	w.refuses("its slug at once", err, "slug", org.ProblemSlugUsed)
	_, err = w.Moved(t.Context(), ada.actor(), "acme")
	w.fails("where its slug leads", err, authcore.ErrNotFound)
	w.pass(7*24*time.Hour + time.Minute)
	again, err := w.Create(t.Context(), operator, org.NewOrg{Name: "Acme", Slug: "acme", Owner: bob.user.ID})
	w.check(err)
	if again.ID == o.ID || len(w.members("acme")) != 1 {
		t.Errorf("the slug is taken again: %+v", again)
	}
}

// TestSlugChangedTimeAndAgain keeps three old slugs at most, and says when there is
// room for another.
func TestSlugChangedTimeAndAgain(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	w.org("acme", ada, nil)
	change := func(from, to string) error { return w.ChangeSlug(t.Context(), ada.actor(), from, to, from) }
	first := w.now()
	for _, step := range [][2]string{{"acme", "two"}, {"two", "three"}, {"three", "four"}} {
		w.check(change(step[0], step[1]))
	}
	var limit *org.LimitError
	if err := change("four", "five"); !errors.As(err, &limit) || limit.Until.Sub(first.Add(7*24*time.Hour)).Abs() > time.Minute {
		t.Errorf("the fourth within a week: %v", err)
	}
	if slug, err := w.Moved(t.Context(), ada.actor(), "acme"); slug != "four" || err != nil {
		t.Errorf("the first leads to %q, %v", slug, err)
	}
	w.check(w.ChangeSlug(t.Context(), operator, "four", "five", "")) // operators know what they do
}

func TestRenamedTimeAndAgain(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	w.org("acme", ada, nil)
	for i := range 10 {
		w.check(w.Rename(t.Context(), ada.actor(), "acme", fmt.Sprint("Acme ", i)))
	}
	w.fails("the eleventh within an hour", w.Rename(t.Context(), ada.actor(), "acme", "Acme"), org.ErrLimit)
	w.check(w.SetRules(t.Context(), ada.actor(), "acme", authcore.OrgRules{MaxAge: hour}))
	w.pass(hour)
	ada.signIn()
	w.check(w.Rename(t.Context(), ada.actor(), "acme", "Acme"))
}

// TestSlugsAreNotHoarded by making organizations and deleting them, whose slugs rest.
func TestSlugsAreNotHoarded(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	made := 0
	for i := range 20 {
		slug := fmt.Sprint("acme-", i)
		if _, err := w.Create(t.Context(), ada.actor(), org.NewOrg{Name: "Acme", Slug: slug}); err != nil {
			w.fails("one more", err, org.ErrLimit)
			break
		}
		made++
		w.check(w.Delete(t.Context(), ada.actor(), slug, "Acme"))
	}
	if made != 11 {
		t.Errorf("%d were made", made)
	}
	w.pass(8 * 24 * time.Hour)
	ada.signIn()
	if _, err := w.Create(t.Context(), ada.actor(), org.NewOrg{Name: "Acme", Slug: "acme"}); err != nil {
		t.Errorf("a week later: %v", err)
	}
}
