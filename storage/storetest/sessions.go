package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Sessions tests session.Store.
func Sessions(t *testing.T, open func(testing.TB) session.Store) {
	cases(t, open, map[string]func(context.Context, *testing.T, session.Store){
		"find":                    testFind,
		"limits":                  testLimits,
		"touch":                   testTouch,
		"touch never revives":     testTouchGone,
		"replace":                 testReplace,
		"replace one gone":        testReplaceGone,
		"replace one changed":     testReplaceChanged,
		"rewrite":                 testRewrite,
		"delete":                  testDelete,
		"delete what was rotated": testDeleteRotated,
		"of user":                 testOfUser,
		"creations do not clash":  testCreateTogether,
		"create against sweep":    testCreateSweep,
		"replace against sweep":   testReplaceSweep,
		"replace at once":         testReplaceRace,
		"replace against rewrite": testReplaceRewrite,
	})
}

func testRewrite(ctx context.Context, t *testing.T, s session.Store) {
	hash, r := newHash(), newRecord(newID())
	must(t, s.Create(ctx, hash, r))
	before := r.Data
	must(t, s.Rewrite(ctx, hash, before, []byte("other")))
	r.Data = []byte("other")
	wantRecord(ctx, t, s, hash, r)
	wantError(t, s.Rewrite(ctx, hash, before, []byte("third")), authcore.ErrConflict)
	wantRecord(ctx, t, s, hash, r)
	wantError(t, s.Rewrite(ctx, newHash(), r.Data, []byte("third")), authcore.ErrConflict)
	must(t, s.Delete(ctx, r.UserID, hash))
	wantError(t, s.Rewrite(ctx, hash, r.Data, []byte("third")), authcore.ErrConflict)
	wantGone(ctx, t, s, "a session that was rewritten after its end", hash)
	errs := make([][]byte, 8)
	hash, r = newHash(), newRecord(newID())
	must(t, s.Create(ctx, hash, r))
	wantWinners(t, concurrently(len(errs), func(i int) error {
		return s.Rewrite(ctx, hash, r.Data, []byte{byte(i)})
	}), 1, authcore.ErrConflict)
}

func find(ctx context.Context, t testing.TB, s session.Store, hashes ...session.Hash) []*session.Record {
	t.Helper()
	records, err := s.Find(ctx, hashes)
	must(t, err)
	if len(records) != len(hashes) {
		t.Fatalf("%d records for %d hashes", len(records), len(hashes))
	}
	return records
}

func wantGone(ctx context.Context, t testing.TB, s session.Store, what string, hashes ...session.Hash) {
	t.Helper()
	for _, r := range find(ctx, t, s, hashes...) {
		if r != nil {
			t.Errorf("%s is there", what)
		}
	}
}

// wantRecord fails the test unless the session is as given.
func wantRecord(ctx context.Context, t testing.TB, s session.Store, hash session.Hash, want *session.Record) {
	t.Helper()
	got := find(ctx, t, s, hash)[0]
	if got == nil {
		t.Error("the session is gone")
		return
	}
	same(t, "the session", *got, *want)
}

func create(ctx context.Context, t testing.TB, s session.Store, userID string) (session.Hash, *session.Record) {
	t.Helper()
	hash, r := newHash(), newRecord(userID)
	must(t, s.Create(ctx, hash, r))
	return hash, r
}

func testFind(ctx context.Context, t *testing.T, s session.Store) {
	find(ctx, t, s)
	userID := newID()
	hash, r := create(ctx, t, s, userID)
	wantRecord(ctx, t, s, hash, r)
	bare := &session.Record{ID: newID(), UserID: userID, Data: []byte("x"), Seen: session.Seen{At: now()}, ExpiresAt: now().Add(time.Hour)}
	bareHash := newHash()
	must(t, s.Create(ctx, bareHash, bare))
	wantRecord(ctx, t, s, bareHash, bare)

	many := make([]session.Hash, 0, 300)
	for range 98 {
		many = append(many, newHash(), hash, bareHash)
	}
	for i, got := range find(ctx, t, s, many...) {
		want := []*session.Record{nil, r, bare}[i%3]
		if (got == nil) != (want == nil) || got != nil && got.ID != want.ID {
			t.Fatalf("record %d is %v, want %v", i, got, want)
		}
	}
}

// testLimits uses the clock of the store, so it waits.
func testLimits(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	const short = 300 * time.Millisecond
	idle, absolute, kept := newRecord(userID), newRecord(userID), newRecord(userID)
	idle.Idle = short
	absolute.Idle, absolute.ExpiresAt = 0, now().Add(short)
	hashes := []session.Hash{newHash(), newHash(), newHash()}
	for i, r := range []*session.Record{idle, absolute, kept} {
		must(t, s.Create(ctx, hashes[i], r))
	}
	time.Sleep(short + 100*time.Millisecond)
	wantGone(ctx, t, s, "a session over its limit", hashes[:2]...)
	wantRecord(ctx, t, s, hashes[2], kept)
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	if len(owned) != 1 || owned[0].ID != kept.ID {
		t.Errorf("the user has %d sessions, want 1", len(owned))
	}
	wantError(t, s.Replace(ctx, hashes[0], newHash(), idle.Data, kept), authcore.ErrNotFound)
	wantError(t, s.Replace(ctx, hashes[1], newHash(), absolute.Data, kept), authcore.ErrNotFound)
	wantGone(ctx, t, s, "a session over its limit", hashes[:2]...)
}

