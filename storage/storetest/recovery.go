package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/recovery"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Links is a recovery.Store with what fills it.
type Links struct {
	Accounts
	recovery.Store
	Queue JobQueue
}

// Recovery tests recovery.Store.
func Recovery(t *testing.T, open func(testing.TB) Links) {
	cases(t, open, map[string]func(context.Context, *testing.T, Links){
		"issued for one job":      testIssueLink,
		"sign in":                 testUseSignInLink,
		"unverified address":      testLinkProvesAddress,
		"reset":                   testResetPassword,
		"void links":              testVoidLinks,
		"used at once":            testLinkRace,
		"reset and sign-in race":  testResetBeatsSignIn,
		"refused event, no trace": testLinkEventRefused,
	})
}

// newLinked makes an account with a link.
func newLinked(ctx context.Context, t *testing.T, s Links, purpose token.Purpose, change ...func(*authcore.User)) (authcore.User, token.Token) {
	t.Helper()
	user := newUser("ada" + newID()[30:])
	for _, f := range change {
		f(&user)
	}
	must(t, s.Create(ctx, user, "old", newEvent(audit.UserCreate)))
	return user, link(ctx, t, s, purpose, user)
}

func link(ctx context.Context, t *testing.T, s Links, purpose token.Purpose, user authcore.User) token.Token {
	t.Helper()
	_, tok := token.New(purpose, user.ID, now(), time.Hour)
	tok.Address = user.EmailKey
	must(t, s.Queue.Add(ctx, newJob("ask")))
	asked := claim(ctx, t, s.Queue, now())
	letter := newJob("letter")
	letter.DueAt = now().Add(24 * time.Hour) // not for the next claim
	must(t, s.IssueLink(ctx, asked, tok, letter, newEvent(audit.SignInLinkSent)))
	return tok
}

func testIssueLink(ctx context.Context, t *testing.T, s Links) {
	user, tok := newLinked(ctx, t, s, token.SignIn)
	got, err := s.Peek(ctx, tok.Hash, token.SignIn, now())
	must(t, err)
	same(t, "the address", got.Address, user.EmailKey)
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1}) // the letter
	must(t, s.Queue.Add(ctx, newJob("ask")))
	slow := claim(ctx, t, s.Queue, now())
	quick := claim(ctx, t, s.Queue, now().Add(time.Hour))
	_, again := token.New(token.SignIn, user.ID, now(), time.Hour)
	must(t, s.IssueLink(ctx, quick, again, newJob("letter"), newEvent(audit.SignInLinkSent)))
	_, other := token.New(token.SignIn, user.ID, now(), time.Hour)
	wantError(t, s.IssueLink(ctx, slow, other, newJob("letter"), newEvent(audit.SignInLinkSent)), authcore.ErrNotFound)
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 2})
	_, err = s.Peek(ctx, tok.Hash, token.SignIn, now())
	wantError(t, err, authcore.ErrNotFound) // the newest alone is valid
}

func (s Links) signIn(ctx context.Context, tok token.Token, user authcore.User) error {
	return s.UseSignInLink(ctx, tok.Hash, user, newEvent(audit.LoginSuccess).Of(user.ID))
}

func (s Links) reset(ctx context.Context, tok token.Token, user authcore.User) error {
	return s.ResetPassword(ctx, tok.Hash, user, "new", newEvent(audit.ResetComplete).Of(user.ID), newJob("letter"))
}

func testUseSignInLink(ctx context.Context, t *testing.T, s Links) {
	user, tok := newLinked(ctx, t, s, token.SignIn)
	must(t, s.signIn(ctx, tok, user))
	wantError(t, s.signIn(ctx, tok, user), authcore.ErrNotFound)
	got, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the epoch", got.AuthEpoch, user.AuthEpoch)
	same(t, "the password", credential.Hash, "old")
}

func testLinkProvesAddress(ctx context.Context, t *testing.T, s Links) {
	for _, purpose := range []token.Purpose{token.SignIn, token.Reset} {
		user, tok := newLinked(ctx, t, s, purpose, func(u *authcore.User) { u.EmailVerifiedAt = time.Time{} })
		use, want := s.signIn, ""
		if purpose == token.Reset {
			use, want = s.reset, "new"
		}
		must(t, use(ctx, tok, user))
		got, credential, err := s.User(ctx, user.ID)
		must(t, err)
		if !got.EmailVerified() || got.AuthEpoch != user.AuthEpoch+1 || credential.Hash != want {
			t.Errorf("%s: %+v with %q", purpose, got, credential.Hash)
		}
	}
}

