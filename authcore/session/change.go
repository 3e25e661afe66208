package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
)

// Grant is what a new session is made from.
type Grant struct {
	// Identity is the snapshot; Open fills SessionID and AuthTime. A pending one
	// makes a session of five minutes, see [Manager.Complete].
	Identity  authcore.Identity
	AuthEpoch int64
	Remember  bool
	Client    authcore.Client
	// Until ends the session at the latest; zero leaves it to the settings.
	Until time.Time
}

// Open makes a session. Commit is called when it is stored: when that fails,
// the session is removed again, so that a sign-in which lost a race against a
// revocation leaves nothing behind.
func (m *Manager) Open(ctx context.Context, g Grant, commit func(context.Context, *Session) error) (Token, *Session, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	userID := g.Identity.UserID
	if err := m.makeRoom(ctx, userID); err != nil {
		return Token{}, nil, err
	}
	token, s := NewToken(), m.newSession(g)
	record, err := s.record()
	if err != nil {
		return Token{}, nil, err
	}
	if err := m.store.Create(ctx, token.Hash(), record); err != nil {
		return Token{}, nil, fmt.Errorf("storing session: %w", err)
	}
	if err := commit(ctx, s); err != nil {
		return Token{}, nil, errors.Join(err, m.store.Delete(context.WithoutCancel(ctx), userID, token.Hash()))
	}
	return token, s, nil
}

func (m *Manager) newSession(g Grant) *Session {
	now, settings := m.now().UTC(), m.settings.Load()
	s := &Session{
		ID: uuid.Must(uuid.NewV7()).String(), Identity: g.Identity, AuthEpoch: g.AuthEpoch, Remembered: g.Remember,
		UserAgent: g.Client.UserAgent, FirstIP: g.Client.IP,
		Seen: Seen{At: now, IP: g.Client.IP},
	}
	s.Identity.SessionID = s.ID
	s.begin(now, settings)
	if !g.Until.IsZero() && s.ExpiresAt.After(g.Until) {
		s.ExpiresAt = g.Until.UTC()
	}
	return s
}

// begin sets when a session began and how long it lives.
func (s *Session) begin(now time.Time, settings *Settings) {
	s.CreatedAt, s.Identity.AuthTime = now, now
	switch {
	case s.Identity.Pending:
		s.Idle, s.ExpiresAt = 0, now.Add(pendingLife)
	case s.Remembered:
		s.Idle, s.ExpiresAt = 0, now.Add(settings.Remember)
	default:
		s.Idle, s.ExpiresAt = settings.Idle, now.Add(settings.Absolute)
	}
}

// pendingLife is how long a user has for the second factor.
const pendingLife = 5 * time.Minute

// makeRoom ends the oldest sessions of a user who holds too many, and before them
// those that wait for a second factor: whoever knows the password alone must not
// sign the owner out by beginning to sign in again and again.
func (m *Manager) makeRoom(ctx context.Context, userID string) error {
	owned, err := m.store.OfUser(ctx, userID)
	if err != nil {
		return fmt.Errorf("listing sessions: %w", err)
	}
	if len(owned) < sessionsPerUser {
		return nil
	}
	var whole, pending []Owned
	for _, o := range owned {
		if s, err := decode(&o.Record); err == nil && s.Identity.Pending {
			pending = append(pending, o)
		} else {
			whole = append(whole, o)
		}
	}
	return m.revoke(ctx, userID, append(whole, pending...)[sessionsPerUser-1:])
}

// Rotate gives a session a new token, after a change of trust, and applies the
// change to its content. The old token is dead on every node when it returns.
//
// The change may be applied more than once: when others have changed the session
// since it was resumed, such as while a password was hashed, it is read again, so
// that what they did stays.
func (m *Manager) Rotate(ctx context.Context, live *Live, change func(*Session)) (Token, *Session, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	s, stored := live.Session, live.data
	for range rewriteTries {
		token, next, err := m.move(ctx, live.Hash, stored, s, change)
		if err == nil {
			return m.moved(ctx, live.Hash, token, s, next)
		}
		if !errors.Is(err, authcore.ErrConflict) {
			return Token{}, nil, err
		}
		if s, stored, err = m.read(ctx, live.Hash); err != nil {
			return Token{}, nil, err
		}
	}
	return Token{}, nil, fmt.Errorf("rotating session: it keeps changing: %w", authcore.ErrUnavailable)
}

// move stores a session that is stored as it was read under a new token. It fails
// with authcore.ErrConflict when the session has changed meanwhile, and with
// authcore.ErrNotFound when it has ended.
func (m *Manager) move(ctx context.Context, h Hash, stored []byte, s *Session, change func(*Session)) (Token, *Session, error) {
	next := *s
	next.Seen.At = m.now().UTC()
	change(&next)
	record, err := next.record()
	if err != nil {
		return Token{}, nil, err
	}
	token := NewToken()
	if err := m.store.Replace(ctx, h, token.Hash(), stored, record); err != nil {
		if !errors.Is(err, authcore.ErrConflict) && !errors.Is(err, authcore.ErrNotFound) {
			// It may have been cut short after the new record was stored.
			m.abandon(ctx, s.Identity.UserID, token.Hash())
		}
		return Token{}, nil, fmt.Errorf("rotating session: %w", err)
	}
	return token, &next, nil
}

// moved ends the old token of a session that was moved, on every node.
func (m *Manager) moved(ctx context.Context, h Hash, token Token, before, next *Session) (Token, *Session, error) {
	old := Revocation{Hash: h, UserID: next.Identity.UserID, At: next.Seen.At, ExpiresAt: next.ExpiresAt}
	ref := sessionRef{ID: next.ID, Hash: h, Next: token.Hash(), Close: !sameRights(&before.Identity, &next.Identity)}
	err := m.record(ctx, old)
	if err == nil {
		err = m.tell(ctx, next.Identity.UserID, &message{Rotated: []sessionRef{ref}})
	}
	if err != nil {
		// Nobody gets the new token, so no session must be left under it.
		m.abandon(ctx, next.Identity.UserID, token.Hash())
		return Token{}, nil, err
	}
	return token, next, nil
}

// Complete makes a whole session of a pending one, under a new token and with
// the lifetimes that the user asked for. It fails with authcore.ErrNotFound when
// the pending one has ended or was completed meanwhile: of several at once, one
// succeeds.
func (m *Manager) Complete(ctx context.Context, live *Live, change func(*Session)) (Token, *Session, error) {
	if live.expired(m.now()) {
		return Token{}, nil, authcore.ErrNotFound
	}
	return m.Rotate(ctx, live, func(next *Session) {
		next.Identity.Pending = false
		next.begin(next.Seen.At, m.settings.Load())
		change(next)
	})
}

// abandon removes a session whose token was never handed out.
func (m *Manager) abandon(ctx context.Context, userID string, h Hash) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := m.store.Delete(ctx, userID, h); err != nil {
		m.logger.Warn("a session that nobody holds is left until it expires", slog.Any("error", err))
	}
}
