package org_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/org"
)

// proven adds a domain and proves it by DNS.
func (w *world) proven(slug, name, role string, ask bool) {
	w.t.Helper()
	d, err := w.AddDomain(w.t.Context(), operator, slug, name, role, ask)
	w.check(err)
	w.dns[d.Name] = []string{d.Challenge}
	w.check(w.VerifyByDNS(w.t.Context(), operator, slug, name))
}

// joinable is the organization that somebody may join, as slug:role.
func (w *world) joinable(p *person) string {
	w.t.Helper()
	j, err := w.Joinable(w.t.Context(), p.live())
	w.check(err)
	if j == nil {
		return ""
	}
	return j.Org.Slug + ":" + j.Role
}

func TestDomainByDNS(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, nil)
	d, err := w.AddDomain(t.Context(), ada.actor(), "acme", " Example.COM ", "", false)
	w.check(err)
	if d.Name != "example.com" || d.Role != "member" || !strings.HasPrefix(d.Challenge, "sigra-domain=") || len(d.Challenge) < 30 {
		t.Errorf("%+v", d)
	}
	for name, records := range map[string][]string{"none": nil, "others": {"v=spf1 -all", "sigra-domain=", d.Challenge + "x", "x" + d.Challenge, strings.ToUpper(d.Challenge)}} {
		w.dns["example.com"] = records
		w.fails(name, w.VerifyByDNS(t.Context(), ada.actor(), "acme", "example.com"), org.ErrUnproven)
	}
	delete(w.dns, "example.com")
	w.fails("no such name", w.VerifyByDNS(t.Context(), ada.actor(), "acme", "example.com"), org.ErrUnproven)
	if got := w.joinable(bob); got != "" {
		t.Errorf("not proven, it opens %s", got)
	}
	_, err = w.Join(t.Context(), bob.actor(), "acme")
	w.fails("joining by it", err, authcore.ErrNotFound)
	w.dns["example.com"] = []string{"v=spf1 -all", d.Challenge}
	w.check(w.VerifyByDNS(t.Context(), ada.actor(), "acme", "EXAMPLE.com"))
	w.noted(o.ID, audit.OrgDomainVerify, ada)
	if e := w.trail(o.ID)[0]; e.Metadata["domain"] != "example.com" || e.Metadata["method"] != "dns" {
		t.Errorf("%+v", e)
	}
	if got := w.joinable(bob); got != "acme:member" {
		t.Errorf("proven, it opens %q", got)
	}
	w.check(w.RemoveDomain(t.Context(), ada.actor(), "acme", "Example.com"))
	if got := w.joinable(bob); got != "" {
		t.Errorf("removed, it opens %s", got)
	}
}

func TestDomainByMail(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	o := w.org("acme", ada, nil)
	_, err := w.AddDomain(t.Context(), ada.actor(), "acme", "bücher.example", "", false)
	w.check(err)
	for _, mailbox := range []string{"ada", "", "Postmaster", "postmaster@example.com", "postmaster,eve"} {
		w.refuses(mailbox, w.MailProof(t.Context(), ada.actor(), "acme", "bücher.example", mailbox), "mailbox", account.ProblemValue)
	}
	var codes []string
	for _, mailbox := range org.Mailboxes {
		w.check(w.MailProof(t.Context(), ada.actor(), "acme", "bücher.example", mailbox))
		l := w.last(mail.OrgDomain)
		if l.To != mailbox+"@xn--bcher-kva.example" || l.Values["domain"] != "xn--bcher-kva.example" || l.Values["org"] != "The acme" || l.Path != "" {
			t.Errorf("%+v", l)
		}
		codes = append(codes, l.Values["code"])
	}
	verify := func(code string) error {
		return w.VerifyByMail(t.Context(), ada.actor(), "acme", "bücher.example", code)
	}
	for _, code := range []string{"", "x", strings.Repeat("A", 43)} {
		w.refuses("a wrong code", verify(code), "code", account.ProblemWrongCode)
	}
	w.check(verify(" " + codes[2] + "\n"))
	w.noted(o.ID, audit.OrgDomainVerify, ada)
	w.refuses("the same code again", verify(codes[2]), "code", account.ProblemWrongCode)
	w.check(w.MailProof(t.Context(), operator, "acme", "bücher.example", "admin"))
	w.pass(25 * time.Hour)
	ada.signIn()
	w.refuses("a code of yesterday", verify(w.last(mail.OrgDomain).Values["code"]), "code", account.ProblemWrongCode)
}

