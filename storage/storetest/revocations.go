package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
)

// Revocations tests session.RevocationLog.
func Revocations(t *testing.T, open func(testing.TB) session.RevocationLog) {
	cases(t, open, map[string]func(context.Context, *testing.T, session.RevocationLog){
		"one session":       testRevokeOne,
		"every session":     testRevokeAll,
		"active and gone":   testActive,
		"page by page":      testActivePages,
		"changes of rights": testChanged,
	})
}

func wantRevoked(ctx context.Context, t *testing.T, l session.RevocationLog, what string, want bool, hash session.Hash, id, userID string, created time.Time) {
	t.Helper()
	got, err := l.Revoked(ctx, hash, id, userID, created, 3)
	must(t, err)
	if got != want {
		t.Errorf("%s: revoked is %v, want %v", what, got, want)
	}
}

func testRevokeOne(ctx context.Context, t *testing.T, l session.RevocationLog) {
	hash, userID := newHash(), newID()
	r := session.Revocation{Hash: hash, UserID: userID, At: now(), ExpiresAt: now().Add(time.Hour)}
	must(t, l.Record(ctx, r))
	must(t, l.Record(ctx, r)) // it may be told twice
	before := now().Add(-time.Minute)
	wantRevoked(ctx, t, l, "the session", true, hash, newID(), userID, before)
	wantRevoked(ctx, t, l, "another one of the user", false, newHash(), newID(), userID, before)
}

func testRevokeAll(ctx context.Context, t *testing.T, l session.RevocationLog) {
	userID, spared, at := newID(), newID(), now()
	must(t, l.Record(ctx, session.Revocation{UserID: userID, Except: spared, At: at, ExpiresAt: at.Add(time.Hour)}))
	wantRevoked(ctx, t, l, "an older session", true, newHash(), newID(), userID, at.Add(-time.Second))
	wantRevoked(ctx, t, l, "one made in that moment", true, newHash(), newID(), userID, at)
	wantRevoked(ctx, t, l, "a later session", false, newHash(), newID(), userID, at.Add(time.Second))
	must(t, l.Record(ctx, session.Revocation{UserID: userID, At: at.Add(-time.Hour), Epoch: 3, ExpiresAt: at.Add(time.Hour)}))
	wantRevoked(ctx, t, l, "a later session of the same epoch", false, newHash(), newID(), userID, at.Add(time.Second))
	must(t, l.Record(ctx, session.Revocation{UserID: userID, Except: spared, At: at.Add(-time.Hour), Epoch: 4, ExpiresAt: at.Add(time.Hour)}))
	wantRevoked(ctx, t, l, "a later session, by the clock, of an older epoch", true, newHash(), newID(), userID, at.Add(time.Second))
	wantRevoked(ctx, t, l, "the spared session", false, newHash(), spared, userID, at.Add(-time.Second))
	wantRevoked(ctx, t, l, "somebody else's", false, newHash(), newID(), newID(), at.Add(-time.Second))
}

func testActive(ctx context.Context, t *testing.T, l session.RevocationLog) {
	at := now()
	gone := session.Revocation{Hash: newHash(), UserID: newID(), At: at.Add(-2 * time.Hour), ExpiresAt: at.Add(-time.Hour)}
	one := session.Revocation{Hash: newHash(), UserID: newID(), At: at.Add(-time.Minute), ExpiresAt: at.Add(time.Hour)}
	all := session.Revocation{UserID: newID(), Except: newID(), At: at, Epoch: 7, ExpiresAt: at.Add(2 * time.Hour)}
	for _, r := range []session.Revocation{gone, all, one} {
		must(t, l.Record(ctx, r))
	}
	active, err := l.Active(ctx, at, session.Revocation{}, 10)
	must(t, err)
	same(t, "the active ones", active, []session.Revocation{all, one})
	active, err = l.Active(ctx, at.Add(time.Hour), session.Revocation{}, 10)
	must(t, err)
	same(t, "those an hour later", active, []session.Revocation{all})
	wantRevoked(ctx, t, l, "a note that was dropped", false, gone.Hash, newID(), gone.UserID, at.Add(-3*time.Hour))
}

func testActivePages(ctx context.Context, t *testing.T, l session.RevocationLog) {
	at, hash, userID := now(), newHash(), newID()
	want := []session.Revocation{
		{UserID: userID, At: at.Add(-time.Minute), ExpiresAt: at.Add(time.Hour)},
		{UserID: userID, At: at, ExpiresAt: at.Add(time.Hour)},
		{UserID: userID, Except: newID(), At: at.Add(-time.Hour), ExpiresAt: at.Add(time.Hour)},
		{UserID: newID(), At: at.Add(-time.Hour), ExpiresAt: at.Add(time.Hour)}, // ids grow
		{Hash: hash, UserID: userID, At: at, ExpiresAt: at.Add(time.Hour)},
	}
	for _, i := range []int{3, 0, 4, 2, 1} {
		must(t, l.Record(ctx, want[i]))
	}
	var last session.Revocation
	for first := 0; first < len(want); first += 2 {
		page, err := l.Active(ctx, at, last, 2)
		must(t, err)
		same(t, "a page", page, want[first:min(first+2, len(want))])
		last = page[len(page)-1]
	}
	page, err := l.Active(ctx, at, last, 2)
	must(t, err)
	same(t, "what comes after the last", len(page), 0)
}

func testChanged(ctx context.Context, t *testing.T, l session.RevocationLog) {
	at, users := now(), []string{newID(), newID(), newID()}
	must(t, l.NoteChange(ctx, users[2], at.Add(time.Hour)))
	must(t, l.NoteChange(ctx, users[0], at.Add(2*time.Hour)))
	must(t, l.NoteChange(ctx, users[1], at.Add(time.Hour)))
	must(t, l.NoteChange(ctx, users[1], at.Add(3*time.Hour)))
	must(t, l.NoteChange(ctx, users[1], at.Add(time.Minute))) // by a node with shorter sessions
	changed, err := l.Changed(ctx, at, "", 2)
	must(t, err)
	same(t, "the first two", changed, users[:2])
	changed, err = l.Changed(ctx, at, users[1], 2)
	must(t, err)
	same(t, "those after", changed, users[2:])
	changed, err = l.Changed(ctx, at.Add(150*time.Minute), "", 9)
	must(t, err)
	same(t, "those that last", changed, users[1:2])
}
