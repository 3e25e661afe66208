package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Tokens tests token.Store.
func Tokens(t *testing.T, open func(testing.TB) Accounts) {
	cases(t, open, map[string]func(context.Context, *testing.T, Accounts){
		"peek":           testPeek,
		"clock jumps":    testTokenClock,
		"newest alone":   testNewestAlone,
		"issued at once": testIssueRace,
	})
}

func isUnavailable(err error) bool { return errors.Is(err, authcore.ErrUnavailable) }

func testPeek(ctx context.Context, t *testing.T, s Accounts) {
	tok := issue(ctx, t, s, token.SetUp, "", time.Hour)
	for range 2 { // peeking does not consume
		got, err := s.Peek(ctx, tok.Hash, token.SetUp, now())
		must(t, err)
		tok.CreatedAt, tok.ExpiresAt = tok.CreatedAt.Truncate(time.Microsecond), tok.ExpiresAt.Truncate(time.Microsecond)
		same(t, "the token", got, tok)
	}
	_, err := s.Peek(ctx, tok.Hash, token.SetUp, tok.ExpiresAt)
	wantError(t, err, authcore.ErrNotFound)
	_, err = s.Peek(ctx, tok.Hash, "other", now())
	wantError(t, err, authcore.ErrNotFound)
	_, err = s.Peek(ctx, make([]byte, 32), token.SetUp, now())
	wantError(t, err, authcore.ErrNotFound)
}

// testTokenClock sets the clock forward or back between the steps of a token.
func testTokenClock(ctx context.Context, t *testing.T, s Accounts) {
	const jump = 5 * time.Minute
	before, after := now().Add(-jump), now().Add(jump)
	_, old := token.New(token.SetUp, "", after, time.Hour)
	must(t, s.Issue(ctx, old))
	_, tok := token.New(token.SetUp, "", before, time.Hour) // the newest, though its time is older
	must(t, s.Issue(ctx, tok))
	for _, at := range []time.Time{before, after} {
		_, err := s.Peek(ctx, tok.Hash, token.SetUp, at)
		must(t, err)
		_, err = s.Peek(ctx, old.Hash, token.SetUp, at)
		wantError(t, err, authcore.ErrNotFound)
	}
	user := newUser("ada")
	user.CreatedAt = after
	must(t, first(ctx, s, tok.Hash, user))
	for _, at := range []time.Time{before, after} { // what was used stays used
		_, err := s.Peek(ctx, tok.Hash, token.SetUp, at)
		wantError(t, err, authcore.ErrNotFound)
	}
}

func testNewestAlone(ctx context.Context, t *testing.T, s Accounts) {
	ada, bob := newUser("ada"), newUser("bob")
	must(t, s.Create(ctx, ada, "", newEvent(audit.UserCreate)))
	must(t, s.Create(ctx, bob, "", newEvent(audit.UserCreate)))
	old := issue(ctx, t, s, "reset", ada.ID, time.Hour)
	kept := []token.Token{
		issue(ctx, t, s, "reset", bob.ID, time.Hour), issue(ctx, t, s, "confirm", ada.ID, time.Hour),
		issue(ctx, t, s, "reset", "", time.Hour), issue(ctx, t, s, "reset", ada.ID, time.Hour),
	}
	_, err := s.Peek(ctx, old.Hash, "reset", now())
	wantError(t, err, authcore.ErrNotFound)
	for _, k := range kept {
		got, err := s.Peek(ctx, k.Hash, k.Purpose, now())
		must(t, err)
		same(t, "the owner", got.UserID, k.UserID)
	}
}

func testIssueRace(ctx context.Context, t *testing.T, s Accounts) {
	tokens := make([]token.Token, 20)
	errs := concurrently(len(tokens), func(i int) error {
		_, tokens[i] = token.New(token.SetUp, "", now(), time.Hour)
		return s.Issue(ctx, tokens[i])
	})
	wantWinners(t, errs, len(tokens))
	live := 0
	for _, tok := range tokens {
		if _, err := s.Peek(ctx, tok.Hash, token.SetUp, now()); err == nil {
			live++
		}
	}
	if live != 1 {
		t.Errorf("%d tokens are valid, want 1", live)
	}
}
