package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/sigra-auth/sigra/authcore"
)

// rewriteTries bounds how often sessions that keep changing are read again.
const rewriteTries = 5

// Rewrite applies a change to the identity in every session of a user. The
// sessions keep their tokens and their lifetimes; the next request on any node
// carries the change when it returns. The change may be applied more than once.
func (m *Manager) Rewrite(ctx context.Context, userID string, change func(authcore.Identity) authcore.Identity) error {
	for range rewriteTries {
		settled, err := m.rewrite(ctx, userID, change)
		if settled || err != nil {
			return err
		}
	}
	return fmt.Errorf("rewriting sessions: they keep changing: %w", authcore.ErrUnavailable)
}

// rewrite tries once; it has not settled while a session is changed by others.
func (m *Manager) rewrite(ctx context.Context, userID string, change func(authcore.Identity) authcore.Identity) (settled bool, err error) {
	owned, err := m.store.OfUser(ctx, userID)
	if err != nil {
		return false, fmt.Errorf("listing sessions: %w", err)
	}
	msg := new(message)
	settled = true
	for _, o := range owned {
		s, err := decode(&o.Record)
		if err != nil {
			m.logger.Warn("a session cannot be read", slog.String("session", o.ID), slog.Any("error", err))
			continue
		}
		next := *s
		if next.Identity = change(s.Identity); reflect.DeepEqual(next.Identity, s.Identity) {
			continue
		}
		record, err := next.record()
		if err != nil {
			return false, err
		}
		switch err := m.store.Rewrite(ctx, o.Hash, o.Data, record.Data); {
		case errors.Is(err, authcore.ErrConflict):
			settled = false
		case err != nil:
			return false, fmt.Errorf("rewriting session: %w", err)
		default:
			msg.Changed = append(msg.Changed, sessionRef{ID: o.ID, Hash: o.Hash})
		}
	}
	if len(msg.Changed) == 0 {
		return settled, nil
	}
	return settled, m.tell(ctx, msg)
}
