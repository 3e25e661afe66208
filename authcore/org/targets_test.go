package org_test

import (
	"slices"
	"testing"

	"github.com/sigra-auth/sigra/authcore/org"
)

// deeds are what can be done to a member.
var deeds = map[string]struct {
	// role is what the member gets, if any; need is the weakest role that may.
	role, need string
	do         func(s *stage, a org.Actor, of *person) error
}{
	"remove": {"", "admin", func(s *stage, a org.Actor, of *person) error {
		return s.Remove(s.t.Context(), a, s.own.Slug, of.user.ID)
	}},
	"transfer": {"owner", "owner", func(s *stage, a org.Actor, of *person) error {
		return s.Transfer(s.t.Context(), a, s.own.Slug, of.user.ID)
	}},
	"to owner":  {"owner", "admin", giving("owner")},
	"to admin":  {"admin", "admin", giving("admin")},
	"to member": {"member", "admin", giving("member")},
}

func giving(role string) func(s *stage, a org.Actor, of *person) error {
	return func(s *stage, a org.Actor, of *person) error {
		return s.SetRole(s.t.Context(), a, s.own.Slug, of.user.ID, role)
	}
}

// TestEveryRoleOfTheTarget has each role do to members of each role what can be done
// to one: owners are made and unmade by owners alone.
func TestEveryRoleOfTheTarget(t *testing.T) {
	s := newStage(newWorld(t))
	s.reset()
	for name, deed := range deeds {
		for _, role := range []string{"operator", "owner", "admin", "member"} {
			for _, target := range strength {
				s.cast(target)
				a := operator
				if who := s.who(role); who != nil {
					a = who.actor()
				}
				var want error
				ownersOnly := slices.Contains([]string{target, deed.role}, "owner") && deed.role != target
				if role != "operator" && (slices.Index(strength, role) < slices.Index(strength, deed.need) || role != "owner" && ownersOnly) {
					want = org.ErrForbidden
				}
				before := s.state(s.own.Org)
				s.fails(name+" of one who is "+target+" by "+role, deed.do(s, a, s.own.victim), want)
				if want != nil && s.state(s.own.Org) != before {
					t.Errorf("%s of one who is %s by %s has changed something", name, target, role)
				}
				if got := s.members(s.own.Slug)[s.own.victim.user.Email]; want == nil && got != deed.role {
					t.Errorf("%s of one who is %s by %s: they are %q", name, target, role, got)
				}
			}
		}
	}
}

// cast gives the members of the stage their roles back, and the victim one.
func (s *stage) cast(victim string) {
	s.t.Helper()
	ctx, slug := s.t.Context(), s.own.Slug
	if s.members(slug)[s.own.victim.user.Email] == "" {
		s.check(s.Add(ctx, operator, slug, s.own.victim.user.ID, victim))
	}
	s.check(s.SetRole(ctx, operator, slug, s.own.owner.user.ID, "owner"))
	s.check(s.SetRole(ctx, operator, slug, s.own.co.user.ID, "owner"))
	s.check(s.SetRole(ctx, operator, slug, s.own.victim.user.ID, victim))
}
