package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// StepUp takes a fresh proof from a signed-in user and gives the session a new
// token. A wrong password is an *InvalidError on the field.
func (s *Service) StepUp(ctx context.Context, live *session.Live, password string, client authcore.Client) (SignedIn, error) {
	userID := live.Identity.UserID
	if err := s.guard.StepUp(ctx, userID); err != nil {
		var exceeded *throttle.Exceeded
		if errors.As(err, &exceeded) {
			return SignedIn{}, &ThrottledError{exceeded.RetryAfter}
		}
		return SignedIn{}, fmt.Errorf("counting attempt: %w", err)
	}
	user, credential, err := s.users.User(ctx, userID)
	if err != nil {
		return SignedIn{}, fmt.Errorf("finding account: %w", err)
	}
	result, err := s.passwords.Verify(ctx, credential.Hash, password)
	if err != nil {
		return SignedIn{}, fmt.Errorf("verifying password: %w", err)
	}
	if !result.OK {
		event := s.userEvent(audit.StepUpFailure, userID, client).On(live.ID)
		if _, err := s.ledger.Failed(ctx, userID, event); err != nil {
			return SignedIn{}, fmt.Errorf("noting failed step-up: %w", err)
		}
		return SignedIn{}, &InvalidError{map[string]Problem{"password": ProblemWrongPassword}}
	}
	event := s.userEvent(audit.StepUpSuccess, userID, client).On(live.ID)
	if err := s.ledger.SignedIn(ctx, userID, live.AuthEpoch, event); err != nil {
		return SignedIn{}, fmt.Errorf("noting step-up: %w", err)
	}
	if err := s.guard.StepUpSucceeded(ctx, userID); err != nil {
		s.logger.Warn("step-up limit not reset", slog.Any("error", err))
	}
	return s.rotate(ctx, live, user.ID, func(*session.Session) {})
}

// rotate moves the session to a new token with the password freshly proven.
func (s *Service) rotate(ctx context.Context, live *session.Live, userID string, change func(*session.Session)) (SignedIn, error) {
	now := s.clock().UTC()
	token, next, err := s.sessions.Rotate(ctx, live, func(next *session.Session) {
		next.Identity = next.Identity.Prove(authcore.MethodPassword, now)
		change(next)
	})
	if err != nil {
		return SignedIn{}, err
	}
	signedIn := SignedIn{Token: token, Session: next}
	if next.AuthEpoch == live.AuthEpoch {
		return signedIn, nil // the mark of the browser counts still
	}
	signedIn.Device, err = sealDevice(s.sealer, userID, "", next.AuthEpoch, now)
	if err != nil {
		return SignedIn{}, fmt.Errorf("sealing device: %w", err)
	}
	return signedIn, nil
}
