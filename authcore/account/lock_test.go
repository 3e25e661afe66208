package account_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/local"
)

// at puts the service and its limits on a clock that the test sets.
func at(now *time.Time) func(*account.Deps) {
	clock := func() time.Time { return *now }
	return func(d *account.Deps) {
		d.Clock, d.Guard = clock, throttle.NewGuard(local.NewThrottle(clock), throttle.DefaultLimits())
	}
}

// from makes an attempt come from the nth network.
func from(n int) func(*account.SignIn) {
	return func(in *account.SignIn) { in.Client.IP = fmt.Sprintf("198.51.%d.%d", n/250, n%250+1) }
}

func failures(t *testing.T, w *world, userID string) int {
	t.Helper()
	_, credential, err := w.db.User(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	return credential.Failures
}

// TestRefusedAttemptsDoNotCount keeps a stranger with many addresses from
// reaching the limit of failures in a row without a single guess.
func TestRefusedAttemptsDoNotCount(t *testing.T) {
	now := time.Now()
	w := newWorld(t, at(&now))
	user := w.add(t)
	for n := range 150 {
		if _, err := w.signIn(ada, "wrong", from(n)); err != account.ErrInvalidCredentials {
			t.Fatal(err)
		}
	}
	if n := failures(t, w, user.ID); n != 5 {
		t.Errorf("%d failures count, but 5 passwords were tried", n)
	}
	w.work(t)
	if got := w.audited(t); len(got) != 152 || got[150] != "auth.login.failure locked" || !slices.Contains(got, "security.lockout") {
		t.Errorf("%d events, the last is %s", len(got), got[len(got)-1])
	}
	now = now.Add(16 * time.Minute)
	if _, err := w.signIn(ada, good); err != nil {
		t.Errorf("the owner, once the limit has re-armed: %v", err)
	}
	if n := failures(t, w, user.ID); n != 0 {
		t.Errorf("%d failures are left", n)
	}
}

// TestAHundredGuessesLockAcrossWindows guesses as fast as the limit lets it.
func TestAHundredGuessesLockAcrossWindows(t *testing.T) {
	now := time.Now()
	w := newWorld(t, at(&now))
	user := w.add(t)
	known, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 25 * 5 {
		if n%5 == 0 {
			now = now.Add(16 * time.Minute)
		}
		if _, err := w.signIn(ada, "wrong", from(n)); err != account.ErrInvalidCredentials {
			t.Fatal(err)
		}
	}
	if n := failures(t, w, user.ID); n != 90 { // the others of a hundred are for browsers it knows
		t.Errorf("%d passwords were tried in a row", n)
	}
	now = now.Add(16 * time.Minute)
	if _, err := w.signIn(ada, good); err != account.ErrInvalidCredentials {
		t.Errorf("from a new browser: %v", err)
	}
	if _, err := w.signIn(ada, good, func(in *account.SignIn) { in.Devices = []string{known.Device} }); err != nil {
		t.Errorf("from a known browser: %v", err)
	}
	if _, err := w.signIn(ada, good); err != nil {
		t.Errorf("afterwards, from a new one: %v", err)
	}
}

func TestKnownBrowsersAreForgottenAfterAYear(t *testing.T) {
	now := time.Now()
	w := newWorld(t, at(&now))
	w.add(t)
	first, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	known := func(in *account.SignIn) { in.Devices = []string{first.Device} }
	for _, c := range []struct {
		after time.Duration
		works bool
	}{{364 * 24 * time.Hour, true}, {2 * 24 * time.Hour, false}} {
		now = now.Add(c.after)
		for n := range 5 {
			_, _ = w.signIn(ada, "wrong", from(n))
		}
		if _, err := w.signIn(ada, good, known); (err == nil) != c.works {
			t.Errorf("at %s: %v", now, err)
		}
	}
}

func TestNetworkLimitIsTold(t *testing.T) {
	w := newWorld(t)
	w.add(t)
	var throttled *account.ThrottledError
	for n := range 31 {
		_, err := w.signIn(fmt.Sprintf("user%d@example.com", n), "wrong")
		if n < 30 && err != account.ErrInvalidCredentials || n == 30 && !errors.As(err, &throttled) {
			t.Fatalf("attempt %d: %v", n, err)
		}
	}
	if throttled.RetryAfter <= 0 || throttled.RetryAfter > 15*time.Minute {
		t.Errorf("retry after %s", throttled.RetryAfter)
	}
	before := len(w.audited(t))
	if _, err := w.signIn(ada, good); !errors.As(err, &throttled) {
		t.Errorf("the right password: %v", err)
	}
	if n := len(w.audited(t)); n != before {
		t.Error("refused attempts of a stranger fill the audit log")
	}
}

// TestOneMailForManyAtOnce is a lock by a burst.
func TestOneMailForManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.add(t)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() { _, _ = w.signIn(ada, "wrong", from(n)) })
	}
	all.Wait()
	if n := len(w.mails(t)); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// An operator who sets a password, or enables an account, lets its owner in
// though strangers have locked it.
func TestOperatorLiftsALock(t *testing.T) {
	for name, help := range map[string]func(*world, authcore.User) error{
		"set password": func(w *world, u authcore.User) error { return w.SetPassword(t.Context(), u, good+" then") },
		"enable": func(w *world, u authcore.User) error {
			_, err := w.SetDisabled(t.Context(), u.ID, false)
			return err
		},
	} {
		w := newWorld(t)
		user := w.add(t)
		for n := range 5 {
			_, _ = w.signIn(ada, "wrong", from(n))
		}
		if _, err := w.signIn(ada, good); err != account.ErrInvalidCredentials {
			t.Fatalf("%s: not locked: %v", name, err)
		}
		if err := help(w, user); err != nil {
			t.Fatal(err)
		}
		password := map[string]string{"set password": good + " then", "enable": good}[name]
		if _, err := w.signIn(ada, password); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAccountThatStaysLockedGetsOneMailADay(t *testing.T) {
	now := time.Now()
	w := newWorld(t, at(&now))
	w.add(t)
	for range 90 {
		for n := range 5 {
			_, _ = w.signIn(ada, "wrong", from(n))
		}
		now = now.Add(16 * time.Minute)
	}
	if n := len(w.mails(t)); n < 1 || n > 2 {
		t.Errorf("%d mails in a day", n)
	}
}

// A mark ends with the password, and a browser has one budget however often it
// signs in.
func TestDeviceMarksEndWithThePassword(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	first, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.signIn(ada, good, func(in *account.SignIn) { in.Devices = []string{first.Device} })
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		_, _ = w.signIn(ada, "wrong", from(n))
	}
	for n := range 12 { // ten tries, though there are two marks
		mark := []string{first.Device, second.Device}[n%2]
		_, _ = w.signIn(ada, "wrong", func(in *account.SignIn) { in.Devices = []string{mark} })
	}
	if _, err := w.signIn(ada, good, func(in *account.SignIn) { in.Devices = []string{second.Device} }); err != account.ErrInvalidCredentials {
		t.Errorf("two marks of a browser have two budgets: %v", err)
	}
	if err := w.SetPassword(t.Context(), user, good+" then"); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		_, _ = w.signIn(ada, "wrong", from(n))
	}
	if _, err := w.signIn(ada, good+" then", func(in *account.SignIn) { in.Devices = []string{second.Device} }); err != account.ErrInvalidCredentials {
		t.Errorf("a mark outlives the password: %v", err)
	}
}
