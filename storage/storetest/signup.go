package storetest

import (
	"context"
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
		"sign up":             testSignUp,
		"sign up again":       testSignUpAgain,
		"taken meanwhile":     testSignUpTaken,
		"one job, one result": testSignUpOnce,
		"issued again":        testReissue,
		"issued again, late":  testReissueLate,
		"proven at once":      testSignUpRace,
		"account, confirm":    testConfirm,
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

// confirmToken is the token of an account, or of a sign-up.
func confirmToken(user authcore.User, userID, signUp string) token.Token {
	_, tok := token.New(token.Confirm, userID, now(), time.Hour)
	tok.Address, tok.SignUp, tok.Payload = user.EmailKey, signUp, []byte{1, 0, 2}
	tok.CreatedAt, tok.ExpiresAt = tok.CreatedAt.Truncate(time.Microsecond), tok.ExpiresAt.Truncate(time.Microsecond)
	return tok
}

// propose signs up.
func (s SignUps) propose(ctx context.Context, t *testing.T, user authcore.User, signUp string) token.Token {
	t.Helper()
	tok := confirmToken(user, "", signUp)
	must(t, s.Propose(ctx, s.asked(ctx, t), tok, laterJob(), newEvent(audit.SignUp).Of(user.ID)))
	return tok
}

// unproven makes an account whose address an operator has not vouched for, with the
// token that proves it.
func (s SignUps) unproven(ctx context.Context, t *testing.T) (authcore.User, token.Token) {
	t.Helper()
	user := newUser("ada")
	user.EmailVerifiedAt, user.Role = time.Time{}, ""
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	tok := confirmToken(user, user.ID, "")
	must(t, s.Reissue(ctx, s.asked(ctx, t), tok, laterJob()))
	return user, tok
}

func (s SignUps) confirm(ctx context.Context, tok token.Token, user authcore.User, keep bool) error {
	return s.Confirm(ctx, tok.Hash, user, keep, newEvent(audit.AddressConfirmed).Of(user.ID))
}

func (s SignUps) accept(ctx context.Context, tok token.Token, user authcore.User, hash string) error {
	return s.Accept(ctx, tok, user, hash, newEvent(audit.AddressConfirmed).Of(user.ID))
}

func testSignUp(ctx context.Context, t *testing.T, s SignUps) {
	user := newUser("ada")
	tok := s.propose(ctx, t, user, "first")
	got, err := s.ConfirmToken(ctx, "first", "", now())
	must(t, err)
	same(t, "the token", got, tok)
	for _, look := range [][2]string{{"other", ""}, {"", newID()}, {"", ""}} {
		_, err := s.ConfirmToken(ctx, look[0], look[1], now())
		wantError(t, err, authcore.ErrNotFound)
	}
	_, _, err = s.UserByEmail(ctx, user.EmailKey)
	wantError(t, err, authcore.ErrNotFound) // there is no account before the proof
	must(t, s.accept(ctx, tok, user, "hash"))
	made, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the account", made, user)
	if credential.Hash != "hash" || credential.SignedInAt.IsZero() {
		t.Errorf("%+v", credential)
	}
	wantError(t, s.accept(ctx, tok, newUser("ada"), "hash"), authcore.ErrNotFound)
}

func testSignUpAgain(ctx context.Context, t *testing.T, s SignUps) {
	user := newUser("ada")
	first := s.propose(ctx, t, user, "first")
	other := s.propose(ctx, t, newUser("grace"), "other") // one for each address
	second := s.propose(ctx, t, user, "second")
	wantError(t, s.accept(ctx, first, user, "hers"), authcore.ErrNotFound)
	must(t, s.accept(ctx, second, user, "theirs"))
	must(t, s.accept(ctx, other, newUser("grace"), ""))
}

func testSignUpTaken(ctx context.Context, t *testing.T, s SignUps) {
	user := newUser("ada")
	tok := s.propose(ctx, t, user, "first")
	must(t, s.Create(ctx, newUser("ada"), "operator's", newEvent(audit.UserCreate)))
	wantError(t, s.accept(ctx, tok, user, "hash"), authcore.ErrConflict)
	_, err := s.Peek(ctx, tok.Hash, token.Confirm, now()) // nothing was used up
	must(t, err)
}

func testSignUpOnce(ctx context.Context, t *testing.T, s SignUps) {
	user, asked := newUser("ada"), s.asked(ctx, t)
	must(t, s.Propose(ctx, asked, confirmToken(user, "", "first"), laterJob(), newEvent(audit.SignUp)))
	wantError(t, s.Propose(ctx, asked, confirmToken(user, "", "second"), laterJob(), newEvent(audit.SignUp)), authcore.ErrNotFound)
	wantError(t, s.Answer(ctx, asked, laterJob()), authcore.ErrNotFound)
	wantError(t, s.Reissue(ctx, asked, confirmToken(user, "", "second"), laterJob()), authcore.ErrNotFound)
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1})
}

