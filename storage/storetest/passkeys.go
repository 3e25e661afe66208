package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
)

// PasskeyStore is what a store of passkeys implements.
type PasskeyStore interface {
	TwoSteps
	passkey.Store
}

// Passkeys tests passkey.Store.
func Passkeys(t *testing.T, open func(testing.TB) PasskeyStore) {
	cases(t, open, map[string]func(context.Context, *testing.T, PasskeyStore){
		"add and read":             testAddPasskey,
		"no more than allowed":     testTooManyPasskeys,
		"one ID, one passkey":      testPasskeyTwice,
		"use":                      testUsePasskey,
		"use at once":              testUsePasskeyRace,
		"rename and remove":        testChangePasskeys,
		"the last way in":          testLastPasskey,
		"second factor by passkey": testPasskeyAsSecondFactor,
	})
}

func newPasskey(user authcore.User, id string) passkey.Passkey {
	return passkey.Passkey{
		ID: []byte(id + "\x00\xff"), UserID: user.ID, RPID: "example.com", Name: "Läptop", Discoverable: true, Data: []byte(`{"key":""}`), SignCount: 1<<32 - 10,
		BackedUp: true, CreatedAt: now(),
	}
}

// owning makes an account with a passkey.
func owning(ctx context.Context, t *testing.T, s PasskeyStore, passwordHash string) (authcore.User, passkey.Passkey) {
	t.Helper()
	user := newUser("ada")
	must(t, s.Create(ctx, user, passwordHash, newEvent(audit.UserCreate)))
	p := newPasskey(user, "first")
	must(t, s.AddPasskey(ctx, p, user.AuthEpoch, 10, newEvent(audit.PasskeyRegister)))
	return user, p
}

func testAddPasskey(ctx context.Context, t *testing.T, s PasskeyStore) {
	user, p := owning(ctx, t, s, "hash")
	got, err := s.Passkey(ctx, p.ID)
	must(t, err)
	same(t, "the passkey", got, p)
	second := newPasskey(user, "second")
	second.CreatedAt = now().Add(time.Second)
	must(t, s.AddPasskey(ctx, second, user.AuthEpoch, 10, newEvent(audit.PasskeyRegister)))
	list, err := s.Passkeys(ctx, user.ID)
	must(t, err)
	same(t, "the list", list, []passkey.Passkey{p, second})
	_, err = s.Passkey(ctx, []byte("first"))
	wantError(t, err, authcore.ErrNotFound)
	if list, err := s.Passkeys(ctx, newID()); err != nil || len(list) > 0 {
		t.Errorf("of others: %v, %v", list, err)
	}
	wantError(t, s.AddPasskey(ctx, newPasskey(user, "third"), user.AuthEpoch+1, 10, newEvent(audit.PasskeyRegister)), authcore.ErrConflict)
}

func testTooManyPasskeys(ctx context.Context, t *testing.T, s PasskeyStore) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	added := 0
	for _, err := range concurrently(12, func(i int) error {
		return s.AddPasskey(ctx, newPasskey(user, fmt.Sprint("key ", i)), user.AuthEpoch, 3, newEvent(audit.PasskeyRegister))
	}) {
		if err == nil {
			added++
		} else {
			wantError(t, err, passkey.ErrTooMany)
		}
	}
	same(t, "added", added, 3)
}

func testPasskeyTwice(ctx context.Context, t *testing.T, s PasskeyStore) {
	_, p := owning(ctx, t, s, "hash")
	other := newUser("grace")
	must(t, s.Create(ctx, other, "hash", newEvent(audit.UserCreate)))
	p.UserID = other.ID
	wantError(t, s.AddPasskey(ctx, p, other.AuthEpoch, 10, newEvent(audit.PasskeyRegister)), passkey.ErrExists)
}

