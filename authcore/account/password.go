package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// PasswordChange is a new password of a signed-in user.
type PasswordChange struct {
	// Current is the password so far; it is not asked for when there is none.
	Current  string
	Password string
}

// firstPassword is how fresh the proof of a user without a password must be to
// set one: a session that was left open must not become a way in for good.
const firstPassword = 15 * time.Minute

// ErrNotFresh says that the user must sign in again first.
var ErrNotFresh = errors.New("the last proof of the user is too old")

// HasPassword reports whether the signed-in user has a password.
func (s *Service) HasPassword(ctx context.Context, live *session.Live) (bool, error) {
	_, credential, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return false, fmt.Errorf("finding account: %w", err)
	}
	return credential.Hash != "", nil
}

// ChangePassword replaces the password of a signed-in user, tells the owner by
// mail, ends all other sessions and gives this one a new token. It fails with
// *InvalidError for a wrong current or a bad new password, *ThrottledError after
// too many wrong ones, and ErrNotFresh for a first password long after sign-in.
func (s *Service) ChangePassword(ctx context.Context, live *session.Live, change PasswordChange, client authcore.Client) (SignedIn, error) {
	userID := live.Identity.UserID
	user, credential, err := s.users.User(ctx, userID)
	if err != nil {
		return SignedIn{}, fmt.Errorf("finding account: %w", err)
	}
	if credential.Hash == "" && s.clock().Sub(live.Identity.ProvenAt()) > firstPassword {
		return SignedIn{}, ErrNotFresh
	}
	if credential.Hash != "" {
		if err := s.checkCurrent(ctx, user, credential, change.Current, client); err != nil {
			return SignedIn{}, err
		}
	}
	hash, err := s.NewPassword(ctx, user, change.Password)
	if err != nil {
		return SignedIn{}, err
	}
	letter, err := mail.NewJob(s.sealer, mail.About(mail.PasswordChanged, user, client, nil).LeadingTo("/reset"), s.clock())
	if err != nil {
		return SignedIn{}, err
	}
	ending, err := s.ending(userID, "", live.ID)
	if err != nil {
		return SignedIn{}, err
	}
	event := s.userEvent(audit.PasswordChange, userID, client).On(live.ID)
	changed, err := s.ledger.SetPassword(ctx, userID, hash, event, letter, ending)
	if err != nil {
		return SignedIn{}, fmt.Errorf("changing password: %w", err)
	}
	s.events.Emit(EventPasswordSet, map[string]any{"user_id": userID})
	if _, err := s.sessions.RevokeAll(ctx, userID, live.ID); err != nil {
		return SignedIn{}, fmt.Errorf("the password is changed, but other sessions end only when the session store is back: %w", err)
	}
	return s.rotate(ctx, live, userID, func(next *session.Session) { next.AuthEpoch = changed.AuthEpoch })
}

// checkCurrent verifies the password of a signed-in user, within the limit of
// step-up.
func (s *Service) checkCurrent(ctx context.Context, user authcore.User, credential Credential, password string, client authcore.Client) error {
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
		if _, err := s.ledger.Failed(ctx, user.ID, s.userEvent(audit.StepUpFailure, user.ID, client)); err != nil {
			return fmt.Errorf("noting failed attempt: %w", err)
		}
		return &InvalidError{map[string]Problem{"current": ProblemWrongPassword}}
	}
	if err := s.guard.StepUpSucceeded(ctx, user.ID); err != nil {
		s.logger.Warn("step-up limit not reset", slog.Any("error", err))
	}
	return nil
}
