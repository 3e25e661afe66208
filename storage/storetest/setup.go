package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/token"
)

// FirstAccount tests account.Ledger.CreateFirst.
func FirstAccount(t *testing.T, open func(testing.TB) Accounts) {
	cases(t, open, map[string]func(context.Context, *testing.T, Accounts){
		"once":               testFirstOnce,
		"token not good":     testFirstToken,
		"refused, no change": testFirstRefused,
		"one of a hundred":   testFirstRace,
		"against create":     testFirstAgainstCreate,
	})
}

func issue(ctx context.Context, t testing.TB, s Accounts, purpose token.Purpose, userID string, ttl time.Duration) token.Token {
	t.Helper()
	_, tok := token.New(purpose, userID, now(), ttl)
	must(t, s.Issue(ctx, tok))
	return tok
}

func first(ctx context.Context, s Accounts, hash []byte, user authcore.User) error {
	return s.CreateFirst(ctx, hash, user, "hash", newEvent(audit.SetupComplete).Of(user.ID))
}

func testFirstOnce(ctx context.Context, t *testing.T, s Accounts) {
	tok := issue(ctx, t, s, token.SetUp, "", time.Hour)
	user := newUser("ada")
	must(t, first(ctx, s, tok.Hash, user))
	got, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the account", got, user)
	same(t, "its hash", credential.Hash, "hash")
	_, err = s.Peek(ctx, tok.Hash, token.SetUp, now())
	wantError(t, err, authcore.ErrNotFound)
	again := issue(ctx, t, s, token.SetUp, "", time.Hour)
	wantError(t, first(ctx, s, again.Hash, newUser("eve")), authcore.ErrConflict)
}

func testFirstToken(ctx context.Context, t *testing.T, s Accounts) {
	wantError(t, first(ctx, s, make([]byte, 32), newUser("eve")), authcore.ErrNotFound)
	other := issue(ctx, t, s, token.Purpose("other"), "", time.Hour)
	wantError(t, first(ctx, s, other.Hash, newUser("eve")), authcore.ErrNotFound)
	tok := issue(ctx, t, s, token.SetUp, "", time.Hour)
	late := newUser("eve")
	late.CreatedAt = tok.ExpiresAt
	wantError(t, first(ctx, s, tok.Hash, late), authcore.ErrNotFound)
	has, err := s.HasUsers(ctx)
	if err != nil || has {
		t.Errorf("HasUsers is %v, %v", has, err)
	}
}

// testFirstRefused shows that a set-up that fails late leaves the token valid.
func testFirstRefused(ctx context.Context, t *testing.T, s Accounts) {
	tok := issue(ctx, t, s, token.SetUp, "", time.Hour)
	if s.CreateFirst(ctx, tok.Hash, newUser("ada"), "hash", newEvent("made.up")) == nil {
		t.Fatal("an unlisted action was accepted")
	}
	must(t, first(ctx, s, tok.Hash, newUser("ada")))
}

// testFirstRace is an attack on the set-up link: whoever comes second must not
// become an admin as well.
func testFirstRace(ctx context.Context, t *testing.T, s Accounts) {
	tok := issue(ctx, t, s, token.SetUp, "", time.Hour)
	errs := concurrently(100, func(i int) error {
		for {
			err := first(ctx, s, tok.Hash, newUser(fmt.Sprint("user", i)))
			// A queue of a hundred may be longer than the deadline of a call.
			if !isUnavailable(err) {
				return err
			}
		}
	})
	wantWinners(t, errs, 1, authcore.ErrConflict, authcore.ErrNotFound)
	users, err := s.Users(ctx, "", 10)
	must(t, err)
	if len(users) != 1 {
		t.Errorf("there are %d accounts, want 1", len(users))
	}
}

// testFirstAgainstCreate shows that the first account is the first one also
// when another is created in the moment.
func testFirstAgainstCreate(ctx context.Context, t *testing.T, s Accounts) {
	tok := issue(ctx, t, s, token.SetUp, "", time.Hour)
	errs := concurrently(2, func(i int) error {
		if i == 0 {
			return s.Create(ctx, newUser("bob"), "hash", newEvent(audit.UserCreate))
		}
		return first(ctx, s, tok.Hash, newUser("ada"))
	})
	must(t, errs[0])
	if errs[1] != nil {
		wantError(t, errs[1], authcore.ErrConflict)
	}
}
