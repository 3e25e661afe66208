package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

func TestOpenLeavesNothingWhenTheCommitFails(t *testing.T) {
	b := newBench(t)
	lost := errors.New("the account was disabled meanwhile")
	var stored int
	_, _, err := b.Open(t.Context(), Grant{Identity: authcore.Identity{UserID: "ada"}}, func(context.Context, *Session) error {
		stored = len(b.store.records)
		return lost
	})
	if !errors.Is(err, lost) {
		t.Fatalf("%v, want the commit's error", err)
	}
	if stored != 1 || len(b.store.records) != 0 {
		t.Errorf("%d sessions during the commit and %d after, want 1 and 0", stored, len(b.store.records))
	}
}

func TestRotateKillsTheOldToken(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	next, changed, err := b.Rotate(t.Context(), live, func(s *Session) { s.Identity.Level = authcore.AAL2 })
	if err != nil {
		t.Fatal(err)
	}
	b.mustBeGone(t, token)
	if got := b.mustResume(t, next); got.ID != opened.ID || got.Identity.Level != authcore.AAL2 || changed.ID != opened.ID {
		t.Errorf("rotated session %+v", got.Session)
	}
	if live.Identity.Level != authcore.AAL1 {
		t.Error("rotation changed a session that requests are using")
	}
	if _, _, err := b.Rotate(t.Context(), live, func(*Session) {}); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("rotating the old token again: %v, want not found", err)
	}
}

