package mfa_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/session"
)

func TestSignInInTwoSteps(t *testing.T) {
	w := newWorld(t)
	key, codes, _ := w.enroll()
	pending := w.ByPassword(ada, client)
	if !pending.Identity.Pending || pending.Identity.Hold() != authcore.HoldSecondFactor {
		t.Fatalf("after the password: %+v", pending.Identity)
	}
	if life := pending.ExpiresAt.Sub(w.Now()); life > 5*time.Minute || life < 4*time.Minute {
		t.Errorf("it waits for %s", life)
	}
	code := w.code(key)
	signedIn, err := w.prove(pending, code)
	w.Check(err)
	live := w.Live(signedIn)
	if live.Identity.Pending || live.Identity.Level != authcore.AAL2 || live.ID != pending.ID || live.Idle == 0 || live.ExpiresAt.Sub(w.Now()) < 23*time.Hour {
		t.Errorf("after the code: %+v", live.Session)
	}
	if _, err := w.Sessions.Resume(t.Context(), session.Token{}); err == nil {
		t.Error("no token is a session")
	}
	again := w.ByPassword(ada, client)
	if _, err := w.prove(again, code); !isWrong(err) {
		t.Errorf("the same code again: %v", err)
	}
	if _, err := w.prove(again, strings.ReplaceAll(codes[0], "-", " ")); err != nil {
		t.Errorf("a backup code: %v", err)
	}
	if _, err := w.prove(w.ByPassword(ada, client), codes[0]); !isWrong(err) {
		t.Errorf("the same backup code again: %v", err)
	}
	if !slices.Contains(w.Letters(), mail.BackupCodeUsed) {
		t.Errorf("mails: %v", w.Letters())
	}
	var found bool
	for i, action := range w.Trail() {
		found = found || action == audit.LoginPending && w.Trail()[i+1] == audit.LoginSuccess
	}
	if !found {
		t.Errorf("trail %v", w.Trail())
	}
}

// TestEachCodeOnce sends a code and a backup code many times at once, from
// different pending sign-ins.
func TestEachCodeOnce(t *testing.T) {
	for _, kind := range []string{"totp", "backup"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			key, codes, _ := w.enroll()
			code := w.code(key)
			if kind == "backup" {
				code = codes[3]
			}
			pending := make([]*session.Live, 4)
			for i := range pending {
				pending[i] = w.ByPassword(ada, client)
			}
			var group sync.WaitGroup
			var passed atomic.Int64
			for _, live := range pending {
				group.Go(func() {
					if _, err := w.prove(live, code); err == nil {
						passed.Add(1)
					} else if !isWrong(err) {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if passed.Load() != 1 {
				t.Errorf("%d passed", passed.Load())
			}
		})
	}
}

// TestANewPasswordEndsAPendingSignIn: what was proven under the old one does not
// count.
func TestANewPasswordEndsAPendingSignIn(t *testing.T) {
	w := newWorld(t)
	key, _, _ := w.enroll()
	pending := w.ByPassword(ada, client)
	w.Check(w.Accounts.SetPassword(t.Context(), w.User, good))
	if _, err := w.prove(pending, w.code(key)); !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("%v", err)
	}
}

func TestLock(t *testing.T) {
	w := newWorld(t)
	key, codes, _ := w.enroll()
	pending := w.ByPassword(ada, client)
	for left := 4; left >= 0; left-- {
		_, err := w.prove(pending, "000000")
		var wrong *mfa.WrongCodeError
		if !errors.As(err, &wrong) || wrong.Left != left {
			t.Errorf("%v, want %d left", err, left)
		}
	}
	var throttled *account.ThrottledError
	for _, code := range []string{w.code(key), codes[0]} {
		if _, err := w.prove(w.ByPassword(ada, client), code); !errors.As(err, &throttled) || throttled.RetryAfter <= 0 {
			t.Errorf("a right code while locked: %v", err)
		}
	}
	if n := len(slices.DeleteFunc(w.Letters(), func(k mail.Kind) bool { return k != mail.CodesLocked })); n != 1 {
		t.Errorf("%d mails", n)
	}
	if !slices.Contains(w.Trail(), audit.TwoStepLockout) {
		t.Errorf("trail %v", w.Trail())
	}
	w.Pass(15 * time.Minute) // it re-arms
	if _, err := w.prove(w.ByPassword(ada, client), w.code(key)); err != nil {
		t.Errorf("after a while: %v", err)
	}
	for range 4 {
		if _, err := w.prove(w.ByPassword(ada, client), "000000"); !isWrong(err) {
			t.Errorf("success does not reset the limit: %v", err)
		}
	}
}

// TestHundredWrongCodesInARow: from then on a new password is needed, which sets
// the count back.
func TestHundredWrongCodesInARow(t *testing.T) {
	w := newWorld(t)
	key, _, _ := w.enroll()
	for range 100 {
		w.Check(w.DB.CodeFailed(t.Context(), w.User.ID, audit.New(w.Now(), audit.TwoStepFailure, client).Of(w.User.ID)))
	}
	if _, err := w.prove(w.ByPassword(ada, client), w.code(key)); !errors.Is(err, mfa.ErrTooManyFailures) {
		t.Errorf("after 100 failures: %v", err)
	}
	w.Check(w.Accounts.SetPassword(t.Context(), w.User, good))
	if _, err := w.prove(w.ByPassword(ada, client), w.code(key)); err != nil {
		t.Errorf("with a new password: %v", err)
	}
}
