package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Accounts is what a store of identity implements.
type Accounts interface {
	account.UserStore
	account.Ledger
	token.Store
}

// Users tests account.UserStore and account.Ledger.
func Users(t *testing.T, open func(testing.TB) Accounts) {
	cases(t, open, map[string]func(context.Context, *testing.T, Accounts){
		"create and read":          testCreate,
		"unknown account":          testUnknownAccount,
		"address taken":            testAddressTaken,
		"list in pages":            testListUsers,
		"upgrade password":         testUpgradePassword,
		"set password":             testSetPassword,
		"disable and enable":       testSetDisabled,
		"signed in":                testSignedIn,
		"sign-in against disable":  testSignedInRace,
		"failures are counted":     testFailed,
		"event refused, no change": testEventRefused,
		"strange text in events":   testStrangeEvents,
	})
}

func testCreate(ctx context.Context, t *testing.T, s Accounts) {
	has, err := s.HasUsers(ctx)
	must(t, err)
	if has {
		t.Error("an empty store has users")
	}
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	byID, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the account by id", byID, user)
	same(t, "its credential", credential, account.Credential{Hash: "hash", ChangedAt: user.CreatedAt})
	byEmail, _, err := s.UserByEmail(ctx, user.EmailKey)
	must(t, err)
	same(t, "the account by address", byEmail, user)
	if has, err = s.HasUsers(ctx); err != nil || !has {
		t.Errorf("HasUsers is %v, %v", has, err)
	}
}

func testUnknownAccount(ctx context.Context, t *testing.T, s Accounts) {
	_, _, err := s.User(ctx, newID())
	wantError(t, err, authcore.ErrNotFound)
	_, _, err = s.UserByEmail(ctx, "nobody@example.com")
	wantError(t, err, authcore.ErrNotFound)
	_, err = s.SetPassword(ctx, newID(), "hash", newEvent(audit.PasswordSet))
	wantError(t, err, authcore.ErrNotFound)
	_, err = s.SetDisabled(ctx, newID(), true, newEvent(audit.UserDisable))
	wantError(t, err, authcore.ErrNotFound)
	wantError(t, s.SignedIn(ctx, newID(), 0, newEvent(audit.LoginSuccess)), authcore.ErrNotFound)
	_, err = s.Failed(ctx, newID(), newEvent(audit.LoginFailure))
	wantError(t, err, authcore.ErrNotFound)
}

func testAddressTaken(ctx context.Context, t *testing.T, s Accounts) {
	errs := concurrently(10, func(int) error {
		return s.Create(ctx, newUser("same"), "", newEvent(audit.UserCreate))
	})
	wantWinners(t, errs, 1, authcore.ErrConflict)
	users, err := s.Users(ctx, "", 10)
	must(t, err)
	if len(users) != 1 {
		t.Errorf("there are %d accounts, want 1", len(users))
	}
}

func testListUsers(ctx context.Context, t *testing.T, s Accounts) {
	var want []string
	for i := range 5 {
		user := newUser(fmt.Sprint("user", i))
		must(t, s.Create(ctx, user, "", newEvent(audit.UserCreate)))
		want = append(want, user.ID)
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page, err := s.Users(ctx, after, 2)
		must(t, err)
		for _, u := range page {
			got = append(got, u.ID)
		}
		if len(page) < 2 {
			break
		}
	}
	same(t, "the list", got, want)
}

func testUpgradePassword(ctx context.Context, t *testing.T, s Accounts) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "weak", newEvent(audit.UserCreate)))
	must(t, s.UpgradePassword(ctx, user.ID, "weak", "strong"))
	must(t, s.UpgradePassword(ctx, user.ID, "weak", "of an older password"))
	after, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if credential.Hash != "strong" {
		t.Errorf("the hash is %q", credential.Hash)
	}
	same(t, "the account", after, user)
}

func testSetPassword(ctx context.Context, t *testing.T, s Accounts) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "old", newEvent(audit.UserCreate)))
	_, err := s.Failed(ctx, user.ID, newEvent(audit.LoginFailure))
	must(t, err)
	event := newEvent(audit.PasswordSet)
	_, err = s.ChangePassword(ctx, user.ID, user.AuthEpoch+1, "not this", newEvent(audit.PasswordChange))
	wantError(t, err, authcore.ErrConflict)
	got, err := s.ChangePassword(ctx, user.ID, user.AuthEpoch, "newer", newEvent(audit.PasswordChange))
	must(t, err)
	user.AuthEpoch, user.UpdatedAt = got.AuthEpoch, got.UpdatedAt
	got, err = s.SetPassword(ctx, user.ID, "new", event)
	must(t, err)
	want := user
	want.AuthEpoch, want.UpdatedAt = 2, event.At.Truncate(time.Microsecond)
	same(t, "the account", got, want)
	_, credential, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the credential", credential, account.Credential{Hash: "new", ChangedAt: want.UpdatedAt})
}

