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
		"one session":     testRevokeOne,
		"every session":   testRevokeAll,
		"active and gone": testActive,
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
	active, err := l.Active(ctx, at)
	must(t, err)
	same(t, "the active ones", active, []session.Revocation{one, all})
	active, err = l.Active(ctx, at.Add(time.Hour))
	must(t, err)
	same(t, "those an hour later", active, []session.Revocation{all})
	wantRevoked(ctx, t, l, "a note that was dropped", false, gone.Hash, newID(), gone.UserID, at.Add(-3*time.Hour))
}