func testTouch(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	r := newRecord(userID)
	r.Idle, r.ExpiresAt = 500*time.Millisecond, now().Add(1100*time.Millisecond)
	hash := newHash()
	must(t, s.Create(ctx, hash, r))
	time.Sleep(300 * time.Millisecond)
	used := session.Seen{At: now(), IP: "203.0.113.9"}
	must(t, s.Touch(ctx, hash, used))
	must(t, s.Touch(ctx, hash, session.Seen{At: used.At.Add(-time.Minute), IP: "late news"}))
	time.Sleep(300 * time.Millisecond)
	r.Seen = used
	wantRecord(ctx, t, s, hash, r) // the idle limit has moved
	must(t, s.Touch(ctx, hash, session.Seen{At: now().Add(time.Hour)}))
	time.Sleep(650 * time.Millisecond)
	wantGone(ctx, t, s, "a session past its absolute limit", hash)
}

func testTouchGone(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	hash, _ := create(ctx, t, s, userID)
	must(t, s.Delete(ctx, userID, hash))
	must(t, s.Touch(ctx, hash, session.Seen{At: now(), IP: "192.0.2.1"}))
	must(t, s.Touch(ctx, newHash(), session.Seen{At: now(), IP: "192.0.2.1"}))
	wantGone(ctx, t, s, "a deleted session", hash)
}

func testReplace(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	first, r := create(ctx, t, s, userID)
	second, third := newHash(), newHash()
	changed := *r
	changed.Data = []byte("aal2")
	must(t, s.Replace(ctx, first, second, r.Data, &changed))
	wantGone(ctx, t, s, "the old hash", first)
	wantRecord(ctx, t, s, second, &changed)
	must(t, s.Touch(ctx, first, session.Seen{At: now().Add(time.Second)}))
	wantError(t, s.Replace(ctx, first, newHash(), r.Data, r), authcore.ErrNotFound)
	must(t, s.Replace(ctx, second, third, changed.Data, &changed))
	wantGone(ctx, t, s, "an old hash", first, second)
	wantRecord(ctx, t, s, third, &changed)
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	if len(owned) != 1 || owned[0].Hash != third {
		t.Errorf("the user has %d sessions, want the rotated one", len(owned))
	}
}

func testReplaceGone(ctx context.Context, t *testing.T, s session.Store) {
	userID, next := newID(), newHash()
	hash, r := create(ctx, t, s, userID)
	must(t, s.Delete(ctx, userID, hash))
	wantError(t, s.Replace(ctx, hash, next, r.Data, r), authcore.ErrNotFound)
	wantGone(ctx, t, s, "a session under the new hash", hash, next)
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	if len(owned) != 0 {
		t.Errorf("the user has %d sessions", len(owned))
	}
}

// testReplaceChanged is a rotation that rests on what the session said before.
func testReplaceChanged(ctx context.Context, t *testing.T, s session.Store) {
	userID, next := newID(), newHash()
	hash, r := create(ctx, t, s, userID)
	before, changed := r.Data, *r
	changed.Data = []byte("other")
	must(t, s.Rewrite(ctx, hash, before, changed.Data))
	wantError(t, s.Replace(ctx, hash, next, before, r), authcore.ErrConflict)
	wantGone(ctx, t, s, "a session under the new hash", next)
	wantRecord(ctx, t, s, hash, &changed)
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	if len(owned) != 1 || owned[0].Hash != hash {
		t.Errorf("the user has %d sessions, want the one there was", len(owned))
	}
	must(t, s.Touch(ctx, hash, session.Seen{At: now().Add(time.Second)})) // is no change of what it says
	must(t, s.Replace(ctx, hash, next, changed.Data, &changed))
	wantRecord(ctx, t, s, next, &changed)
}

func testDelete(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	first, _ := create(ctx, t, s, userID)
	second, _ := create(ctx, t, s, userID)
	kept, r := create(ctx, t, s, userID)
	foreign, foreignRecord := create(ctx, t, s, newID())
	must(t, s.Delete(ctx, userID))
	must(t, s.Delete(ctx, userID, first, newHash(), second, foreign))
	wantGone(ctx, t, s, "a deleted session", first, second)
	wantRecord(ctx, t, s, kept, r)
	wantRecord(ctx, t, s, foreign, foreignRecord)
}

// testDeleteRotated is a sweep that listed a session just before it was
// rotated: the thief who rotates must not get away.
func testDeleteRotated(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	hash, r := create(ctx, t, s, userID)
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	next := newHash()
	must(t, s.Replace(ctx, hash, next, r.Data, r))
	for _, o := range owned {
		must(t, s.Delete(ctx, userID, o.Hash))
	}
	wantGone(ctx, t, s, "the rotated session", hash, next)
}

func testOfUser(ctx context.Context, t *testing.T, s session.Store) {
	userID := newID()
	owned, err := s.OfUser(ctx, userID)
	must(t, err)
	if len(owned) != 0 {
		t.Errorf("a new user has %d sessions", len(owned))
	}
	var want []session.Owned
	for range 3 {
		hash, r := create(ctx, t, s, userID)
		want = append([]session.Owned{{Hash: hash, Record: *r}}, want...)
		create(ctx, t, s, newID())
	}
	owned, err = s.OfUser(ctx, userID)
	must(t, err)
	same(t, "the list", owned, want)
}
