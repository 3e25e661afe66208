package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// List returns the live sessions of a user, newest first, less those that wait for
// a second factor: nobody is signed in there.
func (m *Manager) List(ctx context.Context, userID string) ([]Session, error) {
	owned, err := m.store.OfUser(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	now := m.now()
	list := make([]Session, 0, len(owned))
	for i := range owned {
		live, err := newLive(owned[i].Hash, &owned[i].Record)
		if err != nil {
			m.logger.Warn("a session cannot be read", slog.String("session", owned[i].ID), slog.Any("error", err))
			continue
		}
		if !live.expired(now) && !live.Identity.Pending {
			list = append(list, *live.Session)
		}
	}
	return list, nil
}

// Alive reads the store for whether a session is there still, under the token that
// it was resumed by.
func (m *Manager) Alive(ctx context.Context, live *Live) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	records, err := m.store.Find(ctx, []Hash{live.Hash})
	if err != nil {
		return false, fmt.Errorf("looking for session: %w", err)
	}
	return records[0] != nil, nil
}

// Revoke ends one session of a user. It fails with authcore.ErrNotFound when
// the user has no such session, also when it is somebody else's. When it
// returns nil, the session is refused on every node and its streams are
// closing.
func (m *Manager) Revoke(ctx context.Context, userID, sessionID string) error {
	owned, err := m.store.OfUser(ctx, userID)
	if err != nil {
		return fmt.Errorf("listing sessions: %w", err)
	}
	// A rotation that was cut short may have left the session under two hashes.
	ending := slices.DeleteFunc(owned, func(o Owned) bool { return o.ID != sessionID })
	if len(ending) == 0 {
		return cmp.Or(m.told(ctx, userID), authcore.ErrNotFound)
	}
	return m.revoke(ctx, userID, ending)
}

// RevokeAll ends every session of a user, except the one with the given id if
// it is not empty, and returns how many there were. The revocation is noted
// durably first: sessions that cannot be reached now are refused when they
// come back.
func (m *Manager) RevokeAll(ctx context.Context, userID, except string) (int, error) {
	now := m.now().UTC()
	settings := m.settings.Load()
	note := Revocation{
		UserID: userID, Except: except, At: now,
		ExpiresAt: now.Add(max(settings.Absolute, settings.Remember)),
	}
	if err := m.record(ctx, note); err != nil {
		return 0, err
	}
	owned, err := m.store.OfUser(ctx, userID)
	if err != nil {
		return 0, fmt.Errorf("listing sessions: %w", err)
	}
	ending := make([]Owned, 0, len(owned))
	for _, o := range owned {
		if o.ID != except {
			ending = append(ending, o)
		}
	}
	return len(ending), m.revoke(ctx, userID, ending)
}

// RevokeBefore ends the sessions of a user that were opened before a moment or carry
// a lower auth epoch, except the one with the given id if it is not empty. It may be
// repeated.
func (m *Manager) RevokeBefore(ctx context.Context, userID, except string, at time.Time, epoch int64) error {
	settings := m.settings.Load()
	note := Revocation{
		UserID: userID, Except: except, At: at.UTC(), Epoch: epoch,
		ExpiresAt: at.UTC().Add(max(settings.Absolute, settings.Remember)),
	}
	if err := m.record(ctx, note); err != nil {
		return err
	}
	return m.replayUser(ctx, userID, []Revocation{note})
}

// revoke notes the end of sessions and removes them. Each is noted by its hash,
// also under a note for all of a user: on a Cluster the index of the user and a
// session are on different servers, and one that a fail-over brought back is in no
// index that a replay could find it by.
func (m *Manager) revoke(ctx context.Context, userID string, owned []Owned) error {
	now := m.now().UTC()
	for _, o := range owned {
		note := Revocation{Hash: o.Hash, UserID: userID, At: now, ExpiresAt: o.ExpiresAt}
		if err := m.record(ctx, note); err != nil {
			return err
		}
	}
	return m.remove(ctx, userID, owned)
}

// remove deletes sessions and tells every node.
func (m *Manager) remove(ctx context.Context, userID string, owned []Owned) error {
	if len(owned) == 0 {
		return m.told(ctx, userID)
	}
	hashes := make([]Hash, len(owned))
	msg := &message{Revoked: make([]sessionRef, len(owned))}
	for i, o := range owned {
		hashes[i] = o.Hash
		msg.Revoked[i] = sessionRef{ID: o.ID, Hash: o.Hash}
	}
	err := m.store.Delete(ctx, userID, hashes...)
	if err != nil {
		err = fmt.Errorf("deleting sessions: %w", err)
	}
	// Those that were deleted before it failed are not found again.
	return errors.Join(err, m.tell(ctx, userID, msg))
}

func (m *Manager) record(ctx context.Context, r Revocation) error {
	if m.log == nil {
		return nil
	}
	if err := m.log.Record(ctx, r); err != nil {
		return fmt.Errorf("noting revocation: %w", err)
	}
	return nil
}
