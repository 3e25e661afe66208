package storetest

import (
	"context"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// sweep ends all sessions of a user that it finds.
func sweep(ctx context.Context, s session.Store, userID string) error {
	owned, err := s.OfUser(ctx, userID)
	if err != nil {
		return err
	}
	hashes := make([]session.Hash, len(owned))
	for i, o := range owned {
		hashes[i] = o.Hash
	}
	return s.Delete(ctx, userID, hashes...)
}

// testCreateTogether shows that sign-ins of one user, each of which lists the
// sessions there are, do not make each other fail.
func testCreateTogether(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	const signIns = 20
	errs := concurrently(signIns, func(int) error {
		if _, err := s.OfUser(ctx, userID); err != nil {
			return err
		}
		return s.Create(ctx, newHash(), newRecord(userID))
	})
	wantWinners(t, errs, signIns)
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	if len(owned) != signIns {
		t.Errorf("the user has %d sessions, want %d", len(owned), signIns)
	}
}

// testCreateSweep shows that no session gets out of reach of a sweep: what can
// be found is listed, and what is listed can be ended.
func testCreateSweep(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	hashes := make([]session.Hash, 40)
	errs := concurrently(len(hashes), func(i int) error {
		hashes[i] = newHash()
		if i%4 == 0 {
			return sweep(ctx, s, userID)
		}
		return s.Create(ctx, hashes[i], newRecord(userID))
	})
	for _, err := range errs {
		if err != nil {
			wantError(t, err, authcore.ErrConflict)
		}
	}
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	listed := make(map[session.Hash]bool)
	for _, o := range owned {
		listed[o.Hash] = true
	}
	for i, r := range find(ctx, t, s, hashes...) {
		if (r != nil) != listed[hashes[i]] {
			t.Errorf("session %d: found %v, listed %v", i, r != nil, listed[hashes[i]])
		}
		if errs[i] != nil && r != nil {
			t.Errorf("session %d is there although creating it failed", i)
		}
	}
	must(t, sweep(ctx, s, userID))
	wantGone(ctx, t, s, "a session after the sweep", hashes...)
}

// testReplaceSweep shows that a session which is rotated during a sweep does
// not survive it under either hash.
func testReplaceSweep(ctx context.Context, t *testing.T, s session.Store) {
	for range 20 {
		userID, next := newID(), newHash()
		hash, r := create(ctx, t, s, userID)
		errs := concurrently(2, func(i int) error {
			if i == 0 {
				return sweep(ctx, s, userID)
			}
			return s.Replace(ctx, hash, next, r.Data, r)
		})
		must(t, errs[0])
		if errs[1] != nil {
			wantError(t, errs[1], authcore.ErrNotFound)
		}
		wantGone(ctx, t, s, "a session after the sweep", hash, next)
	}
}

// testReplaceRewrite shows that a rotation and a change of the same state do not
// both succeed: one of them would undo the other.
func testReplaceRewrite(ctx context.Context, t *testing.T, s session.Store) {
	for range 20 {
		hash, r := create(ctx, t, s, newID())
		next, changed := newHash(), *r
		changed.Data = []byte("other")
		errs := concurrently(2, func(i int) error {
			if i == 0 {
				return s.Rewrite(ctx, hash, r.Data, changed.Data)
			}
			return s.Replace(ctx, hash, next, r.Data, r)
		})
		wantWinners(t, errs, 1, authcore.ErrConflict)
		if errs[0] == nil {
			wantGone(ctx, t, s, "a session under the new hash", next)
			wantRecord(ctx, t, s, hash, &changed)
		} else {
			wantGone(ctx, t, s, "the old hash", hash)
			wantRecord(ctx, t, s, next, r)
		}
	}
}

// testReplaceRace shows that a session cannot be doubled by rotating it twice
// at once.
func testReplaceRace(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	hash, r := create(ctx, t, s, userID)
	next := make([]session.Hash, 10)
	errs := concurrently(len(next), func(i int) error {
		next[i] = newHash()
		return s.Replace(ctx, hash, next[i], r.Data, r)
	})
	wantWinners(t, errs, 1, authcore.ErrNotFound)
	live := 0
	for i, found := range find(ctx, t, s, next...) {
		if found != nil {
			live++
			if errs[i] != nil {
				t.Error("a rotation that failed left a session")
			}
		}
	}
	if live != 1 {
		t.Errorf("%d sessions came of one", live)
	}
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	if len(owned) != 1 {
		t.Errorf("the user has %d sessions, want 1", len(owned))
	}
}
