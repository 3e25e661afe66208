package account

import (
	"context"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
)

// StepUp takes the password as a fresh proof from a signed-in user and gives the
// session a new token. A wrong password is an *InvalidError on the field.
func (s *Service) StepUp(ctx context.Context, live *session.Live, password string, client authcore.Client) (SignedIn, error) {
	user, credential, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return SignedIn{}, fmt.Errorf("finding account: %w", err)
	}
	if err := s.checkPassword(ctx, user, credential, password, "password", live, client); err != nil {
		return SignedIn{}, err
	}
	event := s.userEvent(audit.StepUpSuccess, user.ID, client).On(live.ID).With("method", string(authcore.FactorPassword))
	if err := s.ledger.SignedIn(ctx, user.ID, live.AuthEpoch, event); err != nil {
		return SignedIn{}, fmt.Errorf("noting step-up: %w", err)
	}
	return s.Renew(ctx, live, user, authcore.Factor{Kind: authcore.FactorPassword})
}

// CompleteByPassword takes the password as the second factor of a pending sign-in
// that began with a key; the browser is not trusted by it. A wrong password is an
// *InvalidError on the field. It fails with ErrNoSecondFactor where the password
// was the first.
func (s *Service) CompleteByPassword(ctx context.Context, live *session.Live, password string, p Proving) (SignedIn, error) {
	p.Factor, p.Trust = authcore.Factor{Kind: authcore.FactorPassword}, false
	if !live.Identity.Pending || !live.Identity.Completes(p.Factor) {
		return SignedIn{}, ErrNoSecondFactor
	}
	user, credential, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return SignedIn{}, fmt.Errorf("finding account: %w", err)
	}
	if err := s.checkPassword(ctx, user, credential, password, "password", live, p.Client); err != nil {
		return SignedIn{}, err
	}
	return s.complete(ctx, live, user, credential, p, func(ctx context.Context, proof Proof) error {
		return s.ledger.SignedIn(ctx, user.ID, proof.Epoch, proof.Event, proof.Jobs...)
	})
}
