package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sigra-auth/sigra/authcore"
)

// rewriteTries bounds how often sessions that keep changing are read again.
const rewriteTries = 10

// Change makes another identity of the one that a session carries. It may be
// applied more than once.
type Change = func(authcore.Identity) authcore.Identity

// Rewritten is the identity of a session before and after a change.
type Rewritten struct{ Before, After authcore.Identity }

// Rewrite applies a change to the identity in every session of a user, and
// returns what has changed. The sessions keep their tokens and their lifetimes;
// the next request on any node carries the change when it returns, and requests
// that were let through when the session might do something else are ended.
//
// Current returns the change. It is asked after the sessions were read, each time
// that they are: a change that was made of an older state of the account could
// else overwrite that of a newer one. It is not asked when there are no sessions.
func (m *Manager) Rewrite(ctx context.Context, userID string, current func(context.Context) (Change, error)) ([]Rewritten, error) {
	var all []Rewritten
	for range rewriteTries {
		done, settled, err := m.rewrite(ctx, userID, current)
		if all = append(all, done...); settled || err != nil {
			return all, err
		}
	}
	return all, fmt.Errorf("rewriting sessions: they keep changing: %w", authcore.ErrUnavailable)
}

// rewrite tries once; it has not settled while a session is changed by others.
func (m *Manager) rewrite(ctx context.Context, userID string, current func(context.Context) (Change, error)) (done []Rewritten, settled bool, err error) {
	owned, err := m.store.OfUser(ctx, userID)
	if err != nil {
		return nil, false, fmt.Errorf("listing sessions: %w", err)
	}
	if len(owned) == 0 {
		return nil, true, m.told(ctx, userID)
	}
	change, err := current(ctx)
	if err != nil {
		return nil, false, err
	}
	msg, settled, noted := new(message), true, false
	for i := range owned {
		s, err := decode(&owned[i].Record)
		if err != nil {
			m.logger.Warn("a session cannot be read", slog.String("session", owned[i].ID), slog.Any("error", err))
			continue
		}
		next := change(s.Identity)
		if !noted && !sameRights(&s.Identity, &next) {
			if err := m.noteChange(ctx, userID); err != nil {
				return done, false, errors.Join(err, m.tellChanged(ctx, userID, msg))
			}
			noted = true
		}
		changed, ref, err := m.swap(ctx, owned[i].Hash, owned[i].Data, s, next)
		switch {
		case errors.Is(err, authcore.ErrConflict):
			settled = false
		case err != nil:
			// What is changed already, or may be, must be told all the same.
			if ref != nil {
				msg.Changed = append(msg.Changed, *ref)
			}
			return done, false, errors.Join(err, m.tellChanged(ctx, userID, msg))
		case ref != nil:
			done, msg.Changed = append(done, changed), append(msg.Changed, *ref)
		}
	}
	return done, settled, m.tellChanged(ctx, userID, msg)
}

// noteChange notes durably that the rights of a user change, before their sessions are
// told: a session store that falls back to an older state would else give them back.
func (m *Manager) noteChange(ctx context.Context, userID string) error {
	if m.log == nil {
		return nil
	}
	settings := m.settings.Load()
	if err := m.log.NoteChange(ctx, userID, m.now().UTC().Add(max(settings.Absolute, settings.Remember))); err != nil {
		return fmt.Errorf("noting a change of rights: %w", err)
	}
	return nil
}

func (m *Manager) tellChanged(ctx context.Context, userID string, msg *message) error {
	if len(msg.Changed) == 0 {
		return m.told(ctx, userID)
	}
	return m.tell(ctx, userID, msg)
}

// swap changes the identity in a session that is stored as it was read, and
// returns what to tell of it; nil when there is nothing to change. It fails with
// authcore.ErrConflict when the session has changed or ended meanwhile; after any
// other failure of the store it may be changed.
func (m *Manager) swap(ctx context.Context, h Hash, stored []byte, s *Session, id authcore.Identity) (Rewritten, *sessionRef, error) {
	next := *s
	next.Identity = id
	done := Rewritten{s.Identity, id}
	record, err := next.record()
	if err != nil || bytes.Equal(record.Data, stored) {
		return done, nil, err
	}
	next.Rewrites++
	if record, err = next.record(); err != nil {
		return done, nil, err
	}
	ref := &sessionRef{ID: s.ID, Hash: h, Close: !sameRights(&s.Identity, &next.Identity)}
	if err := m.store.Rewrite(ctx, h, stored, record.Data); err != nil {
		return done, ref, fmt.Errorf("rewriting session: %w", err)
	}
	return done, ref, nil
}

// Amend changes the identity of one session and returns it as it is then. The
// token stays; the next request on any node carries the change. It fails with
// authcore.ErrNotFound when the session is gone, or has another token by now.
func (m *Manager) Amend(ctx context.Context, live *Live, change Change) (authcore.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	for range rewriteTries {
		s, stored, err := m.read(ctx, live.Hash)
		if err != nil {
			return authcore.Identity{}, err
		}
		changed, ref, err := m.swap(ctx, live.Hash, stored, s, change(s.Identity))
		switch {
		case errors.Is(err, authcore.ErrConflict):
			continue
		case ref == nil:
			return changed.After, errors.Join(err, m.told(ctx, s.Identity.UserID))
		default:
			return changed.After, errors.Join(err, m.tell(ctx, s.Identity.UserID, &message{Changed: []sessionRef{*ref}}))
		}
	}
	return authcore.Identity{}, fmt.Errorf("amending session: it keeps changing: %w", authcore.ErrUnavailable)
}

// read returns a session as the store holds it now, and its stored form.
func (m *Manager) read(ctx context.Context, h Hash) (*Session, []byte, error) {
	found, err := m.store.Find(ctx, []Hash{h})
	if err != nil {
		return nil, nil, fmt.Errorf("reading session: %w", err)
	}
	if found[0] == nil {
		return nil, nil, authcore.ErrNotFound
	}
	s, err := decode(found[0])
	return s, found[0].Data, err
}
