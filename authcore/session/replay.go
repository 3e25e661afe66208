package session

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sigra-auth/sigra/authcore"
)

const (
	// replayPage is how many notes are read at a time: the log holds those of as long
	// as a session can live.
	replayPage = 4 * batchSize
	// replayers is how many users are seen to at a time.
	replayers = 16
)

// Refresh makes the sessions of a user carry what their account says now. It fails
// with authcore.ErrNotFound when there is no such user any more.
type Refresh = func(ctx context.Context, userID string) error

// RefreshWith sets how sessions are brought up to date that a session store may have
// brought back in an older state. It is called before [Manager.Run].
func (m *Manager) RefreshWith(refresh Refresh) { m.refresh.Store(&refresh) }

// reconcile brings the session store up to date with the log after the link was
// (re)established; only then is the cache trusted again. One run at a time is enough.
func (m *Manager) reconcile(ctx context.Context) {
	if !m.reconciling.TryLock() {
		return
	}
	defer m.reconciling.Unlock()
	epoch, needed := m.link.needsReconcile()
	if !needed {
		return
	}
	if err := m.replay(ctx); err != nil {
		m.logger.Warn("sessions not reconciled, every request reads the store", slog.Any("error", err))
		return
	}
	m.link.reconciledAt(epoch)
}

// replay ends the sessions that the log says must not be there, and refreshes those
// that may not do any more what they could.
func (m *Manager) replay(ctx context.Context) error {
	if m.log == nil {
		return nil
	}
	if err := m.replayRevocations(ctx); err != nil {
		return err
	}
	return m.replayChanges(ctx)
}

func (m *Manager) replayRevocations(ctx context.Context) error {
	for last := (Revocation{}); ; {
		notes, err := m.log.Active(ctx, m.now(), last, replayPage)
		if err != nil {
			return err
		}
		if err := m.replayNotes(ctx, notes); err != nil {
			return err
		}
		if len(notes) < replayPage {
			return nil
		}
		last = notes[len(notes)-1]
	}
}

func (m *Manager) replayNotes(ctx context.Context, notes []Revocation) error {
	users := make(map[string][]Revocation) // whose sessions all have ended
	var hashes []Hash
	for _, note := range notes {
		if note.Hash == (Hash{}) {
			users[note.UserID] = append(users[note.UserID], note)
		} else {
			hashes = append(hashes, note.Hash)
		}
	}
	for some := range slices.Chunk(hashes, batchSize) {
		if err := m.replayHashes(ctx, some); err != nil {
			return err
		}
	}
	return eachUser(slices.Collect(maps.Keys(users)), func(userID string) error {
		return m.replayUser(ctx, userID, users[userID])
	})
}

// replayHashes ends those sessions of the hashes that are back. A hash that a rotation
// has ended is not: its session lives under another one.
func (m *Manager) replayHashes(ctx context.Context, hashes []Hash) error {
	records, err := m.store.Find(ctx, hashes)
	if err != nil {
		return err
	}
	back := make(map[string][]Owned)
	for i, r := range records {
		if r != nil {
			back[r.UserID] = append(back[r.UserID], Owned{hashes[i], *r})
		}
	}
	for userID, owned := range back {
		if err := m.remove(ctx, userID, owned); err != nil {
			return err
		}
	}
	return nil
}

// replayUser ends the sessions of a user that notes for all of theirs cover.
func (m *Manager) replayUser(ctx context.Context, userID string, notes []Revocation) error {
	owned, err := m.store.OfUser(ctx, userID)
	if err != nil {
		return err
	}
	return m.revoke(ctx, userID, slices.DeleteFunc(owned, func(o Owned) bool {
		s, err := decode(&o.Record)
		// What cannot be read is nobody's session, and must not keep the others.
		return err == nil && !slices.ContainsFunc(notes, func(note Revocation) bool { return note.covers(s) })
	}))
}

// replayChanges refreshes the sessions of users who have been given or have lost a
// right while the sessions lived: a store that was restored may say what was before.
func (m *Manager) replayChanges(ctx context.Context) error {
	refresh := m.refresh.Load()
	if refresh == nil {
		return nil
	}
	for last := ""; ; {
		users, err := m.log.Changed(ctx, m.now(), last, replayPage)
		if err != nil {
			return err
		}
		err = eachUser(users, func(userID string) error {
			if err := (*refresh)(ctx, userID); !errors.Is(err, authcore.ErrNotFound) {
				return err
			}
			return nil // a deleted account, whose sessions have been revoked
		})
		if err != nil || len(users) < replayPage {
			return err
		}
		last = users[len(users)-1]
	}
}

// eachUser does something for many users, some at a time, until it fails for one.
func eachUser(users []string, do func(userID string) error) error {
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	slots := make(chan struct{}, replayers)
	for _, userID := range users {
		slots <- struct{}{}
		if failed.Load() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			if err := do(userID); err != nil {
				failed.Store(&err)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
