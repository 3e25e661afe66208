package mfa_test

import (
	"encoding/base32"
	"errors"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/tests/fixture"
)

const (
	ada  = fixture.Ada
	good = fixture.Password
)

var client = fixture.Client

// world is the service over real parts, with a clock that tests move.
type world struct {
	*mfa.Service
	*fixture.World
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := fixture.NewWorld(t, passkey.CountWarn)
	return &world{w.TwoStep, w}
}

// code is what the app of a secret shows.
func (w *world) code(key []byte) string {
	w.T.Helper()
	code, err := totp.GenerateCode(base32.StdEncoding.EncodeToString(key), w.Now())
	w.Check(err)
	return code
}

// enroll turns two-step sign-in on, and lets the step of the code pass.
func (w *world) enroll() (key []byte, codes []string, live *session.Live) {
	w.T.Helper()
	live = w.ByPassword(ada, client)
	offer, err := w.Offer(w.T.Context(), live)
	w.Check(err)
	enrolled, err := w.Enroll(w.T.Context(), live, offer.Sealed, w.code(offer.Secret), client)
	w.Check(err)
	w.Pass(31 * time.Second)
	return offer.Secret, enrolled.Codes, w.Live(enrolled.SignedIn)
}

func (w *world) prove(live *session.Live, code string) (account.SignedIn, error) {
	return w.Prove(w.T.Context(), live, mfa.Attempt{Code: code, Client: client})
}

func isWrong(err error) bool {
	var wrong *mfa.WrongCodeError
	return errors.As(err, &wrong)
}
