package account_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// TestOneFirstAccount uses one set-up link many times at once.
func TestOneFirstAccount(t *testing.T) {
	w := newWorld(t)
	link, err := w.IssueSetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			in := account.SetUp{Secret: link, Email: fmt.Sprintf("u%d@example.com", i), Password: good, Client: client}
			_, errs[i] = w.CompleteSetUp(context.Background(), in)
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, authcore.ErrNotFound) {
			t.Error(err)
		}
	}
	if users, err := w.Page(t.Context(), "", 10); won != 1 || err != nil || len(users) != 1 {
		t.Errorf("%d won, %d accounts, %v", won, len(users), err)
	}
}

func TestSetUpLinkEndsAfterADay(t *testing.T) {
	now := time.Now()
	w := newWorld(t, at(&now))
	link, err := w.IssueSetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(24*time.Hour - time.Minute)
	if err := w.CheckSetUp(t.Context(), link); err != nil {
		t.Errorf("within a day: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if err := w.CheckSetUp(t.Context(), link); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("after a day: %v", err)
	}
	if _, err := w.CompleteSetUp(t.Context(), account.SetUp{Secret: link, Email: ada, Password: good}); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("after a day: %v", err)
	}
}

// TestStepUpThatLosesARace proves a password while the account changes.
func TestStepUpThatLosesARace(t *testing.T) {
	for name, lose := range map[string]func(*world, authcore.User, account.SignedIn) error{
		"disabled": func(w *world, u authcore.User, _ account.SignedIn) error {
			_, err := w.SetDisabled(context.Background(), u.ID, true)
			return err
		},
		"new password": func(w *world, u authcore.User, _ account.SignedIn) error {
			return w.SetPassword(context.Background(), u, "another fine password")
		},
		"session ended": func(w *world, u authcore.User, s account.SignedIn) error {
			_, err := w.End(context.Background(), u.ID, s.Session.ID)
			return err
		},
	} {
		w := newWorld(t)
		user := w.add(t)
		signedIn, err := w.signIn(ada, good)
		if err != nil {
			t.Fatal(err)
		}
		live, err := w.sessions.Resume(t.Context(), signedIn.Token)
		if err != nil {
			t.Fatal(err)
		}
		w.ledger.before = func() {
			if err := lose(w, user, signedIn); err != nil {
				t.Error(err)
			}
		}
		if _, err := w.StepUp(t.Context(), live, good, client); !errors.Is(err, authcore.ErrConflict) && !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if list, err := w.List(t.Context(), user.ID); err != nil || len(list) != 0 {
			t.Errorf("%s: %d sessions are left, %v", name, len(list), err)
		}
	}
}

// TestPasswordChangeThatLosesARace has somebody who knows the password change it while
// the owner throws them out.
func TestPasswordChangeThatLosesARace(t *testing.T) {
	const owners = "the owner's new password"
	for name, lose := range map[string]func(*world, authcore.User) error{
		"disabled": func(w *world, u authcore.User) error {
			_, err := w.SetDisabled(context.Background(), u.ID, true)
			return err
		},
		"new password": func(w *world, u authcore.User) error { return w.SetPassword(context.Background(), u, owners) },
	} {
		w := newWorld(t)
		user := w.add(t)
		live := w.resumed(t)
		w.ledger.before = func() {
			w.ledger.before = nil
			if err := lose(w, user); err != nil {
				t.Error(err)
			}
		}
		change := account.PasswordChange{Current: good, Password: "the intruder's password"}
		if _, err := w.ChangePassword(t.Context(), live, change, client); !errors.Is(err, account.ErrSignedOut) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.signIn(ada, change.Password); err == nil {
			t.Errorf("%s: the intruder's password works", name)
		}
	}
}

// resumed signs in and resumes the session, as a request does.
func (w *world) resumed(t *testing.T) *session.Live {
	t.Helper()
	signedIn, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	live, err := w.sessions.Resume(t.Context(), signedIn.Token)
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// TestAnEndedSessionChangesNothing uses a session that ended after the request was let
// in.
func TestAnEndedSessionChangesNothing(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	live := w.resumed(t)
	if _, err := w.End(t.Context(), user.ID, live.ID); err != nil {
		t.Fatal(err)
	}
	change := account.PasswordChange{Current: good, Password: "the intruder's password"}
	if _, err := w.ChangePassword(t.Context(), live, change, client); !errors.Is(err, account.ErrSignedOut) {
		t.Errorf("a new password: %v", err)
	}
	if _, err := w.Reprove(t.Context(), live, good, client); !errors.Is(err, account.ErrSignedOut) {
		t.Errorf("a proof before another change: %v", err)
	}
	if _, err := w.signIn(ada, good); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// TestPasswordChangesAreLimited changes the password again and again, which would keep
// the owner's links from ever working.
func TestPasswordChangesAreLimited(t *testing.T) {
	w := newWorld(t)
	w.add(t)
	live := w.resumed(t)
	var throttled *account.ThrottledError
	for range throttle.DefaultLimits().Change.Max + 1 {
		signedIn, err := w.ChangePassword(t.Context(), live, account.PasswordChange{Current: good, Password: good}, client)
		if errors.As(err, &throttled) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if live, err = w.sessions.Resume(t.Context(), signedIn.Token); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("there is no end")
}

// TestUpgradeThatLosesARace changes the password while its old hash is about to
// be replaced by a stronger one.
func TestUpgradeThatLosesARace(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	_, before, err := w.db.User(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetPassword(t.Context(), user, "another fine password"); err != nil {
		t.Fatal(err)
	}
	if err := w.db.UpgradePassword(t.Context(), user.ID, before.Hash, before.Hash); err == nil {
		_, after, err := w.db.User(t.Context(), user.ID)
		if err != nil || after.Hash == before.Hash {
			t.Errorf("the old password is back: %v", err)
		}
	}
	if _, err := w.signIn(ada, "another fine password"); err != nil {
		t.Error(err)
	}
}

// TestSameAddressAtOnce adds one account from many sides.
func TestSameAddressAtOnce(t *testing.T) {
	w := newWorld(t)
	errs := make([]error, 6)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			_, errs[i] = w.Add(context.Background(), account.NewUser{Email: []string{ada, "ADA@EXAMPLE.COM"}[i%2], Password: good})
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, authcore.ErrConflict) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d accounts of one address", won)
	}
}
