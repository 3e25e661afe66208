package account

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

// The methods below are for operators: the command line and Caddy's admin
// endpoint, which authenticate by access to the machine.

// Find returns the account that a reference (an id or an address) means, or
// authcore.ErrNotFound.
func (s *Service) Find(ctx context.Context, ref string) (authcore.User, error) {
	if uuid.Validate(ref) == nil {
		user, _, err := s.users.User(ctx, ref)
		return user, err
	}
	email, ok := ParseEmail(ref)
	if !ok {
		return authcore.User{}, authcore.ErrNotFound
	}
	user, _, err := s.users.UserByEmail(ctx, email.Key)
	return user, err
}

// Add creates an account. It fails with *InvalidError for bad fields and
// authcore.ErrConflict when the address is taken.
func (s *Service) Add(ctx context.Context, in NewUser) (authcore.User, error) {
	user, hash, err := s.newUser(ctx, in)
	if err != nil {
		return authcore.User{}, err
	}
	if err := s.ledger.Create(ctx, user, hash, s.operatorEvent(audit.UserCreate).Of(user.ID)); err != nil {
		return authcore.User{}, fmt.Errorf("creating account: %w", err)
	}
	s.events.Emit(events.UserCreated, map[string]any{"user_id": user.ID})
	return user, nil
}

// Page returns up to limit accounts after the one with the given id.
func (s *Service) Page(ctx context.Context, after string, limit int) ([]authcore.User, error) {
	return s.users.Users(ctx, after, limit)
}

// SetDisabled disables an account and ends its sessions, or enables it.
func (s *Service) SetDisabled(ctx context.Context, userID string, disabled bool) (authcore.User, error) {
	action, name := audit.UserEnable, events.UserEnabled
	if disabled {
		action, name = audit.UserDisable, events.UserDisabled
	}
	var jobs []job.Job
	if disabled {
		ending, err := s.ending(userID, "", "")
		if err != nil {
			return authcore.User{}, err
		}
		jobs = append(jobs, ending)
	}
	user, err := s.ledger.SetDisabled(ctx, userID, disabled, s.operatorEvent(action).Of(userID), jobs...)
	if err != nil {
		return authcore.User{}, fmt.Errorf("changing account: %w", err)
	}
	s.events.Emit(name, map[string]any{"user_id": userID})
	s.Forgive(ctx, user)
	if disabled {
		if _, err := s.sessions.RevokeAll(ctx, userID, ""); err != nil {
			return user, fmt.Errorf("account is disabled, but its sessions end only when the session store is back: %w", err)
		}
	}
	return user, nil
}

// Approve accepts an account that waits for it and tells the user by mail. It
// fails with authcore.ErrConflict when it does not wait. The client says where
// the link in the mail leads.
func (s *Service) Approve(ctx context.Context, user authcore.User, client authcore.Client) (authcore.User, error) {
	letter, err := mail.NewJob(s.sealer, mail.About(mail.Approved, user, client, nil).LeadingTo("/login"), s.clock())
	if err != nil {
		return user, err
	}
	refresh, err := RefreshSessions(s.sealer, user.ID, s.clock())
	if err != nil {
		return user, err
	}
	approved, err := s.ledger.Approve(ctx, user.ID, s.operatorEvent(audit.UserApprove).Of(user.ID), letter, refresh)
	if err != nil {
		return user, fmt.Errorf("approving account: %w", err)
	}
	return approved, s.Refresh(ctx, user.ID)
}

// SetPassword replaces the password of an account and ends its sessions.
func (s *Service) SetPassword(ctx context.Context, user authcore.User, password string) error {
	hash, err := s.NewPassword(ctx, user, password)
	if err != nil {
		return err
	}
	ending, err := s.ending(user.ID, "", "")
	if err != nil {
		return err
	}
	event := s.operatorEvent(audit.PasswordSet).Of(user.ID)
	if _, err := s.ledger.SetPassword(ctx, user.ID, hash, event, ending); err != nil {
		return fmt.Errorf("setting password: %w", err)
	}
	s.events.Emit(events.PasswordSet, map[string]any{"user_id": user.ID})
	s.Forgive(ctx, user)
	if _, err := s.sessions.RevokeAll(ctx, user.ID, ""); err != nil {
		return fmt.Errorf("the password is set, but old sessions end only when the session store is back: %w", err)
	}
	return nil
}

// Forgive lets new browsers of an account in again that strangers have locked. It may
// fail without harm: the lock re-arms by itself.
func (s *Service) Forgive(ctx context.Context, user authcore.User) {
	if err := s.guard.Forget(ctx, user.EmailKey); err != nil {
		s.logger.Warn("sign-in limits not reset", slog.Any("error", err))
	}
}

// List returns the sessions of a user, newest first.
func (s *Service) List(ctx context.Context, userID string) ([]session.Session, error) {
	return s.sessions.List(ctx, userID)
}

// End ends one session of a user, or all of them with an empty session id, and
// returns how many there were.
func (s *Service) End(ctx context.Context, userID, sessionID string) (int, error) {
	if sessionID == "" {
		return s.revokeAll(ctx, userID, "", s.operatorEvent(audit.SessionRevokeAll).Of(userID))
	}
	event := s.operatorEvent(audit.SessionRevoke).Of(userID).On(sessionID)
	return 1, s.revokeSession(ctx, userID, sessionID, event)
}
