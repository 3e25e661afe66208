package account

import (
	"context"
	"fmt"
	"slices"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Session rows may live in Redis, so an event about one cannot share its
// transaction: it is written first, with a job that sees to it that what it
// tells happens.

// Sessions returns the sessions of the signed-in user: the one that asks, then the
// others, newest first.
func (s *Service) Sessions(ctx context.Context, live *session.Live) ([]session.Session, error) {
	list, err := s.sessions.List(ctx, live.Identity.UserID)
	if own := slices.IndexFunc(list, func(other session.Session) bool { return other.ID == live.ID }); own > 0 {
		this := list[own]
		copy(list[1:], list[:own])
		list[0] = this
	}
	return list, err
}

// SignOut ends the session that a request runs in.
func (s *Service) SignOut(ctx context.Context, live *session.Live, client authcore.Client) error {
	userID := live.Identity.UserID
	ending, err := s.ending(userID, live.ID, "")
	if err != nil {
		return err
	}
	if err := s.ledger.Note(ctx, s.userEvent(audit.Logout, userID, client).On(live.ID), ending); err != nil {
		return fmt.Errorf("noting sign-out: %w", err)
	}
	if err := s.sessions.Revoke(ctx, userID, live.ID); err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	s.events.Emit(events.SignedOut, map[string]any{"user_id": userID, "session_id": live.ID})
	return nil
}

// RevokeSession ends one session of the signed-in user. It fails with
// authcore.ErrNotFound for an unknown one, and for one of somebody else's.
func (s *Service) RevokeSession(ctx context.Context, live *session.Live, sessionID string, client authcore.Client) error {
	userID := live.Identity.UserID
	event := s.userEvent(audit.SessionRevoke, userID, client).On(sessionID)
	return s.revokeSession(ctx, userID, sessionID, event)
}

// revokeSession ends a session of a user if there is one; the event is written
// only then.
func (s *Service) revokeSession(ctx context.Context, userID, sessionID string, event audit.Event) error {
	list, err := s.sessions.List(ctx, userID)
	if err != nil {
		return err
	}
	for _, one := range list {
		if one.ID != sessionID {
			continue
		}
		ending, err := s.ending(userID, sessionID, "")
		if err != nil {
			return err
		}
		if err := s.ledger.Note(ctx, event, ending); err != nil {
			return fmt.Errorf("noting revocation: %w", err)
		}
		if err := s.sessions.Revoke(ctx, userID, sessionID); err != nil {
			return err
		}
		s.events.Emit(events.SessionRevoked, map[string]any{"user_id": userID, "session_id": sessionID})
		return nil
	}
	return authcore.ErrNotFound
}

// RevokeOthers ends every session of the signed-in user but the one that the
// request runs in, and returns how many there were.
func (s *Service) RevokeOthers(ctx context.Context, live *session.Live, client authcore.Client) (int, error) {
	userID := live.Identity.UserID
	event := s.userEvent(audit.SessionRevokeAll, userID, client).With("kept", live.ID)
	return s.revokeAll(ctx, userID, live.ID, event)
}

func (s *Service) revokeAll(ctx context.Context, userID, except string, event audit.Event) (int, error) {
	ending, err := s.ending(userID, "", except)
	if err != nil {
		return 0, err
	}
	if err := s.ledger.Note(ctx, event, ending); err != nil {
		return 0, fmt.Errorf("noting revocation: %w", err)
	}
	n, err := s.sessions.RevokeAll(ctx, userID, except)
	if err != nil {
		return 0, err
	}
	s.events.Emit(events.SessionRevoked, map[string]any{"user_id": userID, "count": n})
	return n, nil
}
