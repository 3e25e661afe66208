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
	"github.com/sigra-auth/sigra/authcore/signup"
	"github.com/sigra-auth/sigra/authcore/token"
)

// SignUps is a signup.Store with what fills it.
type SignUps struct {
	Accounts
	signup.Store
	Queue JobQueue
}

// SignUp tests signup.Store.
func SignUp(t *testing.T, open func(testing.TB) SignUps) {
	cases(t, open, map[string]func(context.Context, *testing.T, SignUps){
		"register, confirm":   testConfirm,
		"registered again":    testRegisterAgain,
		"address confirmed":   testRegisterConfirmed,
		"one job, one result": testRegisterOnce,
		"issued again":        testReissue,
		"password removed":    testConfirmElsewhere,
		"void tokens":         testVoidConfirm,
		"confirmed at once":   testConfirmRace,
		"invitation":          testInvitation,
		"invitation, twice":   testInvitationRace,
	})
}

// asked puts a job into the queue and claims it.
func (s SignUps) asked(ctx context.Context, t *testing.T) job.Job {
	t.Helper()
	must(t, s.Queue.Add(ctx, newJob("ask")))
	return claim(ctx, t, s.Queue, now())
}

func laterJob() job.Job {
	j := newJob("letter")
	j.DueAt = now().Add(24 * time.Hour) // not for the next claim
	return j
}

func confirmToken(user authcore.User, signUp string) token.Token {
	_, tok := token.New(token.Confirm, user.ID, now(), time.Hour)
	tok.Address, tok.SignUp, tok.Payload = user.EmailKey, signUp, []byte{1, 0, 2}
	return tok
}

func (s SignUps) register(ctx context.Context, t *testing.T, user authcore.User, hash, signUp string) (token.Token, error) {
	t.Helper()
	tok := confirmToken(user, signUp)
	return tok, s.Register(ctx, s.asked(ctx, t), user, hash, tok, laterJob(), newEvent(audit.SignUp).Of(user.ID))
}

func unproven(name string) authcore.User {
	user := newUser(name)
	user.EmailVerifiedAt, user.Role = time.Time{}, ""
	return user
}

func (s SignUps) confirm(ctx context.Context, tok token.Token, user authcore.User, keep bool) error {
	return s.Confirm(ctx, tok.Hash, user, keep, newEvent(audit.AddressConfirmed).Of(user.ID))
}

func testConfirm(ctx context.Context, t *testing.T, s SignUps) {
	user := unproven("ada")
	tok, err := s.register(ctx, t, user, "hash", "first")
	must(t, err)
	for _, look := range [][2]string{{"first", ""}, {"", user.ID}} {
		got, err := s.ConfirmToken(ctx, look[0], look[1], now())
		must(t, err)
		tok.CreatedAt, tok.ExpiresAt = tok.CreatedAt.Truncate(time.Microsecond), tok.ExpiresAt.Truncate(time.Microsecond)
		same(t, "the token", got, tok)
	}
	for _, look := range [][2]string{{"other", ""}, {"", newID()}, {"", ""}} {
		_, err := s.ConfirmToken(ctx, look[0], look[1], now())
		wantError(t, err, authcore.ErrNotFound)
	}
	must(t, s.confirm(ctx, tok, user, true))
	got, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if !got.EmailVerified() || got.AuthEpoch != user.AuthEpoch+1 || credential.Hash != "hash" {
		t.Errorf("%+v with %q", got, credential.Hash)
	}
	wantError(t, s.confirm(ctx, tok, got, true), authcore.ErrNotFound)
}

func testRegisterAgain(ctx context.Context, t *testing.T, s SignUps) {
	user := unproven("ada")
	first, err := s.register(ctx, t, user, "hers", "first")
	must(t, err)
	user.Name = "Somebody else"
	second, err := s.register(ctx, t, user, "theirs", "second")
	must(t, err)
	got, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if got.Name != user.Name || credential.Hash != "theirs" || got.AuthEpoch != user.AuthEpoch+1 {
		t.Errorf("%+v with %q", got, credential.Hash)
	}
	wantError(t, s.confirm(ctx, first, got, true), authcore.ErrNotFound)
	must(t, s.confirm(ctx, second, got, true))
}

func testRegisterConfirmed(ctx context.Context, t *testing.T, s SignUps) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	_, err := s.register(ctx, t, user, "theirs", "first")
	wantError(t, err, authcore.ErrConflict)
	stranger := unproven("ada")
	_, err = s.register(ctx, t, stranger, "theirs", "second")
	wantError(t, err, authcore.ErrConflict)
	_, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the password", credential.Hash, "hash")
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 2}) // both are asked still
}

