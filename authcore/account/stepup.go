package account

import (
	"context"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
)

// StepUp takes a fresh proof from a signed-in user and gives the session a new
// token. A wrong password is an *InvalidError on the field.
func (s *Service) StepUp(ctx context.Context, live *session.Live, password string, client authcore.Client) (SignedIn, error) {
	userID := live.Identity.UserID
	user, credential, err := s.users.User(ctx, userID)
	if err != nil {
		return SignedIn{}, fmt.Errorf("finding account: %w", err)
	}
	if err := s.checkPassword(ctx, user, credential, password, "password", live, client); err != nil {
		return SignedIn{}, err
	}
	event := s.userEvent(audit.StepUpSuccess, userID, client).On(live.ID)
	if err := s.ledger.SignedIn(ctx, userID, live.AuthEpoch, event); err != nil {
		return SignedIn{}, fmt.Errorf("noting step-up: %w", err)
	}
	return s.Renew(ctx, live, user)
}