func testSetDisabled(ctx context.Context, t *testing.T, s Accounts) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	event := newEvent(audit.UserDisable)
	disabled, err := s.SetDisabled(ctx, user.ID, true, event)
	must(t, err)
	if !disabled.DisabledAt.Equal(event.At.Truncate(time.Microsecond)) || disabled.AuthEpoch != 1 {
		t.Errorf("disabled at %s in epoch %d", disabled.DisabledAt, disabled.AuthEpoch)
	}
	enabled, err := s.SetDisabled(ctx, user.ID, false, newEvent(audit.UserEnable))
	must(t, err)
	if enabled.Disabled() || enabled.AuthEpoch != 1 {
		t.Errorf("enabled: disabled at %s in epoch %d", enabled.DisabledAt, enabled.AuthEpoch)
	}
}

func testSignedIn(ctx context.Context, t *testing.T, s Accounts) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	_, err := s.Failed(ctx, user.ID, newEvent(audit.LoginFailure))
	must(t, err)
	must(t, s.SignedIn(ctx, user.ID, 0, newEvent(audit.LoginSuccess)))
	_, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if credential.Failures != 0 {
		t.Errorf("%d failures are left", credential.Failures)
	}
	_, err = s.SetPassword(ctx, user.ID, "new", newEvent(audit.PasswordSet))
	must(t, err)
	wantError(t, s.SignedIn(ctx, user.ID, 0, newEvent(audit.LoginSuccess)), authcore.ErrConflict)
	must(t, s.SignedIn(ctx, user.ID, 1, newEvent(audit.LoginSuccess)))
	_, err = s.SetDisabled(ctx, user.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	wantError(t, s.SignedIn(ctx, user.ID, 2, newEvent(audit.LoginSuccess)), authcore.ErrConflict)
}

// testSignedInRace overlaps sign-ins with the disabling of the account: once
// that has returned, none can succeed any more.
func testSignedInRace(ctx context.Context, t *testing.T, s Accounts) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	errs := concurrently(20, func(i int) error {
		if i == 10 {
			_, err := s.SetDisabled(ctx, user.ID, true, newEvent(audit.UserDisable))
			return err
		}
		return s.SignedIn(ctx, user.ID, 0, newEvent(audit.LoginSuccess))
	})
	must(t, errs[10])
	for _, err := range errs {
		if err != nil {
			wantError(t, err, authcore.ErrConflict)
		}
	}
	wantError(t, s.SignedIn(ctx, user.ID, 0, newEvent(audit.LoginSuccess)), authcore.ErrConflict)
}

func testFailed(ctx context.Context, t *testing.T, s Accounts) {
	n, err := s.Failed(ctx, "", newEvent(audit.LoginFailure))
	if err != nil || n != 0 {
		t.Errorf("a failure of nobody: %d, %v", n, err)
	}
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	const attempts = 20
	counted := make([]int, attempts)
	errs := concurrently(attempts, func(i int) (err error) {
		counted[i], err = s.Failed(ctx, user.ID, newEvent(audit.LoginFailure))
		return err
	})
	wantWinners(t, errs, attempts)
	seen := make(map[int]bool)
	for _, n := range counted {
		seen[n] = true
	}
	if len(seen) != attempts || !seen[1] || !seen[attempts] {
		t.Errorf("the counts are %v, want each of 1 to %d", counted, attempts)
	}
}

// testEventRefused shows that a change and its event commit together or not at
// all, by events that must never be written.
func testEventRefused(ctx context.Context, t *testing.T, s Accounts) {
	bad := map[string]audit.Event{
		"an action that is not listed": newEvent("account.made_up"),
		"too much metadata":            newEvent(audit.UserCreate).With("note", strings.Repeat("x", 8<<10)),
	}
	for _, key := range []string{"password", "Token", "code", "client_secret", "password-hash", "cookie"} {
		bad["metadata "+key] = newEvent(audit.UserCreate).With(key, "x")
	}
	for name, event := range bad {
		user := newUser("ada")
		if err := s.Create(ctx, user, "", event); err == nil {
			t.Errorf("%s was accepted", name)
		}
		_, _, err := s.User(ctx, user.ID)
		wantError(t, err, authcore.ErrNotFound)
		if s.Note(ctx, event) == nil {
			t.Errorf("%s was accepted alone", name)
		}
	}
}

// testStrangeEvents shows that nothing a stranger sends can keep an event, and
// with it a sign-in, from being written.
func testStrangeEvents(ctx context.Context, t *testing.T, s Accounts) {
	for _, text := range []string{"", "\x00", "\xff\xfe", "'; DROP TABLE users; --", strings.Repeat("é", 4000)} {
		event := newEvent(audit.LoginFailure).With("key", text[:min(len(text), 100)])
		event.UserAgent, event.IP = text, text
		must(t, s.Note(ctx, event))
	}
}
