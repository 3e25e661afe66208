package org

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/token"
)

// invitationLife is how long an invitation works.
const invitationLife = 7 * 24 * time.Hour

// Invite sends an invitation, for whoever manages members; only owners invite
// owners. It takes the place of one to the same address.
func (s *Service) Invite(ctx context.Context, a Actor, slug, email, role string) error {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	to, ok := account.ParseEmail(email)
	if !ok {
		return invalid("email", account.ProblemEmail)
	}
	if role, err = s.role(role); err == nil {
		err = s.checkGrant(ctx, a, slug, role)
	}
	if err != nil {
		return err
	}
	now := s.Clock().UTC()
	secret, t := token.New(token.OrgInvite, "", now, invitationLife)
	in := Invitation{
		ID: uuid.Must(uuid.NewV7()).String(), OrgID: st.ID, Email: to.Display, EmailKey: to.Key, Role: role, Hash: t.Hash,
		InvitedBy: a.userID(), CreatedAt: now, ExpiresAt: t.ExpiresAt, State: Pending,
	}
	letter, err := s.letter(ctx, a, in, st.Org, secret)
	if err != nil {
		return err
	}
	event := s.event(audit.OrgInvite, a, st.ID).On(in.ID).With("email", in.Email).With("role", role)
	if err := s.Invitations.Invite(ctx, s.managers(a), in, s.Config.Roles.Owner(), s.quota(), event, letter); err != nil {
		return fmt.Errorf("storing invitation: %w", err)
	}
	return nil
}

// letter returns the mail of an invitation. It names who invites and to what, so
// that it can be told from one that anybody could have sent.
func (s *Service) letter(ctx context.Context, a Actor, in Invitation, o Org, secret string) (job.Job, error) {
	to := authcore.User{Email: in.Email}
	if user, _, err := s.Users.UserByEmail(ctx, in.EmailKey); err == nil {
		to.Language = user.Language
	}
	inviter := cmp.Or(hostOf(a.Client.Portal), o.Name)
	if a.Live != nil {
		inviter = a.Live.Identity.Email
		if name := a.Live.Identity.Name; name != "" && !hasLink(name) {
			inviter = name + " (" + inviter + ")"
		}
	}
	values := map[string]string{"org": o.Name, "inviter": inviter, "role": in.Role, "until": in.ExpiresAt.Format(time.DateOnly)}
	return mail.NewJob(s.Sealer, mail.About(mail.OrgInvitation, to, a.Client, values).LeadingTo("/invitations/"+secret), s.Clock())
}

// hostOf names the site in whose name an operator invites.
func hostOf(portal string) string {
	if u, err := url.Parse(portal); err == nil {
		return u.Host
	}
	return portal
}

// ListInvitations returns those that are pending or have expired lately, to whoever
// manages members.
func (s *Service) ListInvitations(ctx context.Context, a Actor, slug string) (Standing, []Invitation, error) {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return st, nil, err
	}
	list, err := s.Invitations.Invitations(ctx, st.ID, s.Clock())
	return st, list, err
}

// invitationOf returns the invitation to an organization that has an id.
func (s *Service) invitationOf(ctx context.Context, st Standing, id string) (Invitation, error) {
	in, o, err := s.Invitations.Invitation(ctx, nil, id, s.Clock())
	if err == nil && o.ID != st.ID {
		err = authcore.ErrNotFound
	}
	return in, err
}

// RevokeInvitation makes an invitation worthless, for whoever manages members.
func (s *Service) RevokeInvitation(ctx context.Context, a Actor, slug, id string) error {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	in, err := s.invitationOf(ctx, st, id)
	if err != nil {
		return err
	}
	event := s.event(audit.OrgInviteRevoke, a, st.ID).On(id).With("email", in.Email)
	return s.Invitations.Revoke(ctx, s.managers(a), st.ID, id, event)
}

// Resend sends an invitation again with a new link, which voids the old one.
func (s *Service) Resend(ctx context.Context, a Actor, slug, id string) error {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	in, err := s.invitationOf(ctx, st, id)
	if err == nil {
		err = s.checkGrant(ctx, a, slug, in.Role)
	}
	if err != nil {
		return err
	}
	secret, t := token.New(token.OrgInvite, "", s.Clock(), invitationLife)
	in.Hash, in.ExpiresAt = t.Hash, t.ExpiresAt
	letter, err := s.letter(ctx, a, in, st.Org, secret)
	if err != nil {
		return err
	}
	event := s.event(audit.OrgInviteRenew, a, st.ID).On(id).With("email", in.Email)
	return s.Invitations.Renew(ctx, s.managers(a), in, s.Config.Roles.Owner(), s.quota(), event, letter)
}
