package passkey_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
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

// Passkeys that nobody has named can be told apart.
func TestNewPasskeysAreNumbered(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	signedIn := w.ByPassword(ada, client)
	for range 3 {
		registered, err := w.register(fixture.NewAuthenticator(t), signedIn)
		w.Check(err)
		signedIn = w.Live(registered)
	}
	list, err := w.List(t.Context(), signedIn)
	w.Check(err)
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"Passkey", "Passkey 2", "Passkey 3"}) {
		t.Errorf("they are called %q", names)
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

// TestAddedByAThief: whoever knows the password alone adds no passkey beside another,
// and one that is added beside another proves nothing by itself.
func TestAddedByAThief(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	var stale *account.StaleError
	if _, err := w.Register(t.Context(), w.ByPassword(ada, client), rp); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, authcore.SecondFactors) {
		t.Errorf("a passkey beside another, by the password: %v", err)
	}
	if _, err := w.TwoStep.Offer(t.Context(), w.ByPassword(ada, client)); !errors.As(err, &stale) {
		t.Errorf("an app beside a passkey, by the password: %v", err)
	}
	_, err := w.register(fixture.NewAuthenticator(t), w.byKey(a))
	w.Check(err)

	// Nor at another relying party, where the passkey cannot be used: a thief would
	// choose it for that.
	other, there := rp, client
	other.ID, other.Origin, there.RPID = "other.example.com", "https://other.example.com", "other.example.com"
	live := w.ByPassword(ada, there)
	if _, err := w.Register(t.Context(), live, other); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, authcore.SecondFactors) {
		t.Errorf("a passkey for another site, by the password: %v", err)
	}
	if err := w.Remove(t.Context(), live, fixture.B64.EncodeToString(a.ID), there); !errors.As(err, &stale) {
		t.Errorf("the passkey is removed elsewhere, by the password: %v", err)
	}
	if _, err := w.Prove(t.Context(), live, passkey.RelyingParty{ID: "third.example.com", Origin: "https://third.example.com"}); !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("passkeys of others at a third: %v", err)
	}
}

// TestPasskeyOfASiteThatIsGone guards nothing: it could never be asked for. One that
// is added beside it does not raise the session all the same.
func TestPasskeyOfASiteThatIsGone(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	gone := passkey.RelyingParty{ID: fixture.GoneRP, Name: "Sigra", Origin: "https://" + fixture.GoneRP}
	add := func(rp passkey.RelyingParty) *session.Live {
		a := fixture.NewAuthenticator(t)
		a.RPID, a.Origin = rp.ID, rp.Origin
		live := w.ByPassword(ada, client)
		asked, err := w.Register(t.Context(), live, rp)
		w.Check(err)
		signedIn, err := w.FinishRegistration(t.Context(), live, rp, a.Create(asked), client)
		w.Check(err)
		return w.Live(signedIn)
	}
	add(gone)
	if id := add(rp).Identity; id.Level != authcore.AAL1 || !id.ProvenAt(authcore.FactorPasskey).IsZero() {
		t.Errorf("a passkey that was just added raises the session: %+v", id)
	}
	guards, err := w.Accounts.Guards(t.Context(), w.ByPassword(ada, client))
	if w.Check(err); !slices.Equal(guards, []string{rp.ID}) {
		t.Errorf("guarded at %v", guards)
	}
}

// TestDiscoverable: without a password, a passkey has to sign in by itself.
func TestDiscoverable(t *testing.T) {
	yes, no := true, false
	for name, test := range map[string]struct {
		password bool
		says     *bool
		wanted   string
		kept     bool
		err      error
	}{
		"with a password, kept":           {true, &yes, "preferred", true, nil},
		"with a password, not kept":       {true, &no, "preferred", false, nil},
		"with a password, nothing said":   {true, nil, "preferred", false, nil},
		"without a password, kept":        {false, &yes, "required", true, nil},
		"without a password, not kept":    {false, &no, "required", false, passkey.ErrRefused},
		"without a password, as required": {false, nil, "required", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, passkey.CountWarn)
			live := w.ByPassword(ada, client)
			if !test.password {
				live = w.withoutPassword()
			}
			asked, err := w.Register(t.Context(), live, rp)
			w.Check(err)
			if o := fixture.Read(t, asked); o.Selection.ResidentKey != test.wanted {
				t.Errorf("asked for %q", o.Selection.ResidentKey)
			}
			a := fixture.NewAuthenticator(t)
			a.Kept = test.says
			signedIn, err := w.FinishRegistration(t.Context(), live, rp, a.Create(asked), client)
			if wantError(t, "the answer", err, test.err); err != nil {
				return
			}
			list, err := w.List(t.Context(), live)
			if err != nil || list[0].Discoverable != test.kept {
				t.Errorf("%+v, %v", list, err)
			}
			if !test.password {
				wantError(t, "the last way in", w.Remove(t.Context(), w.Live(signedIn), list[0].Ref(), client), passkey.ErrLast)
			}
			w.byKey(a)
			if list, err := w.List(t.Context(), live); err != nil || !list[0].Discoverable {
				t.Errorf("after it has signed in by itself: %+v, %v", list, err)
			}
		})
	}
}

// TestModel: what keeps a passkey is named after the AAGUID that it says.
func TestModel(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := fixture.NewAuthenticator(t)
	a.AAGUID = uuid.MustParse("fdb141b2-5d84-443e-8a35-4698c205a502")
	_, err := w.register(a, w.ByPassword(ada, client))
	w.Check(err)
	list, err := w.List(t.Context(), w.byKey(a))
	if err != nil || list[0].Model() != "KeePassXC" || list[0].Name != "KeePassXC" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestAccountChangedMeanwhile is no passkey that exists.
func TestAccountChangedMeanwhile(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	live := w.ByPassword(ada, client)
	asked, err := w.Register(t.Context(), live, rp)
	w.Check(err)
	w.Check(w.Accounts.SetPassword(t.Context(), w.User, fixture.Password))
	_, err = w.FinishRegistration(t.Context(), live, rp, fixture.NewAuthenticator(t).Create(asked), client)
	wantError(t, "registering", err, authcore.ErrConflict)
}