func testReissue(ctx context.Context, t *testing.T, s SignUps) {
	user := newUser("ada")
	first := s.propose(ctx, t, user, "first")
	second := confirmToken(user, "", "first")
	must(t, s.Reissue(ctx, s.asked(ctx, t), second, laterJob()))
	got, err := s.ConfirmToken(ctx, "first", "", now()) // the sign-up goes on
	must(t, err)
	same(t, "the newest", got.Hash, second.Hash)
	wantError(t, s.accept(ctx, first, user, "hash"), authcore.ErrNotFound)
	must(t, s.accept(ctx, second, user, "hash"))
}

// testReissueLate has somebody ask for another mail while another sign-up with the
// same address takes the place of theirs: the account of one must not be put under
// the proof of the other.
func testReissueLate(ctx context.Context, t *testing.T, s SignUps) {
	user := newUser("ada")
	s.propose(ctx, t, user, "stranger")
	asked := s.asked(ctx, t)
	own := s.propose(ctx, t, user, "owner")
	wantError(t, s.Reissue(ctx, asked, confirmToken(user, "", "stranger"), laterJob()), authcore.ErrNotFound)
	got, err := s.ConfirmToken(ctx, "owner", "", now())
	must(t, err)
	same(t, "the owner's", got.Hash, own.Hash)
	_, err = s.ConfirmToken(ctx, "stranger", "", now())
	wantError(t, err, authcore.ErrNotFound)
}

func testSignUpRace(ctx context.Context, t *testing.T, s SignUps) {
	tok := s.propose(ctx, t, newUser("ada"), "first")
	wantWinners(t, concurrently(20, func(int) error { return s.accept(ctx, tok, newUser("ada"), "hash") }), 1, authcore.ErrNotFound, authcore.ErrConflict)
}

func testConfirm(ctx context.Context, t *testing.T, s SignUps) {
	user, tok := s.unproven(ctx, t)
	got, err := s.ConfirmToken(ctx, "", user.ID, now())
	must(t, err)
	same(t, "the token", got, tok)
	must(t, s.confirm(ctx, tok, user, true))
	proven, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if !proven.EmailVerified() || proven.AuthEpoch != user.AuthEpoch+1 || credential.Hash != "hash" {
		t.Errorf("%+v with %q", proven, credential.Hash)
	}
	wantError(t, s.confirm(ctx, tok, proven, true), authcore.ErrNotFound)
}

func testConfirmElsewhere(ctx context.Context, t *testing.T, s SignUps) {
	user, tok := s.unproven(ctx, t)
	must(t, s.confirm(ctx, tok, user, false))
	got, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if !got.EmailVerified() || credential.Hash != "" {
		t.Errorf("%+v with %q", got, credential.Hash)
	}
}

func testVoidConfirm(ctx context.Context, t *testing.T, s SignUps) {
	user, tok := s.unproven(ctx, t)
	late := newEvent(audit.AddressConfirmed)
	late.At = tok.ExpiresAt
	wantError(t, s.Confirm(ctx, tok.Hash, user, true, late), authcore.ErrNotFound)
	older := user
	older.AuthEpoch--
	wantError(t, s.confirm(ctx, tok, older, true), authcore.ErrConflict)
	elsewhere := user
	elsewhere.EmailKey = "other@example.com"
	wantError(t, s.confirm(ctx, tok, elsewhere, true), authcore.ErrConflict)
	_, err := s.SetDisabled(ctx, user.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	wantError(t, s.confirm(ctx, tok, user, true), authcore.ErrConflict)
	got, _, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "verified", got.EmailVerified(), false)
}

func testConfirmRace(ctx context.Context, t *testing.T, s SignUps) {
	user, tok := s.unproven(ctx, t)
	wantWinners(t, concurrently(20, func(i int) error { return s.confirm(ctx, tok, user, i%2 == 0) }), 1, authcore.ErrNotFound, authcore.ErrConflict)
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
	void := s.invite(ctx, t, user)
	theirs := s.invite(ctx, t, other) // one for each address
	tok := s.invite(ctx, t, user)
	s.propose(ctx, t, user, "somebody") // is no hindrance
	wantError(t, s.accept(ctx, void, user, "hash"), authcore.ErrNotFound)
	must(t, s.accept(ctx, tok, user, "hash"))
	got, credential, err := s.UserByEmail(ctx, user.EmailKey)
	must(t, err)
	same(t, "the account", got, user)
	if credential.Hash != "hash" || credential.SignedInAt.IsZero() {
		t.Errorf("%+v", credential)
	}
	must(t, s.accept(ctx, theirs, other, "hash"))
	tok = s.invite(ctx, t, user)
	wantError(t, s.accept(ctx, tok, newUser("ada"), "hash"), authcore.ErrConflict)
	_, err = s.Peek(ctx, tok.Hash, token.Invite, now()) // nothing was used up
	must(t, err)
}

func testInvitationRace(ctx context.Context, t *testing.T, s SignUps) {
	tok := s.invite(ctx, t, newUser("ada"))
	wantWinners(t, concurrently(5, func(int) error { return s.accept(ctx, tok, newUser("ada"), "hash") }), 1, authcore.ErrNotFound, authcore.ErrConflict)
}