func TestDomainsRefused(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	w.org("acme", ada, nil)
	for _, name := range []string{"", "com", "example", "example..com", "example.com.", ".example.com", "ada@example.com", "https://example.com", "example.com/x", "exa mple.com", "example.com:443", "_dmarc.example.com", strings.Repeat("a", 64) + ".com", strings.Repeat("abc.", 64) + "com"} {
		_, err := w.AddDomain(t.Context(), ada.actor(), "acme", name, "", false)
		w.refuses(name, err, "domain", org.ProblemDomain)
	}
	_, err := w.AddDomain(t.Context(), ada.actor(), "acme", "example.com", "owner", true)
	w.refuses("that makes owners", err, "role", org.ProblemRole)
	_, err = w.AddDomain(t.Context(), ada.actor(), "acme", "example.com", "king", true)
	w.refuses("with an unknown role", err, "role", org.ProblemRole)
	for i := range 20 {
		_, err := w.AddDomain(t.Context(), ada.actor(), "acme", strings.Repeat("x", i+1)+".example", "", false)
		w.check(err)
	}
	_, err = w.AddDomain(t.Context(), ada.actor(), "acme", "example.com", "", false)
	w.fails("one too many", err, org.ErrLimit)
	_, err = w.AddDomain(t.Context(), ada.actor(), "acme", "x.example", "admin", true)
	w.check(err) // in place of the old one
}

// TestDomainOfTwo: whoever proves a domain first has it, until they give it up.
func TestDomainOfTwo(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
	w.org("acme", ada, nil)
	w.org("initech", bob, nil)
	for _, slug := range []string{"acme", "initech"} {
		d, err := w.AddDomain(t.Context(), operator, slug, "example.com", "", false)
		w.check(err)
		w.dns["example.com"] = append(w.dns["example.com"], d.Challenge)
	}
	w.check(w.MailProof(t.Context(), operator, "acme", "example.com", "admin"))
	code := w.last(mail.OrgDomain).Values["code"]
	w.check(w.VerifyByDNS(t.Context(), bob.actor(), "initech", "example.com"))
	w.fails("the second, by DNS", w.VerifyByDNS(t.Context(), ada.actor(), "acme", "example.com"), authcore.ErrConflict)
	w.fails("the second, by mail", w.VerifyByMail(t.Context(), ada.actor(), "acme", "example.com", code), authcore.ErrConflict)
	w.org("third", eve, nil)
	_, err := w.AddDomain(t.Context(), eve.actor(), "third", "example.com", "", false)
	w.fails("added by a third", err, authcore.ErrConflict)
	if got := w.joinable(eve); got != "initech:member" {
		t.Errorf("it opens %q", got)
	}
	w.check(w.Delete(t.Context(), bob.actor(), "initech", "The initech"))
	w.check(w.VerifyByMail(t.Context(), ada.actor(), "acme", "example.com", code))
	if got := w.joinable(eve); got != "acme:member" {
		t.Errorf("it opens %q then", got)
	}
}

func TestJoinByDomain(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	unproven := w.person("unproven", func(in *account.NewUser) { in.Verified = false })
	elsewhere := w.person("x", func(in *account.NewUser) { in.Email = "x@sub.example.com" })
	o := w.org("acme", ada, nil)
	w.proven("acme", "example.com", "admin", false)
	if w.joinable(unproven) != "" || w.joinable(elsewhere) != "" || w.joinable(ada) != "" {
		t.Errorf("opened to who is not meant: %q %q %q", w.joinable(unproven), w.joinable(elsewhere), w.joinable(ada))
	}
	for _, p := range []*person{unproven, elsewhere, ada} {
		_, err := w.Join(t.Context(), p.actor(), "acme")
		w.fails(p.user.Email, err, authcore.ErrNotFound)
	}
	joined, err := w.Join(t.Context(), bob.actor(), "acme")
	if err != nil || !joined || bob.in() != "acme:admin" {
		t.Errorf("joined %v, %v; acts in %s", joined, err, bob.in())
	}
	var found bool
	for _, e := range w.trail(o.ID) {
		found = found || e.Action == audit.OrgMemberAdd && e.ActorID == bob.user.ID && e.Metadata["method"] == "domain"
	}
	if !found {
		t.Errorf("not noted: %+v", w.trail(o.ID))
	}
}

