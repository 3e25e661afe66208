package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
)

// TwoSteps is what a store of second factors implements.
type TwoSteps interface {
	Accounts
	mfa.Store
	account.BrowserStore
}

// TwoStep tests mfa.Store and account.BrowserStore.
func TwoStep(t *testing.T, open func(testing.TB) TwoSteps) {
	cases(t, open, map[string]func(context.Context, *testing.T, TwoSteps){
		"turn on":                      testTurnOn,
		"no factor at all":             testTurnOnWithoutFactor,
		"turn on at another epoch":     testTurnOnRaced,
		"turn on again":                testTurnOnAgain,
		"a step once":                  testUseStep,
		"a step once, of many at once": testUseStepRace,
		"a code once":                  testUseBackupCode,
		"a code once, of many at once": testUseBackupCodeRace,
		"nothing of a refused proof":   testRefusedProof,
		"turn off":                     testTurnOff,
		"reset":                        testResetFactors,
		"failures are counted":         testCodeFailures,
		"trusted browsers":             testBrowsers,
	})
}

// enrolled makes an account with an app at step 100 and two backup codes.
func enrolled(ctx context.Context, t *testing.T, s TwoSteps) authcore.User {
	t.Helper()
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	must(t, s.TurnOn(ctx, enrollment(user), newEvent(audit.TwoStepEnroll).Of(user.ID)))
	user, _, err := s.User(ctx, user.ID)
	must(t, err)
	return user
}

func enrollment(user authcore.User) mfa.Enrollment {
	return mfa.Enrollment{UserID: user.ID, Epoch: user.AuthEpoch, Secret: []byte("sealed\x00"), Step: 100, Codes: [][]byte{[]byte("one"), []byte("two")}}
}

func proofOf(user authcore.User) account.Proof {
	return account.Proof{UserID: user.ID, Epoch: user.AuthEpoch, Event: newEvent(audit.LoginSuccess).Of(user.ID)}
}

// useCode uses a backup code up and returns how many the owner is told of.
func useCode(ctx context.Context, s TwoSteps, code string, p account.Proof) (left int, err error) {
	err = s.UseBackupCode(ctx, []byte(code), p, func(n int) (job.Job, error) {
		left = n
		return newJob("mail"), nil
	})
	return left, err
}

func testTurnOn(ctx context.Context, t *testing.T, s TwoSteps) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	before, err := s.Factors(ctx, user.ID, "")
	must(t, err)
	same(t, "before", before, mfa.Factors{Password: true, Secret: []byte{}})
	event := newEvent(audit.TwoStepEnroll)
	must(t, s.TurnOn(ctx, enrollment(user), event))
	after, err := s.Factors(ctx, user.ID, "")
	must(t, err)
	at := event.At.Truncate(time.Microsecond)
	same(t, "after", after, mfa.Factors{Password: true, TwoStepAt: at, Secret: []byte("sealed\x00"), AppAt: at, Codes: 2})
	if user, _, err := s.User(ctx, user.ID); err != nil || !user.TwoStepAt.Equal(at) || !user.TwoStep() {
		t.Errorf("the account says %v, %v", user.TwoStepAt, err)
	}
	again := enrollment(user)
	again.Secret, again.Step, again.Codes = []byte("other"), 7, [][]byte{[]byte("three")}
	must(t, s.TurnOn(ctx, again, newEvent(audit.TwoStepEnroll)))
	factors, err := s.Factors(ctx, user.ID, "")
	must(t, err)
	if !factors.TwoStepAt.Equal(at) || !bytes.Equal(factors.Secret, again.Secret) || factors.Codes != 1 {
		t.Errorf("another app: %+v", factors)
	}
	_, err = s.Factors(ctx, newID(), "")
	wantError(t, err, authcore.ErrNotFound)
}

// testTurnOnAgain enrolls a secret again, with the code that has proven it: no code
// of before is good again.
func testTurnOnAgain(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	must(t, s.UseStep(ctx, 101, proofOf(user)))
	must(t, s.TurnOn(ctx, enrollment(user), newEvent(audit.TwoStepEnroll)))
	wantError(t, s.UseStep(ctx, 101, proofOf(user)), authcore.ErrNotFound)
	must(t, s.UseStep(ctx, 102, proofOf(user)))
}

func testTurnOnWithoutFactor(ctx context.Context, t *testing.T, s TwoSteps) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	wantError(t, s.TurnOn(ctx, mfa.Enrollment{UserID: user.ID, Codes: [][]byte{[]byte("one")}}, newEvent(audit.TwoStepEnroll)), mfa.ErrNoPasskey)
	if user, _, err := s.User(ctx, user.ID); err != nil || user.TwoStep() {
		t.Errorf("it is on, %v", err)
	}
}

func testTurnOnRaced(ctx context.Context, t *testing.T, s TwoSteps) {
	user := newUser("ada")
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	_, err := s.SetPassword(ctx, user.ID, "new", newEvent(audit.PasswordSet))
	must(t, err)
	wantError(t, s.TurnOn(ctx, enrollment(user), newEvent(audit.TwoStepEnroll)), authcore.ErrConflict)
}

