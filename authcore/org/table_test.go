package org_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

const hour = time.Hour

// strength orders the roles of members.
var strength = []string{"member", "admin", "owner"}

// expected is what somebody with a role is told of an action in a place.
func expected(act action, role, where string) error {
	switch {
	case role == "operator" && act.name == "Join":
		return act.operator
	case role != "operator" && act.user != nil:
		return act.user
	case where == "unknown":
		return authcore.ErrNotFound
	case role == "operator":
		return act.operator
	case where == "foreign" || role == "outsider":
		return authcore.ErrNotFound
	case slices.Index(strength, role) < slices.Index(strength, act.need):
		return org.ErrForbidden
	default:
		return nil
	}
}

// TestEveryRoleAndAction tries each method with each role in an organization of the
// actor's, in a foreign one and in none. What is refused changes nothing; what is
// done is noted, and changes nothing elsewhere.
func TestEveryRoleAndAction(t *testing.T) {
	s := newStage(newWorld(t, func(c *org.Config) { c.PerInviter, c.PerOrg = 0, 0 }))
	s.reset()
	cells := 0
	for _, act := range actions {
		for _, role := range []string{"operator", "owner", "admin", "member", "outsider"} {
			for _, where := range []string{"own", "foreign", "unknown"} {
				cells++
				s.try(act, role, where)
			}
		}
	}
	t.Logf("%d cells", cells)
}

func (s *stage) who(role string) *person {
	return map[string]*person{"owner": s.own.owner, "admin": s.own.admin, "member": s.own.plain, "outsider": s.outsider}[role]
}

func (s *stage) try(act action, role, where string) {
	s.t.Helper()
	who, a := s.who(role), operator
	if who != nil {
		a = who.actor()
	}
	at := map[string]place{"own": s.own, "foreign": s.foreign, "unknown": s.own}[where]
	if where == "unknown" {
		at.Slug, at.alias = "nowhere", "nowhere-old"
	}
	own, foreign := s.state(s.own.Org), s.state(s.foreign.Org)
	err, want := act.do(s, a, at), expected(act, role, where)
	s.fails(act.name+" by "+role+" in "+where, err, want)
	if where != "own" || err != nil {
		if s.state(s.own.Org) != own {
			s.t.Errorf("%s by %s in %s has changed their own organization", act.name, role, where)
		}
	}
	if where != "foreign" || err != nil {
		if s.state(s.foreign.Org) != foreign {
			s.t.Errorf("%s by %s in %s has changed the foreign organization", act.name, role, where)
		}
	}
	if err != nil || act.event == "" {
		return
	}
	s.noted(at.ID, act.event, who)
	s.reset()
}

// TestEveryMethodIsTried fails when a method that takes an actor and a slug is not
// in the table.
func TestEveryMethodIsTried(t *testing.T) {
	service, actor := reflect.TypeFor[*org.Service](), reflect.TypeFor[org.Actor]()
	// They take no slug, or begin others; tested by themselves, and with those.
	others := []string{"Create", "Accept", "AcceptByID", "Invited", "Sensitive"}
	for i := range service.NumMethod() {
		m := service.Method(i)
		if m.Type.NumIn() < 3 || m.Type.In(2) != actor || slices.Contains(others, m.Name) {
			continue
		}
		if !slices.ContainsFunc(actions, func(a action) bool { return strings.Fields(a.name)[0] == m.Name }) {
			t.Errorf("nobody tries %s", m.Name)
		}
	}
}

// TestForeignIDs has an owner try the ids of a foreign organization in their own
// one: they mean nothing there.
func TestForeignIDs(t *testing.T) {
	s := newStage(newWorld(t))
	s.reset()
	at := s.foreign
	at.Org, at.alias = s.own.Org, s.own.alias
	own, foreign := s.state(s.own.Org), s.state(s.foreign.Org)
	tried := 0
	for _, act := range actions {
		switch strings.Fields(act.name)[0] {
		case "SetRole", "Remove", "Transfer", "RevokeInvitation", "Resend", "VerifyByDNS", "MailProof", "VerifyByMail", "RemoveDomain", "Admit", "Refuse":
			tried++
			s.fails(act.name, act.do(s, s.own.owner.actor(), at), authcore.ErrNotFound)
			s.fails(act.name+" by an admin", act.do(s, s.own.admin.actor(), at), notFoundOr(act))
		}
	}
	err := s.VerifyByMail(t.Context(), s.own.owner.actor(), s.own.Slug, s.own.domain, s.foreign.code)
	s.refuses("the code of another organization", err, "code", account.ProblemWrongCode)
	if s.state(s.own.Org) != own || s.state(s.foreign.Org) != foreign || tried < 11 {
		t.Errorf("something has changed, or of %d actions some were not tried", tried)
	}
}

// notFoundOr is what an admin is told: what only owners may comes first.
func notFoundOr(act action) error {
	if act.need == "owner" && !strings.HasPrefix(act.name, "SetRole") && !strings.HasPrefix(act.name, "Remove an") {
		return org.ErrForbidden
	}
	return authcore.ErrNotFound
}

// TestStaleProof has an owner who was proven long ago try everything: what guards
// the organization asks for another proof.
func TestStaleProof(t *testing.T) {
	s := newStage(newWorld(t))
	s.reset()
	s.pass(16 * time.Minute)
	sensitive := []string{"ChangeSlug", "SetRules", "Delete", "Transfer", "AddDomain", "SetRole to owner", "Invite an owner", "Admit an owner"}
	for _, act := range actions {
		if act.user != nil {
			continue
		}
		var stale *account.StaleError
		err := act.do(s, s.own.owner.actor(), s.own)
		if want := slices.Contains(sensitive, act.name); errors.As(err, &stale) != want {
			t.Errorf("%s: %v; asks for a proof: want %v", act.name, err, want)
		}
		if err == nil && act.event != "" {
			s.pass(-16 * time.Minute)
			s.reset()
			s.pass(16 * time.Minute)
		}
	}
}

func TestEventsNameWhoWasMeant(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.person("ada"), w.person("bob")
	o := w.org("acme", ada, map[*person]string{bob: "member"})
	w.check(w.SetRole(t.Context(), ada.actor(), "acme", bob.user.ID, "admin"))
	e := w.trail(o.ID)[0]
	if e.UserID != bob.user.ID || e.Metadata["old"] != "member" || e.Metadata["new"] != "admin" || e.IP != client.IP {
		t.Errorf("%+v", e)
	}
	before := len(w.trail(o.ID))
	w.check(w.SetRole(t.Context(), ada.actor(), "acme", bob.user.ID, "admin"))
	w.check(w.Rename(t.Context(), ada.actor(), "acme", " The  acme "))
	w.check(w.ChangeSlug(t.Context(), ada.actor(), "acme", "acme", "acme"))
	w.check(w.SetRules(t.Context(), ada.actor(), "acme", authcore.OrgRules{}))
	if len(w.trail(o.ID)) != before {
		t.Errorf("what changes nothing is noted: %v", w.trail(o.ID)[0].Action)
	}
	for _, e := range w.trail(o.ID) {
		if !e.Action.Valid() || !strings.HasPrefix(string(e.Action), "organization.") {
			t.Errorf("the action %q", e.Action)
		}
	}
	if e := w.trail(o.ID); e[len(e)-1].Action != audit.OrgCreate || e[len(e)-1].UserID != ada.user.ID {
		t.Errorf("the first: %+v", e[len(e)-1])
	}
}
