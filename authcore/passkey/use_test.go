package passkey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/tests/fixture"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	o := fixture.Read(t, w.ask())
	if o.RPID != rp.ID || len(o.AllowCredentials) > 0 || o.UserVerification != "preferred" {
		t.Errorf("the options tell about accounts: %+v", o)
	}
	signedIn, err := w.signIn(a)
	w.Check(err)
	live := w.Live(signedIn)
	if live.Identity.UserID != w.User.ID || live.Identity.Level != authcore.AAL2 || live.Identity.Pending || !slices.Equal(live.Identity.Methods(), []string{"hwk", "user", "mfa"}) {
		t.Errorf("%+v", live.Identity)
	}
	if trail := w.Trail(); trail[len(trail)-1] != audit.LoginSuccess {
		t.Errorf("trail %v", trail)
	}
	_, err = w.Accounts.SetDisabled(t.Context(), w.User.ID, true)
	w.Check(err)
	_, err = w.signIn(a)
	wantError(t, "to a disabled account", err, passkey.ErrRefused)
}

func TestUse(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	a.Count = 7
	_, err := w.signIn(a)
	w.Check(err)
	list, err := w.Store.Passkeys(t.Context(), w.User.ID)
	if err != nil || list[0].SignCount != 7 || list[0].UsedAt.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestUserVerification(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	a.Flags = fixture.UP
	signedIn, err := w.signIn(a)
	w.Check(err)
	if live := w.Live(signedIn); live.Identity.Level != authcore.AAL1 || live.Identity.Pending {
		t.Errorf("without verification: %+v", live.Identity)
	}
	a.Flags = 0
	_, err = w.signIn(a)
	wantError(t, "nobody present", err, passkey.ErrRefused)
	b := fixture.NewAuthenticator(t)
	b.Flags = fixture.UV
	a.Flags = fixture.UP | fixture.UV
	_, err = w.register(b, w.byKey(a))
	wantError(t, "nobody present at registration", err, passkey.ErrRefused)
}

// TestChallengeOnce: of many answers to one challenge, one signs in; and a
// challenge is good for one purpose, one session and five minutes.
func TestChallengeOnce(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	answer := a.Get(w.ask())
	var group sync.WaitGroup
	var passed atomic.Int64
	for range 100 {
		group.Go(func() {
			if _, err := w.finish(answer); err == nil {
				passed.Add(1)
			} else if !errors.Is(err, passkey.ErrExpired) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d of 100 passed", passed.Load())
	}
	live := w.ByPassword(ada, client)
	asked, err := w.Prove(t.Context(), live, rp)
	w.Check(err)
	_, err = w.finish(a.Get(asked))
	wantError(t, "a challenge for a proof, to sign in", err, passkey.ErrExpired)
	asked, err = w.Prove(t.Context(), live, rp)
	w.Check(err)
	_, err = w.FinishProof(t.Context(), w.ByPassword(ada, client), rp, passkey.Attempt{Response: a.Get(asked), Client: client})
	wantError(t, "the challenge of another session", err, passkey.ErrExpired)
	_, err = w.FinishProof(t.Context(), live, rp, passkey.Attempt{Response: a.Get(w.ask()), Client: client})
	wantError(t, "a challenge to sign in, as a proof", err, passkey.ErrExpired)
	answer = a.Get(w.ask())
	w.Pass(6 * time.Minute)
	_, err = w.finish(answer)
	wantError(t, "six minutes later", err, passkey.ErrExpired)
	_, err = w.finish(a.Get(map[string]string{"challenge": fixture.B64.EncodeToString(bytes.Repeat([]byte{1}, 32))}))
	wantError(t, "a challenge that nobody made", err, passkey.ErrExpired)
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := fixture.NewAuthenticator(t)
	a.Flags = fixture.UP // a security key without a PIN
	signedIn, err := w.register(a, w.ByPassword(ada, client))
	w.Check(err)
	enrolled, err := w.TwoStep.UsePasskeys(t.Context(), w.Live(signedIn), client)
	if err != nil || len(enrolled.Codes) != 8 {
		t.Fatalf("%v, %v", enrolled.Codes, err)
	}
	pending := w.ByPassword(ada, client)
	if !pending.Identity.Pending {
		t.Fatal("the password alone signs in")
	}
	asked, err := w.Prove(t.Context(), pending, rp)
	w.Check(err)
	if o := fixture.Read(t, asked); len(o.AllowCredentials) != 1 || o.AllowCredentials[0].ID != fixture.B64.EncodeToString(a.ID) {
		t.Errorf("the options: %+v", o)
	}
	signedIn, err = w.FinishProof(t.Context(), pending, rp, passkey.Attempt{Response: a.Get(asked), Trust: true, Client: client})
	w.Check(err)
	if id := w.Live(signedIn).Identity; id.Pending || id.Level != authcore.AAL2 || signedIn.Trust == "" {
		t.Errorf("%+v, trust %q", id, signedIn.Trust)
	}
	// As the only factor, a key that does not verify its user is one factor.
	signedIn, err = w.signIn(a)
	w.Check(err)
	if id := w.Live(signedIn).Identity; !id.Pending {
		t.Errorf("one factor signs in: %+v", id)
	}
	a.Flags = fixture.UP | fixture.UV
	signedIn, err = w.signIn(a)
	w.Check(err)
	if id := w.Live(signedIn).Identity; id.Pending || id.Level != authcore.AAL2 {
		t.Errorf("two factors in one: %+v", id)
	}
	theirs := w.ByPassword(w.Add("grace@example.com").Email, client)
	_, err = w.Prove(t.Context(), theirs, rp)
	wantError(t, "a user without a passkey", err, passkey.ErrUnknown)
}

// TestOneKeyIsOneFactor: a key without a PIN does not complete the sign-in that it
// began; a code, a backup code, the password, or the PIN do.
func TestOneKeyIsOneFactor(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := fixture.NewAuthenticator(t)
	a.Flags = fixture.UP
	signedIn, err := w.register(a, w.ByPassword(ada, client))
	w.Check(err)
	enrolled, err := w.TwoStep.UsePasskeys(t.Context(), w.Live(signedIn), client)
	w.Check(err)
	again := func() *session.Live {
		live := w.byKey(a)
		if !live.Identity.Pending {
			t.Fatalf("the key alone signs in: %+v", live.Identity)
		}
		return live
	}
	pending := again()
	asked, err := w.Prove(t.Context(), pending, rp)
	w.Check(err)
	if o := fixture.Read(t, asked); o.UserVerification != "required" {
		t.Errorf("the same key is asked for again, its user %s to be verified", o.UserVerification)
	}
	_, err = w.FinishProof(t.Context(), pending, rp, passkey.Attempt{Response: a.Get(asked), Client: client})
	wantError(t, "the same key again", err, passkey.ErrRefused)
	w.Check(w.Guard.FactorSucceeded(t.Context(), w.User.ID))
	for name, complete := range map[string]func() (account.SignedIn, error){
		"the password": func() (account.SignedIn, error) {
			return w.Accounts.CompleteByPassword(t.Context(), again(), fixture.Password, account.Proving{Trust: true, Client: client})
		},
		"a backup code": func() (account.SignedIn, error) {
			return w.TwoStep.Prove(t.Context(), again(), mfa.Attempt{Code: enrolled.Codes[0], Client: client})
		},
		"its PIN": func() (account.SignedIn, error) {
			live := again()
			a.Flags |= fixture.UV
			defer func() { a.Flags = fixture.UP }()
			return w.prove(live, a, false)
		},
	} {
		done, err := complete()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if id := w.Live(done).Identity; id.Pending || id.Level != authcore.AAL2 {
			t.Errorf("%s: %+v", name, id)
		}
	}
	var invalid *account.InvalidError
	if _, err := w.Accounts.CompleteByPassword(t.Context(), again(), "wrong", account.Proving{Client: client}); !errors.As(err, &invalid) {
		t.Errorf("a wrong password: %v", err)
	}
	byPassword := w.ByPassword(ada, client)
	if _, err := w.Accounts.CompleteByPassword(t.Context(), byPassword, fixture.Password, account.Proving{Client: client}); !errors.Is(err, account.ErrNoSecondFactor) {
		t.Errorf("the password twice: %v", err)
	}
}

// TestKeyInATrustedBrowser: it is one factor there too, which must not turn the
// second off.
func TestKeyInATrustedBrowser(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := fixture.NewAuthenticator(t)
	a.Flags = fixture.UP
	signedIn, err := w.register(a, w.ByPassword(ada, client))
	w.Check(err)
	_, err = w.TwoStep.UsePasskeys(t.Context(), w.Live(signedIn), client)
	w.Check(err)
	trusted, err := w.prove(w.ByPassword(ada, client), a, true)
	w.Check(err)
	there := client
	there.Trust = []string{trusted.Trust}
	asked, err := w.SignIn(t.Context(), rp, there)
	w.Check(err)
	signedIn, err = w.FinishSignIn(t.Context(), rp, passkey.Attempt{Response: a.Get(asked), Client: there})
	w.Check(err)
	live := w.Live(signedIn)
	var stale *account.StaleError
	if err := w.TwoStep.TurnOff(t.Context(), live, there); !live.Identity.Trusted || !errors.As(err, &stale) || slices.Contains(stale.Wanted, authcore.FactorPasskey) {
		t.Errorf("turned off by a key, trusted %v: %v", live.Identity.Trusted, err)
	}
}

// TestProofsAreLimited: challenges and failures of a user are counted, and a lock is
// told once.
func TestProofsAreLimited(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	live := w.byKey(a)
	thief := fixture.NewAuthenticator(t)
	thief.ID, thief.UserHandle = a.ID, a.UserHandle
	for range 5 {
		_, err := w.prove(live, thief, false)
		wantError(t, "another key", err, passkey.ErrRefused)
	}
	var throttled *account.ThrottledError
	if _, err := w.prove(live, a, false); !errors.As(err, &throttled) || throttled.RetryAfter <= 0 {
		t.Errorf("the right one while locked: %v", err)
	}
	count := func(action audit.Action) (n int) {
		for _, one := range w.Trail() {
			if one == action {
				n++
			}
		}
		return n
	}
	if count(audit.TwoStepFailure) != 5 || count(audit.TwoStepLockout) != 1 || !slices.Contains(w.Letters(), mail.CodesLocked) {
		t.Errorf("trail %v, mails %v", w.Trail(), w.Letters())
	}
	w.Pass(15 * time.Minute)
	_, err := w.prove(live, a, false)
	w.Check(err) // it re-arms, and success resets the count
	for range 300 {
		if _, err = w.Prove(t.Context(), live, rp); err != nil {
			break
		}
	}
	if !errors.As(err, &throttled) {
		t.Errorf("challenges without end: %v", err)
	}
}

// TestFailedSignInsAreNoted whatever is wrong, within the limit of the network.
func TestFailedSignInsAreNoted(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	unknown := fixture.NewAuthenticator(t)
	elsewhere := *a
	elsewhere.Origin = "https://evil.example"
	failures := func() (n int) {
		events, err := w.DB.EventsOf(t.Context(), "", "", 1000)
		w.Check(err)
		for _, e := range events {
			if e.Action == audit.LoginFailure {
				n++
			}
		}
		return n
	}
	for name, answer := range map[string][]byte{
		"unknown": unknown.Get(w.ask()), "wrong site": elsewhere.Get(w.ask()), "garbage": []byte("{}"),
		"expired": a.Get(map[string]string{"challenge": fixture.B64.EncodeToString(bytes.Repeat([]byte{1}, 32))}),
	} {
		before := failures()
		if _, err := w.finish(answer); err == nil || failures() != before+1 {
			t.Errorf("%s: %v, %d events", name, err, failures()-before)
		}
	}
	if !w.Emitted(events.SignInFailed) {
		t.Error("nobody is told")
	}
	var err error
	for range 300 {
		_, err = w.finish([]byte("{}"))
	}
	var throttled *account.ThrottledError
	if !errors.As(err, &throttled) {
		t.Errorf("answers without end: %v", err)
	}
}

// TestKnownBrowserStaysKnown: a sign-in by passkey keeps the id of the browser.
func TestKnownBrowserStaysKnown(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	first, err := w.signIn(a)
	w.Check(err)
	second, err := w.FinishSignIn(t.Context(), rp, passkey.Attempt{Response: a.Get(w.ask()), Devices: []string{"garbage", first.Device}, Client: client})
	w.Check(err)
	third, err := w.signIn(a)
	w.Check(err)
	if deviceOf(w, first.Device) != deviceOf(w, second.Device) || deviceOf(w, first.Device) == deviceOf(w, third.Device) {
		t.Error("a known browser has another id after a sign-in by passkey, or an unknown one has the same")
	}
}

func deviceOf(w *world, mark string) string {
	sealed, err := fixture.B64.DecodeString(mark)
	w.Check(err)
	plain, err := w.Box.Open("known-device", sealed, nil)
	w.Check(err)
	var device struct {
		ID string `json:"d"`
	}
	w.Check(json.Unmarshal(plain, &device))
	return device.ID
}
