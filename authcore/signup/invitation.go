package signup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/token"
)

// invitationLife is how long an invitation works.
const invitationLife = 7 * 24 * time.Hour

// Invitation is an account that an operator offers.
type Invitation struct {
	Email string
	// Role is the platform role; may be empty.
	Role string
}

// offered is the payload of an invitation's token.
type offered struct {
	Email string `json:"email"`
	Role  string `json:"role,omitempty"`
}

// Invite sends an invitation, which voids an older one to the same address. It
// works whoever may sign up. It fails with *account.InvalidError, and with
// authcore.ErrConflict when there is an account already.
func (s *Service) Invite(ctx context.Context, in Invitation, client authcore.Client) error {
	email, ok := account.ParseEmail(in.Email)
	if !ok {
		return &account.InvalidError{Fields: map[string]account.Problem{"email": account.ProblemEmail}}
	}
	_, _, err := s.Users.UserByEmail(ctx, email.Key)
	switch {
	case err == nil:
		return fmt.Errorf("there is an account with this address: %w", authcore.ErrConflict)
	case !errors.Is(err, authcore.ErrNotFound):
		return fmt.Errorf("finding account: %w", err)
	}
	payload, err := json.Marshal(offered{email.Display, in.Role})
	if err != nil {
		return err
	}
	now := s.Clock()
	secret, t := token.New(token.Invite, "", now, invitationLife)
	t.Address, t.Payload = email.Key, payload
	invited := mail.About(mail.Invitation, authcore.User{Email: email.Display}, client, nil)
	letter, err := mail.NewJob(s.Sealer, invited.LeadingTo("/invitations/"+secret), now)
	if err != nil {
		return err
	}
	event := audit.New(now, audit.InvitationSent, client).By(audit.ActorOperator, "").With("role", in.Role)
	if err := s.Store.Invite(ctx, t, letter, event); err != nil {
		return fmt.Errorf("storing invitation: %w", err)
	}
	return nil
}

// Invited returns the address that an invitation is for, without using it up. It
// fails with authcore.ErrNotFound when it does not work (any more).
func (s *Service) Invited(ctx context.Context, secret string) (email string, err error) {
	_, o, err := s.invitation(ctx, secret)
	return o.Email, err
}

func (s *Service) invitation(ctx context.Context, secret string) (t token.Token, o offered, err error) {
	hash, ok := token.HashOf(secret)
	if !ok {
		return t, o, authcore.ErrNotFound
	}
	if t, err = s.Tokens.Peek(ctx, hash, token.Invite, s.Clock()); err != nil {
		return t, o, err
	}
	if err := json.Unmarshal(t.Payload, &o); err != nil {
		return t, o, fmt.Errorf("reading invitation: %w", err)
	}
	return t, o, nil
}

// Accept makes the account that an invitation offers and signs in. The address
// is proven by the link and is that of the invitation, whatever the form says; with
// a passkey instead of a password, the link is the proof.
// It fails with *account.InvalidError for bad fields and authcore.ErrNotFound for
// an invitation that does not work (any more).
func (s *Service) Accept(ctx context.Context, secret string, in SignUp) (account.SignedIn, error) {
	t, o, err := s.invitation(ctx, secret)
	if err != nil {
		return account.SignedIn{}, err
	}
	user, err := s.Accounts.Draft(account.NewUser{
		Email: o.Email, Name: in.Name, Password: in.Password, NoPassword: in.Passkey, Profile: in.Profile, Role: o.Role, Verified: true,
	})
	if err != nil {
		return account.SignedIn{}, err
	}
	passwordHash, proof := "", authcore.FactorLink
	if !in.Passkey {
		if passwordHash, err = s.Accounts.Hash(ctx, in.Password); err != nil {
			return account.SignedIn{}, err
		}
		proof = authcore.FactorPassword
	}
	opening := account.Opening{User: user, Factor: authcore.Factor{Kind: proof}, Client: in.Client}
	signedIn, err := s.Accounts.Open(ctx, opening, func(ctx context.Context, event audit.Event) error {
		event.Action = audit.InvitationAccept
		return s.Store.Accept(ctx, t, user, passwordHash, event)
	})
	if errors.Is(err, authcore.ErrConflict) {
		return account.SignedIn{}, authcore.ErrNotFound
	}
	if err == nil {
		s.Events.Emit(events.UserCreated, map[string]any{"user_id": user.ID})
	}
	return signedIn, err
}
