package passkey_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/tests/fixture"
)

const ada = fixture.Ada

var (
	client = fixture.Client
	rp     = fixture.RP
)

// world is the service over real parts, with a clock that tests move.
type world struct {
	*passkey.Service
	*fixture.World
}

func newWorld(t testing.TB, counts passkey.CountPolicy) *world {
	t.Helper()
	w := fixture.NewWorld(t, counts)
	return &world{w.Passkeys, w}
}

// register adds the passkey of an authenticator.
func (w *world) register(a *fixture.Authenticator, live *session.Live) (account.SignedIn, error) {
	w.T.Helper()
	asked, err := w.Register(w.T.Context(), live, rp)
	if err != nil {
		return account.SignedIn{}, err
	}
	return w.FinishRegistration(w.T.Context(), live, rp, a.Create(asked), client)
}

// owned is an authenticator that has been registered.
func (w *world) owned() *fixture.Authenticator {
	w.T.Helper()
	a := fixture.NewAuthenticator(w.T)
	_, err := w.register(a, w.ByPassword(ada, client))
	w.Check(err)
	return a
}

// ask returns the options of a sign-in.
func (w *world) ask() any {
	w.T.Helper()
	asked, err := w.SignIn(w.T.Context(), rp, client)
	w.Check(err)
	return asked
}

func (w *world) finish(response []byte) (account.SignedIn, error) {
	return w.FinishSignIn(w.T.Context(), rp, passkey.Attempt{Response: response, Client: client})
}

// signIn signs in by an authenticator.
func (w *world) signIn(a *fixture.Authenticator) (account.SignedIn, error) {
	w.T.Helper()
	return w.finish(a.Get(w.ask()))
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// byKey signs in by an authenticator.
func (w *world) byKey(a *fixture.Authenticator) *session.Live {
	w.T.Helper()
	signedIn, err := w.signIn(a)
	w.Check(err)
	return w.Live(signedIn)
}

// prove answers the options of a proof.
func (w *world) prove(live *session.Live, a *fixture.Authenticator, trust bool) (account.SignedIn, error) {
	w.T.Helper()
	asked, err := w.Prove(w.T.Context(), live, rp)
	if err != nil {
		return account.SignedIn{}, err
	}
	return w.FinishProof(w.T.Context(), live, rp, passkey.Attempt{Response: a.Get(asked), Trust: trust, Client: client})
}

// withoutPassword makes another account, without a password, and signs in by a link.
func (w *world) withoutPassword() *session.Live {
	w.T.Helper()
	user, err := w.Accounts.Draft(account.NewUser{Email: "grace@example.com", NoPassword: true, Verified: true})
	w.Check(err)
	opening := account.Opening{User: user, Factor: authcore.Factor{Kind: authcore.FactorLink}, Client: client}
	signedIn, err := w.Accounts.Open(w.T.Context(), opening, func(ctx context.Context, event audit.Event) error {
		return w.DB.Create(ctx, user, "", event)
	})
	w.Check(err)
	w.User = user
	return w.Live(signedIn)
}
