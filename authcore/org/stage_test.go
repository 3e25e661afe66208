package org_test

import (
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/org"
)

// place is an organization with everything that somebody could lay hands on.
type place struct {
	org.Org
	alias                           string // the slug until lately
	owner, co, admin, plain, victim *person
	asker, newcomer                 *person
	invitation, domain, code        string
}

// stage is where actors try what they may do: an organization of their own, and
// a foreign one.
type stage struct {
	*world
	own, foreign place
	outsider     *person
	turn         int
}

func newStage(w *world) *stage {
	cast := func(where string) place {
		return place{
			owner: w.person(where + "-owner"), co: w.person(where + "-co"), admin: w.person(where + "-admin"), plain: w.person(where + "-plain"),
			victim: w.person(where + "-victim"), asker: w.person(where + "-asker"), newcomer: w.person(where + "-newcomer"),
		}
	}
	return &stage{world: w, own: cast("own"), foreign: cast("foreign"), outsider: w.person("outsider")}
}

// reset makes both organizations anew.
func (s *stage) reset() {
	s.t.Helper()
	s.turn++
	s.own, s.foreign = s.build(s.own, "own"), s.build(s.foreign, "foreign")
}

func (s *stage) build(p place, where string) place {
	s.t.Helper()
	ctx, store := s.t.Context(), s.db.Orgs()
	if p.ID != "" {
		_ = store.Delete(ctx, org.Authority{}, p.ID, audit.New(s.now(), audit.OrgDelete, client)) // an actor may have
	}
	slug := fmt.Sprintf("%s-%d", where, s.turn)
	p.alias = slug + "-old"
	s.org(p.alias, p.owner, map[*person]string{p.co: "owner", p.admin: "admin", p.plain: "member", p.victim: "member"})
	s.check(s.ChangeSlug(ctx, operator, p.alias, slug, ""))
	st, err := s.Get(ctx, operator, slug)
	s.check(err)
	p.Org = st.Org
	s.check(s.Invite(ctx, operator, slug, where+"-invited@example.com", "member"))
	_, invitations, err := s.ListInvitations(ctx, operator, slug)
	s.check(err)
	p.invitation, p.domain = invitations[0].ID, slug+".example"
	d, err := s.AddDomain(ctx, operator, slug, p.domain, "member", true)
	s.check(err)
	s.dns[p.domain] = []string{"v=spf1 -all", d.Challenge}
	s.check(s.MailProof(ctx, operator, slug, p.domain, "postmaster"))
	p.code = s.last(mail.OrgDomain).Values["code"]
	ask := audit.New(s.now(), audit.OrgJoinAsk, client).Of(p.asker.user.ID)
	s.check(store.Ask(ctx, p.ID, p.asker.user.ID, ask))
	return p
}

// action is something that can be done with an organization.
type action struct {
	// name is the method of the service, and which use of it.
	name string
	// need is the weakest role of members who may.
	need string
	do   func(s *stage, a org.Actor, at place) error
	// event is noted when it is done, if any.
	event audit.Action
	// operator is what operators are told, if it is nothing for them; user is what
	// users are told, whatever the organization, if it is nothing for them.
	operator, user error
}

