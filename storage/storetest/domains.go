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

// Domains tests org.Domains.
func Domains(t *testing.T, open func(testing.TB) Orgs) {
	cases(t, open, map[string]func(context.Context, *testing.T, Orgs){
		"add, verify, remove": testDomain,
		"first come":          testDomainRace,
		"limit":               testDomainLimit,
		"mail":                testDomainMail,
		"mail quota":          testDomainQuota,
		"ask and refuse":      testAsk,
		"ask and be admitted": testAdmit,
		"join":                testJoin,
	})
}

func newDomain(o org.Org, name string) org.Domain {
	return org.Domain{OrgID: o.ID, Name: name, Role: plain, Ask: true, Challenge: "sigra-domain=" + o.Slug, CreatedAt: now()}
}

func (s Orgs) addDomain(ctx context.Context, o org.Org, name string) error {
	return s.AddDomain(ctx, operator, newDomain(o, name), 0, orgEvent(audit.OrgDomainAdd, o.ID))
}

func (s Orgs) verify(ctx context.Context, o org.Org, name string) error {
	return s.VerifyDomain(ctx, operator, o.ID, name, nil, orgEvent(audit.OrgDomainVerify, o.ID))
}

func testDomain(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	d := newDomain(o, "example.com")
	must(t, s.AddDomain(ctx, byOwner(boss.ID), d, 0, orgEvent(audit.OrgDomainAdd, o.ID)))
	d.Role, d.Ask, d.Challenge = manager, false, "sigra-domain=other"
	must(t, s.AddDomain(ctx, byOwner(boss.ID), d, 1, orgEvent(audit.OrgDomainAdd, o.ID))) // in its place
	must(t, s.addDomain(ctx, o, "another.example"))
	list, err := s.Domains(ctx, o.ID)
	if err != nil || len(list) != 2 || list[0].Name != "another.example" || !list[0].Ask {
		t.Errorf("%+v, %v", list, err)
	}
	same(t, "the domain", list[1], d)
	_, _, err = s.ByDomain(ctx, "example.com")
	wantError(t, err, authcore.ErrNotFound) // not proven
	wantError(t, s.verify(ctx, o, "example.org"), authcore.ErrNotFound)
	event := orgEvent(audit.OrgDomainVerify, o.ID)
	must(t, s.VerifyDomain(ctx, byOwner(boss.ID), o.ID, "example.com", nil, event))
	got, of, err := s.ByDomain(ctx, "example.com")
	must(t, err)
	d.VerifiedAt = event.At.Truncate(time.Microsecond)
	same(t, "the domain", got, d)
	same(t, "its organization", of, o)
	must(t, s.verify(ctx, o, "example.com")) // again
	remove := func() error {
		return s.RemoveDomain(ctx, byOwner(boss.ID), o.ID, "example.com", orgEvent(audit.OrgDomainRemove, o.ID))
	}
	must(t, remove())
	wantError(t, remove(), authcore.ErrNotFound)
	_, _, err = s.ByDomain(ctx, "example.com")
	wantError(t, err, authcore.ErrNotFound)
}

// testDomainRace is an attack on a domain: whoever proves it second must not have
// its users.
func testDomainRace(ctx context.Context, t *testing.T, s Orgs) {
	orgs := make([]org.Org, 10)
	for i := range orgs {
		orgs[i], _ = s.org(ctx, t, fmt.Sprint("acme-", i))
		must(t, s.addDomain(ctx, orgs[i], "example.com"))
	}
	wantWinners(t, concurrently(len(orgs), func(i int) error { return s.verify(ctx, orgs[i], "example.com") }), 1, authcore.ErrConflict)
	_, first, err := s.ByDomain(ctx, "example.com")
	must(t, err)
	late, _ := s.org(ctx, t, "late")
	wantError(t, s.addDomain(ctx, late, "example.com"), authcore.ErrConflict)
	wantError(t, s.addDomain(ctx, first, "example.com"), authcore.ErrConflict) // it is verified
	must(t, s.delete(ctx, operator, first))
	must(t, s.addDomain(ctx, late, "example.com"))
	must(t, s.verify(ctx, late, "example.com"))
}

func testDomainLimit(ctx context.Context, t *testing.T, s Orgs) {
	o, _ := s.org(ctx, t, "acme")
	wantWinners(t, concurrently(6, func(i int) error {
		return s.AddDomain(ctx, operator, newDomain(o, fmt.Sprintf("example-%d.com", i)), 3, orgEvent(audit.OrgDomainAdd, o.ID))
	}), 3, org.ErrLimit)
}

