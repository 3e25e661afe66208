package mfa_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

func TestStepUpByCode(t *testing.T) {
	w := newWorld(t)
	key, codes, live := w.enroll()
	w.Pass(20 * time.Minute)
	var stale *account.StaleError
	live = w.Live(mustProve(t, w, live, codes[1]))
	if err := w.Accounts.CheckRecent(t.Context(), live); err != nil {
		t.Errorf("after a backup code: %v", err)
	}
	if _, err := w.ReplaceBackupCodes(t.Context(), live, client); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, []authcore.FactorKind{authcore.FactorTOTP, authcore.FactorPasskey}) {
		t.Errorf("new codes for an old one: %v", err)
	}
	live = w.Live(mustProve(t, w, live, w.code(key)))
	fresh, err := w.ReplaceBackupCodes(t.Context(), live, client)
	if err != nil || len(fresh) != 8 || slices.Contains(fresh, codes[2]) {
		t.Errorf("new codes: %v, %v", fresh, err)
	}
	if _, err := w.prove(w.ByPassword(ada, client), codes[2]); !isWrong(err) {
		t.Errorf("an old code: %v", err)
	}
	if _, err := w.prove(w.ByPassword(ada, client), fresh[2]); err != nil {
		t.Errorf("a new code: %v", err)
	}
	if !slices.Contains(w.Letters(), mail.BackupCodesReplaced) || !slices.Contains(w.Trail(), audit.StepUpSuccess) {
		t.Errorf("mails %v, trail %v", w.Letters(), w.Trail())
	}
}

func mustProve(t *testing.T, w *world, live *session.Live, code string) account.SignedIn {
	t.Helper()
	signedIn, err := w.prove(live, code)
	if err != nil {
		t.Fatal(err)
	}
	return signedIn
}

func TestTurnOff(t *testing.T) {
	w := newWorld(t)
	_, codes, live := w.enroll()
	w.Check(w.TurnOff(t.Context(), live, client))
	if w.ByPassword(ada, client).Identity.Pending {
		t.Error("it is on still")
	}
	if _, err := w.prove(live, codes[0]); !isWrong(err) {
		t.Errorf("a backup code of before: %v", err)
	}
	if err := w.TurnOff(t.Context(), live, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	if _, err := w.ReplaceBackupCodes(t.Context(), live, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("codes for nothing: %v", err)
	}
	if _, err := w.UsePasskeys(t.Context(), live, client); err == nil {
		t.Error("passkeys that there are not are the second factor")
	}
	if !slices.Contains(w.Letters(), mail.TwoStepOff) {
		t.Errorf("mails %v", w.Letters())
	}
}

func TestReset(t *testing.T) {
	w := newWorld(t)
	_, _, live := w.enroll()
	w.Check(w.Reset(t.Context(), w.User, client))
	if _, err := w.Accounts.Sessions(context.Background(), live); err != nil {
		t.Fatal(err)
	}
	if list, err := w.Sessions.List(t.Context(), w.User.ID); err != nil || len(list) > 0 {
		t.Errorf("sessions left: %d, %v", len(list), err)
	}
	if w.ByPassword(ada, client).Identity.Pending {
		t.Error("a second factor is asked for still")
	}
	if !slices.Contains(w.Letters(), mail.FactorsReset) || !slices.Contains(w.Trail(), audit.TwoStepReset) {
		t.Errorf("mails %v, trail %v", w.Letters(), w.Trail())
	}
	if err := w.Reset(t.Context(), authcore.User{ID: "nobody"}, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

// TestBackupCodesRunOut: whoever uses one is told how many are left, at once and by
// mail.
func TestBackupCodesRunOut(t *testing.T) {
	w := newWorld(t)
	key, codes, _ := w.enroll()
	for i, code := range codes {
		signedIn := mustProve(t, w, w.ByPassword(ada, client), code)
		if want := 7 - i; signedIn.CodesLeft == nil || *signedIn.CodesLeft != want {
			t.Errorf("after %d: %v left", i+1, signedIn.CodesLeft)
		}
		if !slices.Contains(w.left(), strconv.Itoa(7-i)) {
			t.Errorf("after %d, the mails say %v", i+1, w.left())
		}
	}
	if signedIn := mustProve(t, w, w.ByPassword(ada, client), w.code(key)); signedIn.CodesLeft != nil {
		t.Errorf("after a code of the app: %d left", *signedIn.CodesLeft)
	}
}

// left is what mails say of backup codes.
func (w *world) left() (said []string) {
	jobs, err := w.DB.Jobs().List(w.T.Context(), 1000)
	w.Check(err)
	for _, j := range jobs {
		var l mail.Letter
		if j.Kind == mail.JobKind && j.Payload(w.Box, &l) == nil && l.Kind == mail.BackupCodeUsed {
			said = append(said, l.Values["left"])
		}
	}
	return said
}

// TestTheSameOfferTwice makes no code good again.
func TestTheSameOfferTwice(t *testing.T) {
	w := newWorld(t)
	live := w.ByPassword(ada, client)
	offer, err := w.Offer(t.Context(), live)
	w.Check(err)
	code := w.code(offer.Secret)
	enrolled, err := w.Enroll(t.Context(), live, offer.Sealed, code, client)
	w.Check(err)
	w.Pass(31 * time.Second)
	next := w.code(offer.Secret)
	live = w.Live(mustProve(t, w, w.Live(enrolled.SignedIn), next))
	if _, err := w.Enroll(t.Context(), live, offer.Sealed, next, client); err != nil {
		t.Fatal(err)
	}
	if _, err := w.prove(w.ByPassword(ada, client), next); !isWrong(err) {
		t.Errorf("a code that was used is good again: %v", err)
	}
}

// TestEndedSessionChangesNothing: its request was under way when the owner set another
// password.
func TestEndedSessionChangesNothing(t *testing.T) {
	w := newWorld(t)
	_, _, live := w.enroll()
	w.Check(w.Accounts.SetPassword(t.Context(), w.User, "another good password 77"))
	if codes, err := w.ReplaceBackupCodes(t.Context(), live, client); !errors.Is(err, authcore.ErrConflict) || codes != nil {
		t.Errorf("new codes: %v, %v", codes, err)
	}
	if err := w.TurnOff(t.Context(), live, client); !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("turned off: %v", err)
	}
}

// TestKnownBrowserGuesses: it may go on where strangers may not, and not for ever.
func TestKnownBrowserGuesses(t *testing.T) {
	w := newWorld(t)
	signIn := func(password string, devices ...string) (account.SignedIn, error) {
		w.Pass(16 * time.Minute)
		return w.Accounts.SignIn(t.Context(), account.SignIn{Email: ada, Password: password, Client: client, Devices: devices})
	}
	known, err := signIn(good)
	w.Check(err)
	for range 110 {
		if _, err := signIn("wrong"); !errors.Is(err, account.ErrInvalidCredentials) {
			t.Fatal(err)
		}
	}
	if _, err := signIn(good); err == nil {
		t.Error("a stranger may go on")
	}
	again, err := signIn(good, known.Device)
	if err != nil {
		t.Fatalf("strangers have locked the owner out: %v", err)
	}
	for range 100 {
		if _, err := signIn("wrong", again.Device); err == nil {
			t.Fatal("a wrong password is accepted")
		}
	}
	if _, err := signIn(good, again.Device); err == nil {
		t.Error("a known browser may guess for ever")
	}
	w.Check(w.Accounts.SetPassword(t.Context(), w.User, "another good password 77"))
	if _, err := signIn("another good password 77"); err != nil {
		t.Errorf("after another password: %v", err)
	}
}