func testUseStep(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	for _, test := range []struct {
		step int64
		want error
	}{{99, authcore.ErrNotFound}, {100, authcore.ErrNotFound}, {101, nil}, {101, authcore.ErrNotFound}, {100, authcore.ErrNotFound}, {103, nil}, {102, authcore.ErrNotFound}} {
		if err := s.UseStep(ctx, test.step, proofOf(user)); !errors.Is(err, test.want) {
			t.Errorf("step %d: %v, want %v", test.step, err, test.want)
		}
	}
	_, credential, err := s.User(ctx, user.ID)
	must(t, err)
	if credential.SignedInAt.IsZero() {
		t.Error("the sign-in is not noted")
	}
	stale := proofOf(user)
	stale.Epoch++
	wantError(t, s.UseStep(ctx, 200, stale), authcore.ErrConflict)
	_, err = s.SetDisabled(ctx, user.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	disabled := proofOf(user)
	disabled.Epoch++
	wantError(t, s.UseStep(ctx, 200, disabled), authcore.ErrConflict)
}

func testUseStepRace(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	wantOne(t, concurrently(20, func(int) error { return s.UseStep(ctx, 101, proofOf(user)) }))
}

func testUseBackupCodeRace(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	wantOne(t, concurrently(20, func(int) error {
		_, err := useCode(ctx, s, "one", proofOf(user))
		return err
	}))
}

// wantOne fails the test unless one of many has succeeded, and the rest found
// nothing.
func wantOne(t *testing.T, errs []error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantError(t, err, authcore.ErrNotFound)
		}
	}
	if won != 1 {
		t.Errorf("%d succeeded", won)
	}
}

func testUseBackupCode(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	left, err := useCode(ctx, s, "one", proofOf(user))
	must(t, err)
	same(t, "left", left, 1)
	_, err = useCode(ctx, s, "one", proofOf(user))
	wantError(t, err, authcore.ErrNotFound)
	other := newUser("grace")
	must(t, s.Create(ctx, other, "hash", newEvent(audit.UserCreate)))
	_, err = useCode(ctx, s, "two", proofOf(other))
	wantError(t, err, authcore.ErrNotFound)
	must(t, s.ReplaceBackupCodes(ctx, user.ID, user.AuthEpoch, [][]byte{[]byte("three")}, newEvent(audit.BackupCodesReplaced)))
	_, err = useCode(ctx, s, "two", proofOf(user))
	wantError(t, err, authcore.ErrNotFound)
	left, err = useCode(ctx, s, "three", proofOf(user))
	must(t, err)
	same(t, "left", left, 0)
	wantError(t, s.ReplaceBackupCodes(ctx, other.ID, other.AuthEpoch, [][]byte{[]byte("x")}, newEvent(audit.BackupCodesReplaced)), authcore.ErrNotFound)
}

func testRefusedProof(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	refused := proofOf(user)
	refused.Event.Action = "no.such.action"
	refused.Browser = newBrowser(user, "b")
	if s.UseStep(ctx, 101, refused) == nil {
		t.Error("an unknown action is stored")
	}
	_, err := useCode(ctx, s, "one", refused)
	if err == nil {
		t.Error("an unknown action is stored")
	}
	must(t, s.UseStep(ctx, 101, proofOf(user)))
	left, err := useCode(ctx, s, "one", proofOf(user))
	must(t, err)
	same(t, "left", left, 1)
	_, err = s.Browser(ctx, []byte("b"), now())
	wantError(t, err, authcore.ErrNotFound)
}

func testTurnOff(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	proof := proofOf(user)
	proof.Browser = newBrowser(user, "b")
	must(t, s.UseStep(ctx, 101, proof))
	wantError(t, s.TurnOff(ctx, user.ID, user.AuthEpoch+1, newEvent(audit.TwoStepDisable)), authcore.ErrConflict)
	must(t, s.TurnOff(ctx, user.ID, user.AuthEpoch, newEvent(audit.TwoStepDisable)))
	factors, err := s.Factors(ctx, user.ID, "")
	must(t, err)
	same(t, "what is left", factors, mfa.Factors{Password: true, Secret: []byte{}})
	_, err = s.Browser(ctx, []byte("b"), now())
	wantError(t, err, authcore.ErrNotFound)
	wantError(t, s.TurnOff(ctx, user.ID, user.AuthEpoch, newEvent(audit.TwoStepDisable)), authcore.ErrNotFound)
}

func testResetFactors(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	must(t, s.Reset(ctx, user.ID, newEvent(audit.TwoStepReset)))
	factors, err := s.Factors(ctx, user.ID, "")
	must(t, err)
	same(t, "what is left", factors, mfa.Factors{Password: true, Secret: []byte{}})
	after, _, err := s.User(ctx, user.ID)
	must(t, err)
	same(t, "the epoch", after.AuthEpoch, user.AuthEpoch+1)
	must(t, s.Reset(ctx, user.ID, newEvent(audit.TwoStepReset))) // also without any
	wantError(t, s.Reset(ctx, newID(), newEvent(audit.TwoStepReset)), authcore.ErrNotFound)
}