func testDomainMail(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	for _, of := range []org.Org{o, other} {
		must(t, s.addDomain(ctx, of, "example.com"))
		must(t, s.addDomain(ctx, of, "example.org"))
	}
	proof := domainToken(o, "example.com")
	must(t, s.MailProof(ctx, byOwner(boss.ID), o.ID, proof, org.Quota{}, orgEvent(audit.OrgDomainAdd, o.ID), laterJob()))
	verify := func(o org.Org, name string, hash []byte) error {
		return s.VerifyDomain(ctx, operator, o.ID, name, hash, orgEvent(audit.OrgDomainVerify, o.ID))
	}
	for _, err := range []error{
		verify(other, "example.com", proof.Hash), verify(o, "example.org", proof.Hash),
		verify(o, "example.com", make([]byte, 32)), verify(o, "example.com", []byte{}),
	} {
		wantError(t, err, authcore.ErrNotFound)
	}
	late := orgEvent(audit.OrgDomainVerify, o.ID)
	late.At = proof.ExpiresAt
	wantError(t, s.VerifyDomain(ctx, operator, o.ID, "example.com", proof.Hash, late), authcore.ErrNotFound)
	must(t, verify(o, "example.com", proof.Hash))
	wantError(t, verify(o, "example.com", proof.Hash), authcore.ErrNotFound) // used up
	_, of, err := s.ByDomain(ctx, "example.com")
	must(t, err)
	same(t, "its organization", of, o)
}

func testDomainQuota(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	q := org.Quota{PerUser: 2, Since: now().Add(-time.Hour)}
	mail := func() error {
		return s.MailProof(ctx, byOwner(boss.ID), o.ID, domainToken(o, "example.com"), q, orgEvent(audit.OrgDomainAdd, o.ID), laterJob())
	}
	must(t, s.Invite(ctx, byOwner(boss.ID), newInvitation(o, "ada", plain), owner, q, orgEvent(audit.OrgInvite, o.ID)))
	must(t, mail())
	must(t, mail())
	wantError(t, mail(), org.ErrLimit)
	must(t, s.Invite(ctx, byOwner(boss.ID), newInvitation(o, "bob", plain), owner, q, orgEvent(audit.OrgInvite, o.ID)))
}

func testAsk(ctx context.Context, t *testing.T, s Orgs) {
	o, boss := s.org(ctx, t, "acme")
	other, _ := s.org(ctx, t, "other")
	ada, bob := s.user(ctx, t, "ada"), s.user(ctx, t, "bob")
	ask := func(o org.Org, userID string) error {
		return s.Ask(ctx, o.ID, userID, orgEvent(audit.OrgJoinAsk, o.ID).Of(userID))
	}
	for _, id := range []string{ada.ID, ada.ID, bob.ID, ada.ID} {
		must(t, ask(o, id))
	}
	must(t, ask(other, ada.ID))
	for _, want := range []struct {
		userID string
		asked  bool
	}{{ada.ID, true}, {boss.ID, false}} {
		if asked, err := s.Asked(ctx, o.ID, want.userID); err != nil || asked != want.asked {
			t.Errorf("asked: %t, %v", asked, err)
		}
	}
	wantError(t, ask(o, boss.ID), authcore.ErrConflict)
	wantError(t, ask(o, newID()), authcore.ErrNotFound)
	wantError(t, ask(newOrg("none"), ada.ID), authcore.ErrNotFound)
	requests, err := s.Requests(ctx, o.ID, "", 10)
	must(t, err)
	if len(requests) != 2 || requests[0].UserID != ada.ID || requests[0].At.IsZero() || requests[0].Email != ada.Email || requests[1].Name != bob.Name {
		t.Errorf("%+v", requests)
	}
	requests, err = s.Requests(ctx, o.ID, "", 1)
	if err != nil || len(requests) != 1 || requests[0].UserID != ada.ID {
		t.Errorf("%+v, %v", requests, err)
	}
	requests, err = s.Requests(ctx, o.ID, ada.ID, 10)
	if err != nil || len(requests) != 1 || requests[0].UserID != bob.ID {
		t.Errorf("after the first: %+v, %v", requests, err)
	}
	same(t, "the trail", s.actions(ctx, t, o), []audit.Action{audit.OrgJoinAsk, audit.OrgJoinAsk, audit.OrgCreate})
	refuse := func() error {
		return s.Refuse(ctx, byManager(boss.ID), o.ID, ada.ID, orgEvent(audit.OrgJoinRefuse, o.ID))
	}
	must(t, refuse())
	wantError(t, refuse(), authcore.ErrNotFound)
	requests, err = s.Requests(ctx, other.ID, "", 10)
	must(t, err)
	same(t, "the requests to the other", len(requests), 1)
}
