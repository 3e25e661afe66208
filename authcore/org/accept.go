package org

import (
	"context"
	"errors"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Offer is an invitation as whoever has opened its link sees it.
type Offer struct {
	State InvitationState
	Email string
	// Org, Role and Inviter are told while it is pending.
	Org     Org
	Role    string
	Inviter string
	// Known says that the address has an account: its owner signs in to accept.
	Known bool
}

// Invited returns what a link offers to a visitor (who may be signed out), without using
// it up. It fails with authcore.ErrNotFound for a link that is none of ours, and
// with ErrOtherAddress when the visitor is signed in under another address, who
// must not learn who is invited to what.
func (s *Service) Invited(ctx context.Context, a Actor, secret string) (Offer, error) {
	in, o, err := s.invitation(ctx, secret)
	if err != nil {
		return Offer{}, err
	}
	if a.Live != nil {
		if _, err := s.addressee(ctx, a, in); err != nil {
			return Offer{}, err
		}
	}
	offer := Offer{State: in.State, Email: in.Email}
	if in.State != Pending {
		if err := s.refuse(ctx, a, in, string(in.State), nil); err != nil {
			return Offer{}, err
		}
		return offer, nil
	}
	offer.Org, offer.Role = o, in.Role
	if in.InvitedBy != "" {
		if by, _, err := s.Users.User(ctx, in.InvitedBy); err == nil {
			offer.Inviter = by.Email
		}
	}
	_, _, err = s.Users.UserByEmail(ctx, in.EmailKey)
	if offer.Known = err == nil; errors.Is(err, authcore.ErrNotFound) {
		err = nil
	}
	return offer, err
}

func (s *Service) invitation(ctx context.Context, secret string) (Invitation, Org, error) {
	hash, ok := token.HashOf(secret)
	if !ok {
		return Invitation{}, Org{}, authcore.ErrNotFound
	}
	return s.Invitations.Invitation(ctx, hash, "", s.Clock())
}

// addressee returns the account of a signed-in user if an invitation is for its
// proven address.
func (s *Service) addressee(ctx context.Context, a Actor, in Invitation) (authcore.User, error) {
	user, _, err := s.Users.User(ctx, a.userID())
	switch {
	case err != nil:
		return user, fmt.Errorf("finding account: %w", err)
	case user.EmailKey != in.EmailKey:
		return user, s.refuse(ctx, a, in, "other_address", ErrOtherAddress)
	case !user.EmailVerified(): // they are led to prove it, and come back
		return user, ErrOtherAddress
	}
	return user, nil
}

// maxRefusals is how many refused uses of one invitation are noted: its link may be
// with anybody, who must not fill the log.
const maxRefusals = 5

// refuse notes why an invitation is not to be used, and returns the error to answer
// with.
func (s *Service) refuse(ctx context.Context, a Actor, in Invitation, reason string, answer error) error {
	if in.Refusals >= maxRefusals {
		return answer
	}
	event := audit.New(s.Clock(), audit.OrgInviteRefuse, a.Client).On(in.ID).With("email", in.Email).With("reason", reason)
	event.OrgID = in.OrgID
	if a.Live != nil {
		event = event.By(audit.ActorUser, a.userID()) // not about them: their own log must not tell who is invited
	}
	if err := s.Invitations.NoteRefusal(ctx, in.ID, maxRefusals, event); err != nil {
		return fmt.Errorf("noting a refused invitation: %w", err)
	}
	return answer
}

// Accept makes the signed-in user a member, in whose session the organization is
// then the active one. It fails with ErrOtherAddress, and with authcore.ErrNotFound
// when the invitation does not work (any more).
func (s *Service) Accept(ctx context.Context, a Actor, secret string) (Org, error) {
	in, o, err := s.invitation(ctx, secret)
	if err != nil {
		return Org{}, err
	}
	return s.accept(ctx, a, in, o)
}

// AcceptByID is Accept for an invitation that the user has found among their own.
func (s *Service) AcceptByID(ctx context.Context, a Actor, id string) (Org, error) {
	in, o, err := s.Invitations.Invitation(ctx, nil, id, s.Clock())
	if err != nil {
		return Org{}, err
	}
	o, err = s.accept(ctx, a, in, o)
	if errors.Is(err, ErrOtherAddress) { // somebody else's id tells nothing
		err = authcore.ErrNotFound
	}
	return o, err
}

func (s *Service) accept(ctx context.Context, a Actor, in Invitation, o Org) (Org, error) {
	if a.Live == nil {
		return Org{}, ErrForbidden
	}
	user, err := s.addressee(ctx, a, in)
	if err == nil && in.State != Pending {
		err = s.refuse(ctx, a, in, string(in.State), authcore.ErrNotFound)
	}
	if err != nil {
		return Org{}, err
	}
	jobs, err := s.joining(ctx, a, o, user, in.Role)
	if err != nil {
		return Org{}, err
	}
	event := s.event(audit.OrgInviteAccept, a, o.ID).Of(user.ID).With("invitation", in.ID).With("role", in.Role)
	maxOwned := s.Config.MaxOwned
	if in.InvitedBy == "" {
		maxOwned = 0
	}
	err = s.Joining.Accept(ctx, in, user.ID, s.Config.Roles.Owner(), maxOwned, event, jobs...)
	if errors.Is(err, authcore.ErrNotFound) {
		err = s.refuse(ctx, a, in, "changed", err)
	}
	if err != nil && !errors.Is(err, authcore.ErrConflict) {
		return Org{}, fmt.Errorf("accepting invitation: %w", err)
	}
	if err := s.Accounts.Refresh(ctx, user.ID); err != nil {
		return Org{}, err
	}
	_, err = s.Switch(ctx, a.Live, o.Slug, a.Client)
	return o, err
}

// joining returns the jobs that follow when somebody comes to belong by themselves.
func (s *Service) joining(ctx context.Context, a Actor, o Org, user authcore.User, role string) ([]job.Job, error) {
	jobs, err := s.refreshing(user.ID)
	if err != nil {
		return nil, err
	}
	letters, err := s.ownerMade(ctx, a, o, user, role)
	return append(jobs, letters...), err
}

// NewMember is the account that whoever is invited makes.
type NewMember struct {
	Name     string
	Password string
	// Passkey says that one comes in the place of a password: until then, the link is
	// the only proof.
	Passkey bool
	Profile map[string]string
	Client  authcore.Client
}

// AcceptNew makes the account of whoever is invited, with the address of the
// invitation, whatever the form says, and the membership, and signs in. It fails
// with authcore.ErrNotFound when the invitation does not work (any more), and with
// authcore.ErrConflict when there is an account by now.
func (s *Service) AcceptNew(ctx context.Context, secret string, in NewMember) (account.SignedIn, error) {
	invitation, o, err := s.invitation(ctx, secret)
	if err == nil && invitation.State != Pending {
		err = s.refuse(ctx, Actor{Client: in.Client}, invitation, string(invitation.State), authcore.ErrNotFound)
	}
	if err != nil {
		return account.SignedIn{}, err
	}
	user, err := s.Accounts.Draft(account.NewUser{
		Email: invitation.Email, Name: in.Name, Password: in.Password, NoPassword: in.Passkey, Profile: in.Profile, Verified: true,
	})
	if err != nil {
		return account.SignedIn{}, err
	}
	hash, proof := "", authcore.FactorLink
	if !in.Passkey {
		if hash, err = s.Accounts.Hash(ctx, in.Password); err != nil {
			return account.SignedIn{}, err
		}
		proof = authcore.FactorPassword
	}
	opening := account.Opening{User: user, Factor: authcore.Factor{Kind: proof}, Client: in.Client}
	signedIn, err := s.openNew(ctx, invitation, o, opening, hash)
	if err != nil {
		return account.SignedIn{}, err
	}
	s.Events.Emit(events.UserCreated, map[string]any{"user_id": user.ID})
	// The organization is the active one, also beside a personal workspace.
	if err := s.MemberChanges.MarkActive(ctx, o.ID, user.ID, s.Clock()); err != nil {
		return signedIn, err
	}
	return signedIn, s.Accounts.Refresh(ctx, user.ID)
}

// openNew signs in to an account that is made with the membership.
func (s *Service) openNew(ctx context.Context, in Invitation, o Org, opening account.Opening, hash string) (account.SignedIn, error) {
	user := opening.User
	jobs, err := s.joining(ctx, Actor{Client: opening.Client}, o, user, in.Role)
	if err != nil {
		return account.SignedIn{}, err
	}
	return s.Accounts.Open(ctx, opening, func(ctx context.Context, event audit.Event) error {
		joined := audit.New(event.At, audit.OrgInviteAccept, opening.Client).By(audit.ActorUser, user.ID).Of(user.ID).On(event.TargetID)
		joined = joined.With("invitation", in.ID).With("role", in.Role)
		joined.OrgID = in.OrgID
		event.Action = audit.InvitationAccept
		return s.Joining.AcceptNew(ctx, in, user, hash, []audit.Event{event, joined}, jobs...)
	})
}

// Waiting is an invitation that a user finds among their own.
type Waiting struct {
	ID   string
	Org  Org
	Role string
}

// Waiting returns the invitations to the proven address of a signed-in user.
func (s *Service) Waiting(ctx context.Context, live *session.Live) ([]Waiting, error) {
	user, _, err := s.Users.User(ctx, live.Identity.UserID)
	if err != nil || !user.EmailVerified() {
		return nil, err
	}
	list, orgs, err := s.Invitations.InvitationsFor(ctx, user.EmailKey, s.Clock())
	waiting := make([]Waiting, len(list))
	for i, in := range list {
		waiting[i] = Waiting{in.ID, orgs[i], in.Role}
	}
	return waiting, err
}