func testCodeFailures(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	failures := func() int {
		factors, err := s.Factors(ctx, user.ID, "")
		must(t, err)
		return factors.Failures
	}
	for _, reset := range []func(){
		func() { must(t, s.UseStep(ctx, 101, proofOf(user))) },
		func() {
			_, err := useCode(ctx, s, "one", proofOf(user))
			must(t, err)
		},
		func() {
			_, err := s.SetPassword(ctx, user.ID, "new", newEvent(audit.PasswordSet))
			must(t, err)
		},
	} {
		errs := concurrently(10, func(int) error { return s.CodeFailed(ctx, user.ID, newEvent(audit.TwoStepFailure)) })
		must(t, errors.Join(errs...))
		same(t, "failures", failures(), 10)
		reset()
		same(t, "failures after a success", failures(), 0)
	}
}

func newBrowser(user authcore.User, hash string) *account.Browser {
	return &account.Browser{
		ID: newID(), UserID: user.ID, Hash: []byte(hash), Epoch: user.AuthEpoch, UserAgent: "storetest\u00ff", IP: "2001:db8::1",
		CreatedAt: now(), ExpiresAt: now().Add(time.Hour),
	}
}

func testBrowsers(ctx context.Context, t *testing.T, s TwoSteps) {
	user := enrolled(ctx, t, s)
	var added []account.Browser
	for i := range 3 {
		proof := proofOf(user)
		proof.Browser = newBrowser(user, fmt.Sprint("browser ", i))
		must(t, s.UseStep(ctx, int64(200+i), proof))
		added = append(added, *proof.Browser)
	}
	got, err := s.Browser(ctx, []byte("browser 1"), now())
	must(t, err)
	same(t, "the browser", got, added[1])
	slices.Reverse(added)
	list, err := s.Browsers(ctx, user.ID, user.AuthEpoch, now())
	must(t, err)
	same(t, "the list", list, added)
	for name, none := range map[string]func() ([]account.Browser, error){
		"of another epoch": func() ([]account.Browser, error) { return s.Browsers(ctx, user.ID, user.AuthEpoch+1, now()) },
		"of others":        func() ([]account.Browser, error) { return s.Browsers(ctx, newID(), user.AuthEpoch, now()) },
		"later": func() ([]account.Browser, error) {
			return s.Browsers(ctx, user.ID, user.AuthEpoch, now().Add(2*time.Hour))
		},
	} {
		if list, err := none(); err != nil || len(list) > 0 {
			t.Errorf("%s: %d, %v", name, len(list), err)
		}
	}
	_, err = s.Browser(ctx, []byte("browser 1"), now().Add(2*time.Hour))
	wantError(t, err, authcore.ErrNotFound)
	wantError(t, s.RemoveBrowsers(ctx, newID(), added[0].ID, newEvent(audit.TrustRevoke)), authcore.ErrNotFound)
	must(t, s.RemoveBrowsers(ctx, user.ID, added[0].ID, newEvent(audit.TrustRevoke)))
	_, err = s.Browser(ctx, added[0].Hash, now())
	wantError(t, err, authcore.ErrNotFound)
	must(t, s.RemoveBrowsers(ctx, user.ID, "", newEvent(audit.TrustRevoke)))
	wantError(t, s.RemoveBrowsers(ctx, user.ID, "", newEvent(audit.TrustRevoke)), authcore.ErrNotFound)
}

// Node is what a gateway has of a database.
type Node interface {
	PasskeyStore
	passkey.Ceremonies
}

// Together tests that of a hundred uses of a code, a backup code, a passkey or a
// challenge at once, by two nodes with handles of their own, one succeeds.
func Together(t *testing.T, nodes [2]Node) {
	ctx := t.Context()
	user := enrolled(ctx, t, nodes[0])
	p := newPasskey(user, "key")
	must(t, nodes[0].AddPasskey(ctx, p, user.AuthEpoch, 10, newEvent(audit.PasskeyRegister)))
	challenge := newHash()
	must(t, nodes[0].PutCeremony(ctx, challenge[:], []byte("data"), now().Add(time.Minute)))
	for name, use := range map[string]func(Node) error{
		"a code": func(n Node) error { return n.UseStep(ctx, 101, proofOf(user)) },
		"a backup code": func(n Node) error {
			_, err := useCode(ctx, n, "one", proofOf(user))
			return err
		},
		"a passkey": func(n Node) error {
			return n.UsePasskey(ctx, passkey.Use{ID: p.ID, Before: p.SignCount, After: p.SignCount + 1}, proofOf(user))
		},
		"a challenge": func(n Node) error {
			_, err := n.TakeCeremony(ctx, challenge[:])
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantWinners(t, concurrently(100, func(i int) error { return use(nodes[i%2]) }), 1, authcore.ErrNotFound, passkey.ErrRefused)
		})
	}
}