func TestAskToJoin(t *testing.T) {
	w := newWorld(t)
	ada, bob, eve, mia := w.person("ada"), w.person("bob"), w.person("eve"), w.person("mia")
	o := w.org("acme", ada, map[*person]string{mia: "admin"})
	w.proven("acme", "example.com", "", true)
	for _, p := range []*person{bob, eve, bob} {
		joined, err := w.Join(t.Context(), p.actor(), "acme")
		if err != nil || joined || p.in() != ":" {
			t.Errorf("%s: joined %v, %v, acts in %s", p.user.Email, joined, err, p.in())
		}
	}
	asked := 0
	for _, e := range w.trail(o.ID) {
		if e.Action == audit.OrgJoinAsk {
			asked++
		}
	}
	got, err := w.Requests(t.Context(), mia.actor(), "acme", "")
	w.check(err)
	list := got.Requests
	if len(list) != 2 || list[0].Email != "bob@example.com" || asked != 2 {
		t.Fatalf("%+v, noted %d times", list, asked)
	}
	w.check(w.Admit(t.Context(), mia.actor(), "acme", bob.user.ID, ""))
	if bob.in() != "acme:member" || w.last(mail.OrgJoined).To != "bob@example.com" {
		t.Errorf("acts in %s, told %+v", bob.in(), w.last(mail.OrgJoined))
	}
	w.fails("again", w.Admit(t.Context(), mia.actor(), "acme", bob.user.ID, ""), authcore.ErrNotFound)
	w.check(w.Refuse(t.Context(), mia.actor(), "acme", eve.user.ID))
	w.fails("refused again", w.Refuse(t.Context(), mia.actor(), "acme", eve.user.ID), authcore.ErrNotFound)
	w.fails("admitted then", w.Admit(t.Context(), mia.actor(), "acme", eve.user.ID, ""), authcore.ErrNotFound)
	if list, err := w.Requests(t.Context(), mia.actor(), "acme", ""); err != nil || len(list.Requests) > 0 || eve.in() != ":" {
		t.Errorf("%+v, %v; Eve acts in %s", list, err, eve.in())
	}
}

// TestRequestsArePaged like members.
func TestRequestsArePaged(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada")
	o := w.org("acme", ada, nil)
	asking := make(map[string]bool)
	for i := range 105 {
		user, err := w.accounts.Add(t.Context(), account.NewUser{Email: fmt.Sprintf("u%d@example.com", i), Password: good, Verified: true})
		w.check(err)
		w.check(w.db.Orgs().Ask(t.Context(), o.ID, user.ID, audit.New(w.now(), audit.OrgJoinAsk, client)))
		asking[user.ID] = true
	}
	pages := 0
	for after := ""; ; pages++ {
		list, err := w.Requests(t.Context(), ada.actor(), "acme", after)
		w.check(err)
		for _, r := range list.Requests {
			if !asking[r.UserID] {
				t.Errorf("%s twice, or not at all", r.Email)
			}
			delete(asking, r.UserID)
		}
		if after = list.Next; after == "" {
			break
		}
	}
	if len(asking) > 0 || pages != 1 {
		t.Errorf("%d are not listed, on %d further pages", len(asking), pages)
	}
}

type joining = org.Joining

// meanwhile has something happen just before a membership is stored.
type meanwhile struct {
	joining
	happen func()
}

func (m meanwhile) Join(ctx context.Context, d org.Domain, userID string, event audit.Event, jobs ...job.Job) error {
	m.happen()
	return m.joining.Join(ctx, d, userID, event, jobs...)
}

// TestDomainChangesMeanwhile: what counts is how it is when the membership is made.
func TestDomainChangesMeanwhile(t *testing.T) {
	for name, happen := range map[string]func(w *world, bob *person){
		"removed":      func(w *world, _ *person) { w.check(w.RemoveDomain(t.Context(), operator, "acme", "example.com")) },
		"another role": func(w *world, _ *person) { w.again("member", false) },
		"asks":         func(w *world, _ *person) { w.again("admin", true) },
		"moved":        func(w *world, bob *person) { w.moveTo(bob, "bob@example.net") },
	} {
		w := newWorld(t)
		bob := w.person("bob")
		w.org("acme", w.person("ada"), nil)
		w.proven("acme", "example.com", "admin", false)
		a := bob.actor()
		w.Service.Joining = meanwhile{w.Service.Joining, func() { happen(w, bob) }}
		_, err := w.Join(t.Context(), a, "acme")
		w.fails(name, err, authcore.ErrNotFound)
		if got := w.members("acme"); len(got) != 1 {
			t.Errorf("%s: members %v", name, got)
		}
	}
}

// again adds the domain anew, in another way.
func (w *world) again(role string, ask bool) {
	w.check(w.RemoveDomain(w.t.Context(), operator, "acme", "example.com"))
	w.proven("acme", "example.com", role, ask)
}

func TestMailProofQuota(t *testing.T) {
	w := newWorld(t, func(c *org.Config) { c.PerInviter = 2 })
	ada := w.person("ada")
	w.org("acme", ada, nil)
	_, err := w.AddDomain(t.Context(), ada.actor(), "acme", "example.com", "", false)
	w.check(err)
	sent := 0
	for err = error(nil); err == nil && sent < 10; sent++ {
		err = w.MailProof(t.Context(), ada.actor(), "acme", "example.com", "admin")
	}
	if !errors.Is(err, org.ErrLimit) || sent != 3 {
		t.Errorf("%d tries: %v", sent, err)
	}
}