var actions = []action{
	{name: "Get", need: "member", do: func(s *stage, a org.Actor, at place) error { _, err := s.Get(s.t.Context(), a, at.Slug); return err }},
	{name: "Moved", need: "member", do: func(s *stage, a org.Actor, at place) error {
		slug, err := s.Moved(s.t.Context(), a, at.alias)
		if err == nil && slug != at.Slug {
			s.t.Errorf("%s leads to %q", at.alias, slug)
		}
		return err
	}},
	{name: "Owned", need: "owner", do: func(s *stage, a org.Actor, at place) error { _, err := s.Owned(s.t.Context(), a, at.Slug); return err }},
	{name: "Trail", need: "admin", do: func(s *stage, a org.Actor, at place) error {
		_, _, err := s.Trail(s.t.Context(), a, at.Slug, "")
		return err
	}},
	{name: "ListMembers", need: "admin", do: func(s *stage, a org.Actor, at place) error {
		_, err := s.ListMembers(s.t.Context(), a, at.Slug, "", "")
		return err
	}},
	{name: "Affected", need: "owner", do: func(s *stage, a org.Actor, at place) error {
		_, _, err := s.Affected(s.t.Context(), a, at.Slug, authcore.OrgRules{TwoStep: true}, 1)
		return err
	}},
	{name: "ListInvitations", need: "admin", do: func(s *stage, a org.Actor, at place) error {
		_, _, err := s.ListInvitations(s.t.Context(), a, at.Slug)
		return err
	}},
	{name: "ListDomains", need: "owner", do: func(s *stage, a org.Actor, at place) error {
		_, _, err := s.ListDomains(s.t.Context(), a, at.Slug)
		return err
	}},
	{name: "Requests", need: "admin", do: func(s *stage, a org.Actor, at place) error {
		_, err := s.Requests(s.t.Context(), a, at.Slug, "")
		return err
	}},
	{name: "Rename", need: "owner", event: audit.OrgRename, do: func(s *stage, a org.Actor, at place) error {
		return s.Rename(s.t.Context(), a, at.Slug, "Another name")
	}},
	{name: "ChangeSlug", need: "owner", event: audit.OrgSlugChange, do: func(s *stage, a org.Actor, at place) error {
		return s.ChangeSlug(s.t.Context(), a, at.Slug, at.Slug+"-new", at.Slug)
	}},
	{name: "SetRules", need: "owner", event: audit.OrgRulesChange, do: func(s *stage, a org.Actor, at place) error {
		return s.SetRules(s.t.Context(), a, at.Slug, authcore.OrgRules{MaxAge: hour})
	}},
	{name: "Delete", need: "owner", event: audit.OrgDelete, do: func(s *stage, a org.Actor, at place) error {
		return s.Delete(s.t.Context(), a, at.Slug, at.Name)
	}},
	{name: "Add", event: audit.OrgMemberAdd, user: org.ErrForbidden, do: func(s *stage, a org.Actor, at place) error {
		return s.Add(s.t.Context(), a, at.Slug, at.newcomer.user.ID, "admin")
	}},
	{name: "SetRole", need: "admin", event: audit.OrgRoleChange, do: func(s *stage, a org.Actor, at place) error {
		return s.SetRole(s.t.Context(), a, at.Slug, at.victim.user.ID, "admin")
	}},
	{name: "SetRole to owner", need: "owner", event: audit.OrgRoleChange, do: func(s *stage, a org.Actor, at place) error {
		return s.SetRole(s.t.Context(), a, at.Slug, at.victim.user.ID, "owner")
	}},
	{name: "SetRole of an owner", need: "owner", event: audit.OrgRoleChange, do: func(s *stage, a org.Actor, at place) error {
		return s.SetRole(s.t.Context(), a, at.Slug, at.co.user.ID, "member")
	}},
	{name: "Remove", need: "admin", event: audit.OrgMemberRemove, do: func(s *stage, a org.Actor, at place) error {
		return s.Remove(s.t.Context(), a, at.Slug, at.victim.user.ID)
	}},
	{name: "Remove an owner", need: "owner", event: audit.OrgMemberRemove, do: func(s *stage, a org.Actor, at place) error {
		return s.Remove(s.t.Context(), a, at.Slug, at.co.user.ID)
	}},
	{name: "Leave", need: "member", event: audit.OrgMemberRemove, operator: org.ErrForbidden, do: func(s *stage, a org.Actor, at place) error {
		return s.Leave(s.t.Context(), a, at.Slug)
	}},
	{name: "Transfer", need: "owner", event: audit.OrgRoleChange, do: func(s *stage, a org.Actor, at place) error {
		return s.Transfer(s.t.Context(), a, at.Slug, at.victim.user.ID)
	}},
	{name: "Invite", need: "admin", event: audit.OrgInvite, do: func(s *stage, a org.Actor, at place) error {
		return s.Invite(s.t.Context(), a, at.Slug, "somebody@example.net", "admin")
	}},
	{name: "Invite an owner", need: "owner", event: audit.OrgInvite, do: func(s *stage, a org.Actor, at place) error {
		return s.Invite(s.t.Context(), a, at.Slug, "somebody@example.net", "owner")
	}},
	{name: "RevokeInvitation", need: "admin", event: audit.OrgInviteRevoke, do: func(s *stage, a org.Actor, at place) error {
		return s.RevokeInvitation(s.t.Context(), a, at.Slug, at.invitation)
	}},
	{name: "Resend", need: "admin", event: audit.OrgInviteRenew, do: func(s *stage, a org.Actor, at place) error {
		return s.Resend(s.t.Context(), a, at.Slug, at.invitation)
	}},
	{name: "AddDomain", need: "owner", event: audit.OrgDomainAdd, do: func(s *stage, a org.Actor, at place) error {
		_, err := s.AddDomain(s.t.Context(), a, at.Slug, "another.example", "admin", false)
		return err
	}},
	{name: "VerifyByDNS", need: "owner", event: audit.OrgDomainVerify, do: func(s *stage, a org.Actor, at place) error {
		return s.VerifyByDNS(s.t.Context(), a, at.Slug, at.domain)
	}},
	{name: "MailProof", need: "owner", event: audit.OrgDomainAdd, do: func(s *stage, a org.Actor, at place) error {
		return s.MailProof(s.t.Context(), a, at.Slug, at.domain, "hostmaster")
	}},
	{name: "VerifyByMail", need: "owner", event: audit.OrgDomainVerify, do: func(s *stage, a org.Actor, at place) error {
		return s.VerifyByMail(s.t.Context(), a, at.Slug, at.domain, at.code)
	}},
	{name: "RemoveDomain", need: "owner", event: audit.OrgDomainRemove, do: func(s *stage, a org.Actor, at place) error {
		return s.RemoveDomain(s.t.Context(), a, at.Slug, at.domain)
	}},
	{name: "Admit", need: "admin", event: audit.OrgMemberAdd, do: func(s *stage, a org.Actor, at place) error {
		return s.Admit(s.t.Context(), a, at.Slug, at.asker.user.ID, "admin")
	}},
	{name: "Admit an owner", need: "owner", event: audit.OrgMemberAdd, do: func(s *stage, a org.Actor, at place) error {
		return s.Admit(s.t.Context(), a, at.Slug, at.asker.user.ID, "owner")
	}},
	{name: "Refuse", need: "admin", event: audit.OrgJoinRefuse, do: func(s *stage, a org.Actor, at place) error {
		return s.Refuse(s.t.Context(), a, at.Slug, at.asker.user.ID)
	}},
	// Nobody here has an address in a proven domain.
	{name: "Join", operator: org.ErrForbidden, user: authcore.ErrNotFound, do: func(s *stage, a org.Actor, at place) error {
		_, err := s.Join(s.t.Context(), a, at.Slug)
		return err
	}},
}
