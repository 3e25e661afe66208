package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// freshEnough is how long ago a user without a password may have signed in to
// change the account: a session that was left open must not be enough.
const freshEnough = 15 * time.Minute

// ErrNotFresh says that the user must sign in again first.
var ErrNotFresh = errors.New("the last proof of the user is too old")

// Reprove asks the signed-in user for a proof before a change of the account:
// the password or, if there is none, a sign-in not long ago. It returns the
// account as it is now. It fails with *InvalidError on the field "current",
// *ThrottledError after too many wrong ones, and ErrNotFresh.
func (s *Service) Reprove(ctx context.Context, live *session.Live, password string, client authcore.Client) (authcore.User, error) {
	user, credential, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return user, fmt.Errorf("finding account: %w", err)
	}
	if credential.Hash == "" {
		if s.clock().Sub(live.Identity.ProvenAt()) > freshEnough {
			return user, ErrNotFresh
		}
		return user, nil
	}
	return user, s.checkPassword(ctx, user, credential, password, "current", live, client)
}

// checkPassword verifies the password of a signed-in user, which came in a
// field, within the limit of step-up.
func (s *Service) checkPassword(ctx context.Context, user authcore.User, credential Credential, password, field string, live *session.Live, client authcore.Client) error {
	if err := s.guard.StepUp(ctx, user.ID); err != nil {
		var exceeded *throttle.Exceeded
		if errors.As(err, &exceeded) {
			return &ThrottledError{exceeded.RetryAfter}
		}
		return fmt.Errorf("counting attempt: %w", err)
	}
	result, err := s.passwords.Verify(ctx, credential.Hash, password)
	if err != nil {
		return fmt.Errorf("verifying password: %w", err)
	}
	if !result.OK {
		event := s.userEvent(audit.StepUpFailure, user.ID, client).On(live.ID)
		if _, err := s.ledger.Failed(ctx, user.ID, event); err != nil {
			return fmt.Errorf("noting failed attempt: %w", err)
		}
		return &InvalidError{map[string]Problem{field: ProblemWrongPassword}}
	}
	if err := s.guard.StepUpSucceeded(ctx, user.ID); err != nil {
		s.logger.Warn("step-up limit not reset", slog.Any("error", err))
	}
	return nil
}

// Renew gives a session a new token after the user has been proven anew, and
// makes it carry what the account says now.
func (s *Service) Renew(ctx context.Context, live *session.Live, user authcore.User) (SignedIn, error) {
	now := s.clock().UTC()
	token, next, err := s.sessions.Rotate(ctx, live, func(next *session.Session) {
		next.AuthEpoch = user.AuthEpoch
		next.Identity = next.Identity.Describe(user).Prove(authcore.MethodPassword, now)
	})
	if err != nil {
		return SignedIn{}, err
	}
	signedIn := SignedIn{Token: token, Session: next}
	if next.AuthEpoch == live.AuthEpoch {
		return signedIn, nil // the mark of the browser counts still
	}
	signedIn.Device, err = sealDevice(s.sealer, user.ID, "", next.AuthEpoch, now)
	if err != nil {
		return SignedIn{}, fmt.Errorf("sealing device: %w", err)
	}
	return signedIn, nil
}