func testRegisterOnce(ctx context.Context, t *testing.T, s SignUps) {
	user, asked := unproven("ada"), s.asked(ctx, t)
	must(t, s.Register(ctx, asked, user, "hash", confirmToken(user, "first"), laterJob(), newEvent(audit.SignUp)))
	wantError(t, s.Register(ctx, asked, user, "other", confirmToken(user, "second"), laterJob(), newEvent(audit.SignUp)), authcore.ErrNotFound)
	wantError(t, s.Answer(ctx, asked, laterJob()), authcore.ErrNotFound)
	wantError(t, s.Reissue(ctx, asked, confirmToken(user, "second"), laterJob()), authcore.ErrNotFound)
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1})
}

func testReissue(ctx context.Context, t *testing.T, s SignUps) {
	user := unproven("ada")
	first, err := s.register(ctx, t, user, "hash", "first")
	must(t, err)
	second := confirmToken(user, "")
	must(t, s.Reissue(ctx, s.asked(ctx, t), second, laterJob()))
	got, err := s.ConfirmToken(ctx, "first", "", now()) // the sign-up goes on
	must(t, err)
	same(t, "the newest", got.Hash, second.Hash)
	wantError(t, s.confirm(ctx, first, user, true), authcore.ErrNotFound)
	must(t, s.confirm(ctx, second, user, true))
}

func testConfirmElsewhere(ctx context.Context, t *testing.T, s SignUps) {
	user := unproven("ada")
	tok, err := s.register(ctx, t, user, "hash", "first")
	must(t, err)
	must(t, s.confirm(ctx, tok, user, false))
	got, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if !got.EmailVerified() || credential.Hash != "" {
		t.Errorf("%+v with %q", got, credential.Hash)
	}
}

func testVoidConfirm(ctx context.Context, t *testing.T, s SignUps) {
	user := unproven("ada")
	tok, err := s.register(ctx, t, user, "hash", "first")
	must(t, err)
	late := newEvent(audit.AddressConfirmed)
	late.At = tok.ExpiresAt
	wantError(t, s.Confirm(ctx, tok.Hash, user, true, late), authcore.ErrNotFound)
	older := user
	older.AuthEpoch--
	wantError(t, s.confirm(ctx, tok, older, true), authcore.ErrConflict)
	elsewhere := user
	elsewhere.EmailKey = "other@example.com"
	wantError(t, s.confirm(ctx, tok, elsewhere, true), authcore.ErrConflict)
	_, err = s.SetDisabled(ctx, user.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	wantError(t, s.confirm(ctx, tok, user, true), authcore.ErrConflict)
	got, _, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "verified", got.EmailVerified(), false)
}

func testConfirmRace(ctx context.Context, t *testing.T, s SignUps) {
	user := unproven("ada")
	tok, err := s.register(ctx, t, user, "hash", "first")
	must(t, err)
	results := make([]error, 20)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { results[i] = s.confirm(ctx, tok, user, i%2 == 0) })
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
	same(t, "uses of a token", used, 1)
}

func (s SignUps) invite(ctx context.Context, t *testing.T, user authcore.User) token.Token {
	t.Helper()
	_, tok := token.New(token.Invite, "", now(), time.Hour)
	tok.Address, tok.Payload = user.EmailKey, []byte("{}")
	must(t, s.Invite(ctx, tok, laterJob(), newEvent(audit.InvitationSent)))
	return tok
}

func testInvitation(ctx context.Context, t *testing.T, s SignUps) {
	user, other := newUser("ada"), newUser("grace")
	accept := func(tok token.Token, user authcore.User) error {
		return s.Accept(ctx, tok.Hash, user, "hash", newEvent(audit.InvitationAccept).Of(user.ID))
	}
	void := s.invite(ctx, t, user)
	theirs := s.invite(ctx, t, other) // one for each address
	tok := s.invite(ctx, t, user)
	_, err := s.register(ctx, t, unproven("ada"), "theirs", "somebody") // never confirmed
	must(t, err)
	wantError(t, accept(void, user), authcore.ErrNotFound)
	must(t, accept(tok, user))
	got, credential, err := s.UserByEmail(ctx, user.EmailKey)
	must(t, err)
	same(t, "the account", got, user)
	if credential.Hash != "hash" || credential.SignedInAt.IsZero() {
		t.Errorf("%+v", credential)
	}
	must(t, accept(theirs, other))
	tok = s.invite(ctx, t, user)
	wantError(t, accept(tok, newUser("ada")), authcore.ErrConflict)
	_, err = s.Peek(ctx, tok.Hash, token.Invite, now()) // nothing was used up
	must(t, err)
}

func testInvitationRace(ctx context.Context, t *testing.T, s SignUps) {
	tok := s.invite(ctx, t, newUser("ada"))
	wantWinners(t, concurrently(5, func(int) error {
		return s.Accept(ctx, tok.Hash, newUser("ada"), "hash", newEvent(audit.InvitationAccept))
	}), 1, authcore.ErrNotFound, authcore.ErrConflict)
}