func testUsePasskey(ctx context.Context, t *testing.T, s PasskeyStore) {
	user, p := owning(ctx, t, s, "hash")
	use := passkey.Use{ID: p.ID, Before: p.SignCount, After: 1<<32 - 1}
	must(t, s.UsePasskey(ctx, use, proofOf(user)))
	got, err := s.Passkey(ctx, p.ID)
	must(t, err)
	if got.SignCount != 1<<32-1 || got.BackedUp || got.UsedAt.IsZero() {
		t.Errorf("after a use: %+v", got)
	}
	wantError(t, s.UsePasskey(ctx, use, proofOf(user)), passkey.ErrRefused)
	other := newUser("grace")
	must(t, s.Create(ctx, other, "hash", newEvent(audit.UserCreate)))
	wantError(t, s.UsePasskey(ctx, passkey.Use{ID: p.ID, Before: 1<<32 - 1}, proofOf(other)), passkey.ErrRefused)
	stale := proofOf(user)
	stale.Epoch++
	wantError(t, s.UsePasskey(ctx, passkey.Use{ID: p.ID, Before: 1<<32 - 1}, stale), authcore.ErrConflict)
}

func testUsePasskeyRace(ctx context.Context, t *testing.T, s PasskeyStore) {
	user, p := owning(ctx, t, s, "hash")
	won := 0
	for _, err := range concurrently(20, func(int) error {
		return s.UsePasskey(ctx, passkey.Use{ID: p.ID, Before: p.SignCount, After: p.SignCount + 1}, proofOf(user))
	}) {
		if err == nil {
			won++
		} else {
			wantError(t, err, passkey.ErrRefused)
		}
	}
	same(t, "uses of one counter", won, 1)
}

func testChangePasskeys(ctx context.Context, t *testing.T, s PasskeyStore) {
	user, p := owning(ctx, t, s, "hash")
	must(t, s.RenamePasskey(ctx, user.ID, p.ID, "Phone", newEvent(audit.PasskeyRename)))
	got, err := s.Passkey(ctx, p.ID)
	must(t, err)
	same(t, "the name", got.Name, "Phone")
	other := newUser("grace")
	must(t, s.Create(ctx, other, "hash", newEvent(audit.UserCreate)))
	for what, err := range map[string]error{
		"rename that of others": s.RenamePasskey(ctx, other.ID, p.ID, "Mine", newEvent(audit.PasskeyRename)),
		"rename none":           s.RenamePasskey(ctx, user.ID, []byte("none"), "Mine", newEvent(audit.PasskeyRename)),
		"remove that of others": s.RemovePasskey(ctx, removal(other, p.ID), newEvent(audit.PasskeyDelete)),
		"remove none":           s.RemovePasskey(ctx, removal(user, []byte("none")), newEvent(audit.PasskeyDelete)),
	} {
		if !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, s.RemovePasskey(ctx, removal(user, p.ID), newEvent(audit.PasskeyDelete)))
	_, err = s.Passkey(ctx, p.ID)
	wantError(t, err, authcore.ErrNotFound)
}

// removal is a guarded one.
func removal(user authcore.User, id []byte) passkey.Removal {
	return passkey.Removal{UserID: user.ID, ID: id, Guarded: true, RPID: "example.com", Epoch: user.AuthEpoch}
}

// testLastPasskey: without a password, a passkey must be left that works here and
// signs in by itself.
func testLastPasskey(ctx context.Context, t *testing.T, s PasskeyStore) {
	user, p := owning(ctx, t, s, "")
	remove := func(id []byte, guarded bool) error {
		r := removal(user, id)
		r.Guarded = guarded
		return s.RemovePasskey(ctx, r, newEvent(audit.PasskeyDelete))
	}
	add := func(name string, change func(*passkey.Passkey)) passkey.Passkey {
		p := newPasskey(user, name)
		change(&p)
		must(t, s.AddPasskey(ctx, p, user.AuthEpoch, 10, newEvent(audit.PasskeyRegister)))
		return p
	}
	wantError(t, remove(p.ID, true), passkey.ErrLast)
	elsewhere := add("former domain", func(p *passkey.Passkey) { p.RPID = "example.org" })
	wantError(t, remove(p.ID, true), passkey.ErrLast)
	key := add("security key", func(p *passkey.Passkey) { p.Discoverable = false })
	wantError(t, remove(p.ID, true), passkey.ErrLast)
	must(t, remove(elsewhere.ID, true))
	must(t, s.UsePasskey(ctx, passkey.Use{ID: key.ID, Before: key.SignCount, After: key.SignCount, Discovered: true}, proofOf(user)))
	must(t, remove(p.ID, true)) // the key has shown that it signs in by itself
	must(t, remove(key.ID, false))
}