// TestRotateUndoesNothing changes a session after it was resumed, and again while it
// is rotated.
func TestRotateUndoesNothing(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	trust := func(trusted bool) Change {
		return func(id authcore.Identity) authcore.Identity { id.Trusted = trusted; return id }
	}
	if err := b.rewrite(t, "ada", trust(true)); err != nil {
		t.Fatal(err)
	}
	live := b.mustResume(t, token)
	if err := b.rewrite(t, "ada", trust(false)); err != nil {
		t.Fatal(err)
	}
	tries := 0
	next, changed, err := b.Rotate(t.Context(), live, func(s *Session) {
		if tries++; tries < 3 {
			into := func(id authcore.Identity) authcore.Identity { id.Org.Slug += "x"; return id }
			if _, err := b.Amend(t.Context(), live, into); err != nil {
				t.Error(err)
			}
		}
		s.Identity.Level = authcore.AAL2
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Session{changed, b.mustResume(t, next).Session} {
		if s.Identity.Trusted || s.Identity.Org.Slug != "xx" || s.Identity.Level != authcore.AAL2 || tries != 3 {
			t.Errorf("%+v after %d tries", s.Identity, tries)
		}
	}
	if len(b.store.records) != 1 {
		t.Errorf("%d sessions came of one", len(b.store.records))
	}
}

func TestRotateGivesUp(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	_, _, err := b.Rotate(t.Context(), live, func(*Session) {
		if err := b.rewrite(t, "ada", func(id authcore.Identity) authcore.Identity { id.Name += "a"; return id }); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("a session that never rests: %v", err)
	}
	if now := b.mustResume(t, token); now.Rewrites != rewriteTries {
		t.Errorf("%d tries", now.Rewrites)
	}
}

func TestRotateLeavesNothingWhenItCannotBeNoted(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	b.log.broken = true
	if _, _, err := b.Rotate(t.Context(), live, func(*Session) {}); !errors.Is(err, errBroken) {
		t.Fatalf("%v, want the log's error", err)
	}
	if len(b.store.records) != 0 {
		t.Error("a session is left under a token that nobody was given")
	}
}

// halfMoving is a store that loses the connection between the two steps of Replace.
type halfMoving struct{ *memory }

func (s halfMoving) Replace(ctx context.Context, _, next Hash, _ []byte, r *Record) error {
	return errors.Join(authcore.ErrUnavailable, s.Create(ctx, next, r))
}

func TestRotateLeavesNothingWhenItIsCutShort(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	b.Manager.store = halfMoving{b.store}
	if _, _, err := b.Rotate(t.Context(), live, func(*Session) {}); !errors.Is(err, authcore.ErrUnavailable) {
		t.Fatalf("%v, want unavailable", err)
	}
	if list, err := b.List(t.Context(), "ada"); err != nil || len(list) != 1 {
		t.Errorf("%d sessions, want the one there was, %v", len(list), err)
	}
	b.mustResume(t, token)
}

func TestRevoke(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	b.mustResume(t, token)
	if err := b.Revoke(t.Context(), "mallory", opened.ID); !errors.Is(err, authcore.ErrNotFound) {
		t.Fatalf("somebody else's session: %v, want not found", err)
	}
	b.mustResume(t, token)
	if err := b.Revoke(t.Context(), "ada", opened.ID); err != nil {
		t.Fatal(err)
	}
	b.mustBeGone(t, token)
}

func TestRevokeAllButOne(t *testing.T) {
	b := newBench(t)
	kept, keptSession := b.open(t, "ada", false)
	first, _ := b.open(t, "ada", false)
	second, _ := b.open(t, "ada", true)
	foreign, _ := b.open(t, "bob", false)
	for _, token := range []Token{kept, first, second, foreign} {
		b.mustResume(t, token)
	}
	if n, err := b.RevokeAll(t.Context(), "ada", keptSession.ID); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	b.mustBeGone(t, first)
	b.mustBeGone(t, second)
	b.mustResume(t, kept)
	b.mustResume(t, foreign)
}

func TestRevokeAllHoldsThoughTheStoreIsAway(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	b.store.set(func() { b.store.broken = true })
	b.Listener().Down()
	if _, err := b.RevokeAll(t.Context(), "ada", ""); err == nil {
		t.Fatal("revoking without a store succeeded")
	}
	b.store.set(func() { b.store.broken = false })
	b.linkUp(t)
	b.mustBeGone(t, token)

	b.pass(1)
	again, _ := b.open(t, "ada", false)
	b.Listener().Down()
	b.linkUp(t)
	b.mustResume(t, again)
}

func TestUserHoldsABoundedNumberOfSessions(t *testing.T) {
	b := newBench(t)
	first, _ := b.open(t, "ada", false)
	for range sessionsPerUser {
		b.pass(1e6)
		b.open(t, "ada", false)
	}
	if n := len(b.store.records); n != sessionsPerUser {
		t.Errorf("%d sessions, want %d", n, sessionsPerUser)
	}
	b.mustBeGone(t, first)
}

// TestPendingSessionsPushNobodyOut: whoever knows the password can begin to sign in as
// often as they like.
func TestPendingSessionsPushNobodyOut(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "u", true)
	for range sessionsPerUser + 20 {
		b.pass(1e6)
		half(t, b, false)
	}
	b.mustResume(t, token)
	if n := len(b.store.records); n != sessionsPerUser {
		t.Errorf("%d sessions, want %d", n, sessionsPerUser)
	}
	if list, err := b.List(t.Context(), "u"); err != nil || len(list) != 1 {
		t.Errorf("%d are listed as signed in, %v", len(list), err)
	}
}

func TestMessagesOfOtherNodes(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	b.store.set(func() { delete(b.store.records, live.Hash) })
	payload, err := (&message{Revoked: []sessionRef{{ID: opened.ID, Hash: live.Hash}}}).encode()
	if err != nil {
		t.Fatal(err)
	}
	b.Listener().Receive([]byte("nonsense"))
	b.mustResume(t, token)
	b.Listener().Receive(payload)
	b.mustBeGone(t, token)
}

// TestASessionEndsWithWhatItRestsOn: one that was opened in a trusted browser does not
// outlive the trust, however long it is remembered.
func TestASessionEndsWithWhatItRestsOn(t *testing.T) {
	b := newBench(t)
	until := b.now().Add(24 * time.Hour)
	grant := Grant{Identity: authcore.Identity{UserID: "u", Trusted: true}, Remember: true, Until: until}
	_, s, err := b.Open(t.Context(), grant, func(context.Context, *Session) error { return nil })
	if err != nil || !s.ExpiresAt.Equal(until) {
		t.Errorf("it ends at %v, want %s: %v", s, until, err)
	}
}