func testResetPassword(ctx context.Context, t *testing.T, s Links) {
	user, tok := newLinked(ctx, t, s, token.Reset)
	other := link(ctx, t, s, token.SignIn, user)
	_, err := s.Failed(ctx, user.ID, newEvent(audit.LoginFailure))
	must(t, err)
	must(t, s.reset(ctx, tok, user))
	got, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if got.AuthEpoch != user.AuthEpoch+1 || credential.Hash != "new" || credential.Failures != 0 || !got.EmailVerifiedAt.Equal(user.EmailVerifiedAt) {
		t.Errorf("%+v with %+v", got, credential)
	}
	wantError(t, s.signIn(ctx, other, got), authcore.ErrNotFound)
	wantError(t, s.reset(ctx, tok, got), authcore.ErrNotFound)
}

func testVoidLinks(ctx context.Context, t *testing.T, s Links) {
	user, tok := newLinked(ctx, t, s, token.Reset)
	stranger, _ := newLinked(ctx, t, s, token.Reset)
	elsewhere, older, disabled := user, user, user
	elsewhere.EmailKey = "other@example.com"
	older.AuthEpoch--
	wantError(t, s.reset(ctx, tok, elsewhere), authcore.ErrConflict)
	wantError(t, s.reset(ctx, tok, older), authcore.ErrConflict)
	wantError(t, s.reset(ctx, tok, stranger), authcore.ErrNotFound)
	wantError(t, s.signIn(ctx, tok, user), authcore.ErrNotFound) // another purpose
	late := newEvent(audit.ResetComplete)
	late.At = tok.ExpiresAt
	wantError(t, s.ResetPassword(ctx, tok.Hash, user, "new", late, newJob("letter")), authcore.ErrNotFound)
	_, err := s.SetDisabled(ctx, user.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	disabled.AuthEpoch++
	wantError(t, s.reset(ctx, tok, disabled), authcore.ErrConflict)
	_, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the password", credential.Hash, "old")
}

func testLinkRace(ctx context.Context, t *testing.T, s Links) {
	user, tok := newLinked(ctx, t, s, token.Reset)
	results := make([]error, 20)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { results[i] = s.reset(ctx, tok, user) })
	}
	group.Wait()
	used := 0
	for _, err := range results {
		switch {
		case err == nil:
			used++
		case !errors.Is(err, authcore.ErrNotFound) && !errors.Is(err, authcore.ErrConflict):
			t.Error(err)
		}
	}
	same(t, "uses of a link", used, 1)
}

func testResetBeatsSignIn(ctx context.Context, t *testing.T, s Links) {
	for range 10 {
		user, resets := newLinked(ctx, t, s, token.Reset)
		signsIn := link(ctx, t, s, token.SignIn, user)
		var group sync.WaitGroup
		var reset, signIn error
		group.Go(func() { reset = s.reset(ctx, resets, user) })
		group.Go(func() { signIn = s.signIn(ctx, signsIn, user) })
		group.Wait()
		must(t, reset)
		if signIn != nil && !errors.Is(signIn, authcore.ErrConflict) && !errors.Is(signIn, authcore.ErrNotFound) {
			t.Error(signIn)
		}
		_, err := s.Peek(ctx, signsIn.Hash, token.SignIn, now())
		wantError(t, err, authcore.ErrNotFound)
	}
}

func testLinkEventRefused(ctx context.Context, t *testing.T, s Links) {
	user, tok := newLinked(ctx, t, s, token.Reset)
	if err := s.ResetPassword(ctx, tok.Hash, user, "new", newEvent("made.up"), newJob("letter")); err == nil {
		t.Fatal("an action that is not in the closed set was written")
	}
	_, err := s.Peek(ctx, tok.Hash, token.Reset, now())
	must(t, err)
	_, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the password", credential.Hash, "old")
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1})
}