func testPasskeyAsSecondFactor(ctx context.Context, t *testing.T, s PasskeyStore) {
	user, p := owning(ctx, t, s, "hash")
	elsewhere := mfa.Enrollment{UserID: user.ID, Epoch: user.AuthEpoch, RPID: "example.org"}
	wantError(t, s.TurnOn(ctx, elsewhere, newEvent(audit.TwoStepEnroll)), mfa.ErrNoPasskey)
	must(t, s.TurnOn(ctx, mfa.Enrollment{UserID: user.ID, Epoch: user.AuthEpoch, RPID: "example.com", Codes: [][]byte{[]byte("one")}}, newEvent(audit.TwoStepEnroll)))
	for rpID, want := range map[string][2]int{"example.com": {1, 0}, "example.org": {0, 1}, "": {0, 1}} {
		factors, err := s.Factors(ctx, user.ID, rpID)
		must(t, err)
		if factors.TwoStepAt.IsZero() || len(factors.Secret) > 0 || factors.Passkeys != want[0] || factors.Elsewhere != want[1] || factors.Codes != 1 {
			t.Errorf("at %q: %+v", rpID, factors)
		}
	}
	other := newPasskey(user, "of another site")
	other.RPID = "example.org"
	must(t, s.AddPasskey(ctx, other, user.AuthEpoch, 10, newEvent(audit.PasskeyRegister)))
	must(t, s.AddPasskey(ctx, newPasskey(user, "another"), user.AuthEpoch, 10, newEvent(audit.PasskeyRegister)))
	ids, err := s.RelyingParties(ctx, user.ID)
	must(t, err)
	same(t, "relying parties", ids, []string{"example.com", "example.org"})
	ids, err = s.RelyingParties(ctx, "nobody")
	must(t, err)
	same(t, "those of nobody", len(ids), 0)
	must(t, s.RemovePasskey(ctx, passkey.Removal{UserID: user.ID, ID: newPasskey(user, "another").ID}, newEvent(audit.PasskeyDelete)))
	wantError(t, s.RemovePasskey(ctx, removal(user, p.ID), newEvent(audit.PasskeyDelete)), passkey.ErrLast)
	must(t, s.TurnOn(ctx, enrollment(user), newEvent(audit.TwoStepEnroll)))
	must(t, s.RemovePasskey(ctx, removal(user, p.ID), newEvent(audit.PasskeyDelete)))
	must(t, s.Reset(ctx, user.ID, newEvent(audit.TwoStepReset)))
}

// Ceremonies tests passkey.Ceremonies. Pass lets time pass for the store.
func Ceremonies(t *testing.T, s passkey.Ceremonies, pass func(time.Duration)) {
	ctx := t.Context()
	put := func(name string, life time.Duration) []byte {
		hash := newHash()
		must(t, s.PutCeremony(ctx, hash[:], []byte(name+"\x00\xff"), now().Add(life)))
		return hash[:]
	}
	hash := put("one", time.Minute)
	data, err := s.TakeCeremony(ctx, hash)
	must(t, err)
	same(t, "the data", string(data), "one\x00\xff")
	_, err = s.TakeCeremony(ctx, hash)
	wantError(t, err, authcore.ErrNotFound)
	unknown := newHash()
	_, err = s.TakeCeremony(ctx, unknown[:])
	wantError(t, err, authcore.ErrNotFound)
	raced := put("raced", time.Minute)
	wantOne(t, concurrently(100, func(int) error {
		_, err := s.TakeCeremony(ctx, raced)
		return err
	}))
	late := put("late", 300*time.Millisecond)
	pass(400 * time.Millisecond)
	_, err = s.TakeCeremony(ctx, late)
	wantError(t, err, authcore.ErrNotFound)
}
