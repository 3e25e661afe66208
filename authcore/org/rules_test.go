package org_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

// prove adds a proof to the session of a person, as enrolment and step-up do.
func (p *person) prove(kind authcore.FactorKind) {
	p.w.t.Helper()
	_, err := p.w.sessions.Amend(p.w.t.Context(), p.live(), func(id authcore.Identity) authcore.Identity {
		return id.Prove(authcore.Factor{Kind: kind, At: p.w.now()})
	})
	p.w.check(err)
}

// TestRulesGuardWhoManages tries each method in an organization whose rules the actor
// does not meet: whatever takes a role asks for the proof, and changes nothing. That
// they belong, and to leave, is everybody's.
func TestRulesGuardWhoManages(t *testing.T) {
	s := newStage(newWorld(t, func(c *org.Config) { c.PerInviter, c.PerOrg = 0, 0 }))
	s.reset()
	s.check(s.SetRules(t.Context(), operator, s.own.Slug, authcore.OrgRules{TwoStep: true}))
	free := []string{"Get", "Moved", "Add", "Join"}
	for _, act := range actions {
		for _, role := range []string{"owner", "admin"} {
			if act.name == "Leave" || slices.Contains(free, act.name) {
				continue
			}
			before := s.state(s.own.Org)
			err := act.do(s, s.who(role).actor(), s.own)
			var stale *account.StaleError
			asked := errors.As(err, &stale) && slices.Equal(stale.Wanted, authcore.SecondFactors)
			if forbidden := expected(act, role, "own"); !asked && (forbidden == nil || !errors.Is(err, forbidden)) {
				t.Errorf("%s by %s: %v", act.name, role, err)
			}
			if s.state(s.own.Org) != before {
				t.Errorf("%s by %s has changed something", act.name, role)
			}
		}
	}
	s.check(getAs(s.world, s.own.owner.actor(), s.own.Slug))
	_, err := s.Switch(t.Context(), s.own.admin.live(), s.own.Slug, client)
	s.check(err)
	s.check(s.Leave(t.Context(), s.own.admin.actor(), s.own.Slug))
	_, err = s.ListMembers(t.Context(), operator, s.own.Slug, "", "")
	s.check(err)
}

// TestRulesAreMetAndChanged: an owner who does not meet a rule proves what it asks
// for, and can take it back then.
func TestRulesAreMetAndChanged(t *testing.T) {
	for name, test := range map[string]struct {
		rules  authcore.OrgRules
		wanted []authcore.FactorKind
		meet   authcore.FactorKind
	}{
		"two-step": {authcore.OrgRules{TwoStep: true}, authcore.SecondFactors, authcore.FactorTOTP},
		"methods":  {authcore.OrgRules{Methods: []authcore.FactorKind{authcore.FactorPasskey}}, []authcore.FactorKind{authcore.FactorPasskey}, authcore.FactorPasskey},
		"age":      {authcore.OrgRules{MaxAge: 15 * time.Minute}, nil, authcore.FactorPassword},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.person("ada")
			w.org("acme", ada, nil)
			w.check(w.SetRules(t.Context(), operator, "acme", test.rules))
			w.pass(20 * time.Minute)
			var stale *account.StaleError
			if _, err := w.Owned(t.Context(), ada.actor(), "acme"); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, test.wanted) {
				t.Errorf("before: %v", err)
			}
			ada.prove(test.meet)
			w.check(w.SetRules(t.Context(), ada.actor(), "acme", authcore.OrgRules{}))
		})
	}
}
