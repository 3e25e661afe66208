package org

import (
	"context"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// checkGrant asks for what it takes to give somebody a role: owners are made by owners
// who were proven not long ago, or whoever sits down at an open session would get to
// stay.
func (s *Service) checkGrant(ctx context.Context, a Actor, slug, role string) error {
	if role != s.Config.Roles.Owner() {
		return nil
	}
	_, err := s.Sensitive(ctx, a, slug)
	return err
}

// ownerMade returns the letters that follow when a user gets a role: if that is the
// owners', the others must learn of it.
func (s *Service) ownerMade(ctx context.Context, a Actor, o Org, user authcore.User, role string) ([]job.Job, error) {
	if role != s.Config.Roles.Owner() {
		return nil, nil
	}
	return s.tellOwners(ctx, mail.OrgOwner, a, o, user)
}

// tellOwners returns letters to the owners of an organization about a user, less that
// user and whoever does it.
func (s *Service) tellOwners(ctx context.Context, kind mail.Kind, a Actor, o Org, user authcore.User) (letters []job.Job, err error) {
	owners, err := s.Members.WithRole(ctx, o.ID, s.Config.Roles.Owner())
	if err != nil {
		return nil, fmt.Errorf("reading owners: %w", err)
	}
	for _, owner := range owners {
		if owner.ID == user.ID || owner.ID == a.userID() || !owner.EmailVerified() || owner.Disabled() || !owner.DeletionAt.IsZero() {
			continue
		}
		values := map[string]string{"org": o.Name, "member": user.Email}
		letter, err := mail.NewJob(s.Sealer, mail.About(kind, owner, a.Client, values).LeadingTo("/orgs/"+o.Slug+"/activity"), s.Clock())
		if err != nil {
			return nil, err
		}
		letters = append(letters, letter)
	}
	return letters, nil
}

// Transfer makes another member owner in place of the owner who asks, who becomes a
// manager, or a plain member where owners alone manage. An operator puts the member
// in the place of all owners.
func (s *Service) Transfer(ctx context.Context, a Actor, slug, to string) error {
	st, err := s.Sensitive(ctx, a, slug)
	if err != nil {
		return err
	}
	if to == a.userID() {
		return ErrForbidden
	}
	m, err := s.Members.Member(ctx, st.ID, to)
	if err != nil {
		return err
	}
	jobs, err := s.tellOwners(ctx, mail.OrgTransferred, a, st.Org, authcore.User{ID: to, Email: m.Email})
	if err != nil {
		return err
	}
	refresh, err := s.refreshOrg(st.ID)
	if err != nil {
		return err
	}
	roles := s.Config.Roles
	event := s.event(audit.OrgRoleChange, a, st.ID).Of(to).With("new", roles.Owner())
	if a.Live != nil {
		event = event.With("transferred_by", a.userID())
	}
	if err := s.MemberChanges.Transfer(ctx, s.owners(a), st.ID, to, roles.Owner(), roles.BelowOwner(), event, append(jobs, refresh)...); err != nil {
		return fmt.Errorf("transferring organization: %w", err)
	}
	return s.refreshAll(ctx, st.ID)
}
