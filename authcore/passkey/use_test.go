package passkey_test

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/passkey"
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
