package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// Throttled turns the error of a limit into *ThrottledError, and any other into
// that of something broken.
func Throttled(err error) error {
	var exceeded *throttle.Exceeded
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exceeded):
		return &ThrottledError{exceeded.RetryAfter}
	default:
		return fmt.Errorf("counting attempt: %w", err)
	}
}

// TryFactor counts a try at a second factor of a user and returns how many more may
// be tried now; it fails with *ThrottledError. All factors share the budget, or who
// knows the password would go from one to the next.
func (s *Service) TryFactor(ctx context.Context, userID string) (left int, err error) {
	left, err = s.guard.Factor(ctx, userID)
	return left, Throttled(err)
}

// FactorFailed tells the owner, when none is left, that the second factors are
// locked for a while: somebody has got past the first.
func (s *Service) FactorFailed(ctx context.Context, live *session.Live, left int, client authcore.Client) error {
	if left > 0 {
		return nil
	}
	user, _, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	letter, err := mail.NewJob(s.sealer, mail.About(mail.CodesLocked, user, client, nil).LeadingTo("/reset"), s.clock())
	if err != nil {
		return err
	}
	event := audit.New(s.clock(), audit.TwoStepLockout, client).By(audit.ActorSystem, "").Of(user.ID)
	if err := s.ledger.Note(ctx, event, letter); err != nil {
		return fmt.Errorf("noting lock: %w", err)
	}
	s.events.Emit(events.Locked, map[string]any{"user_id": user.ID})
	return nil
}

func (s *Service) factorSucceeded(ctx context.Context, userID string) {
	if err := s.guard.FactorSucceeded(ctx, userID); err != nil {
		s.logger.Warn("limit of second factors not reset", slog.Any("error", err))
	}
}
