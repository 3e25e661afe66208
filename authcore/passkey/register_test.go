package passkey_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/tests/fixture"
)

func TestRegister(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	live := w.ByPassword(ada, client)
	asked, err := w.Register(t.Context(), live, rp)
	w.Check(err)
	o := fixture.Read(t, asked)
	if handle, _ := fixture.B64.DecodeString(o.User.ID); string(handle) != w.User.ID || o.RP.ID != rp.ID || o.Attestation != "none" || o.Timeout != 300_000 || len(o.ExcludeCredentials) > 0 {
		t.Errorf("the options: %+v", o)
	}
	if challenge, _ := fixture.B64.DecodeString(o.Challenge); len(challenge) < 32 {
		t.Errorf("a challenge of %d bytes", len(challenge))
	}
	a := fixture.NewAuthenticator(t)
	signedIn, err := w.FinishRegistration(t.Context(), live, rp, a.Create(asked), client)
	w.Check(err)
	if id := w.Live(signedIn).Identity; id.Level != authcore.AAL2 || !slices.Equal(id.Methods(), []string{"pwd", "hwk", "user", "mfa"}) {
		t.Errorf("the session: %s by %v", id.Level, id.Methods())
	}
	list, err := w.List(t.Context(), live)
	if err != nil || len(list) != 1 || !bytes.Equal(list[0].ID, a.ID) || list[0].RPID != rp.ID || list[0].Name != "Passkey" || list[0].Synced() || list[0].Model() != "" {
		t.Errorf("the list: %+v, %v", list, err)
	}
	if !slices.Contains(w.Letters(), mail.PasskeyAdded) || !slices.Contains(w.Trail(), audit.PasskeyRegister) {
		t.Errorf("mails %v, trail %v", w.Letters(), w.Trail())
	}
	asked, err = w.Register(t.Context(), w.Live(signedIn), rp)
	w.Check(err)
	if o := fixture.Read(t, asked); len(o.ExcludeCredentials) != 1 || o.ExcludeCredentials[0].ID != fixture.B64.EncodeToString(a.ID) {
		t.Errorf("the exclude list: %+v", o.ExcludeCredentials)
	}
}

func TestRegisterTwice(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	_, err := w.register(a, w.byKey(a))
	wantError(t, "the same again", err, passkey.ErrExists)
	signedIn := w.ByPassword(w.Add("grace@example.com").Email, client)
	_, err = w.register(a, signedIn)
	wantError(t, "that of somebody else", err, passkey.ErrExists)
}

func TestRegisterNeedsAFreshProof(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	live := w.ByPassword(ada, client)
	asked, err := w.Register(t.Context(), live, rp)
	w.Check(err)
	w.Pass(16 * time.Minute)
	var stale *account.StaleError
	if _, err := w.Register(t.Context(), live, rp); !errors.As(err, &stale) {
		t.Errorf("options: %v", err)
	}
	if _, err := w.FinishRegistration(t.Context(), live, rp, fixture.NewAuthenticator(t).Create(asked), client); !errors.As(err, &stale) {
		t.Errorf("answer: %v", err)
	}
}

func TestTooMany(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	live := w.ByPassword(ada, client)
	for range passkey.MaxPerUser {
		signedIn, err := w.register(fixture.NewAuthenticator(t), live)
		w.Check(err)
		live = w.Live(signedIn)
	}
	_, err := w.register(fixture.NewAuthenticator(t), live)
	wantError(t, "the eleventh", err, passkey.ErrTooMany)
}
