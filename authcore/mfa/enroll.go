package mfa

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/totp"
)

const (
	secretPurpose = "totp"
	offerPurpose  = "totp-offer"
	// offerLife is how long a user has to scan a secret and type a code.
	offerLife = 30 * time.Minute
)

// Offer is a secret that counts once a code has proven that the app has it. Until
// then it is kept nowhere but in Sealed, which the page sends back.
type Offer struct {
	Secret totp.Secret
	Sealed string
}

// offer is what Sealed holds.
type offer struct {
	Secret  []byte    `json:"s"`
	Session string    `json:"i"`
	Until   time.Time `json:"t"`
}

// Offer returns a new secret for the app of the signed-in user. It fails with
// *account.StaleError.
func (s *Service) Offer(ctx context.Context, live *session.Live) (Offer, error) {
	if err := s.Accounts.CheckRecent(ctx, live); err != nil {
		return Offer{}, err
	}
	o := offer{totp.NewSecret(), live.ID, s.Clock().Add(offerLife)}
	plain, err := json.Marshal(o)
	if err != nil {
		return Offer{}, err
	}
	sealed := s.Box.Seal(offerPurpose, plain, []byte(live.Identity.UserID))
	return Offer{o.Secret, base64.RawURLEncoding.EncodeToString(sealed)}, nil
}

// Offered returns an offer that was made to this session before, or
// authcore.ErrNotFound for one that was not or has expired.
func (s *Service) Offered(live *session.Live, sealed string) (Offer, error) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return Offer{}, authcore.ErrNotFound
	}
	var o offer
	plain, err := s.Box.Open(offerPurpose, raw, []byte(live.Identity.UserID))
	if err != nil || json.Unmarshal(plain, &o) != nil || o.Session != live.ID || s.Clock().After(o.Until) {
		return Offer{}, authcore.ErrNotFound
	}
	return Offer{o.Secret, sealed}, nil
}

// Enrolled is the result of turning two-step sign-in on.
type Enrolled struct {
	account.SignedIn
	// Codes are new backup codes, which are shown this once.
	Codes []string
}

// Enroll makes the app of an offer the second factor of the signed-in user, in
// place of an older one, if the code is right. It fails with *WrongCodeError,
// *account.ThrottledError, *account.StaleError, and authcore.ErrNotFound for an offer that has expired.
func (s *Service) Enroll(ctx context.Context, live *session.Live, sealed, code string, client authcore.Client) (Enrolled, error) {
	if err := s.Accounts.CheckRecent(ctx, live); err != nil {
		return Enrolled{}, err
	}
	o, err := s.Offered(live, sealed)
	if err != nil {
		return Enrolled{}, err
	}
	// Whoever guesses writes an event each time.
	if _, err := s.Accounts.TryFactor(ctx, live.Identity.UserID); err != nil {
		return Enrolled{}, err
	}
	step, ok := o.Secret.Step(code, s.Clock())
	if !ok {
		if err := s.Notes.Note(ctx, s.event(audit.TwoStepEnrollFail, live, client)); err != nil {
			return Enrolled{}, fmt.Errorf("noting wrong code: %w", err)
		}
		return Enrolled{}, &WrongCodeError{}
	}
	before, err := s.Factors(ctx, live, client.RPID)
	if err != nil {
		return Enrolled{}, err
	}
	e := Enrollment{Secret: s.Box.Seal(secretPurpose, o.Secret, []byte(live.Identity.UserID)), Step: step}
	done, err := s.turnOn(ctx, live, e, client, account.ProofBy(live, before.any(), authcore.Factor{Kind: authcore.FactorTOTP})...)
	if err == nil {
		s.forgetTries(ctx, live.Identity.UserID)
	}
	return done, err
}

// any reports whether the user has a second factor already.
func (f Factors) any() bool { return !f.TwoStepAt.IsZero() || f.Passkeys+f.Elsewhere > 0 }

// ErrNoPasskey says that there is no passkey which could be the second factor.
var ErrNoPasskey = errors.New("there is no passkey for this site")

// UsePasskeys makes the passkeys of the signed-in user the second factor. It
// fails with *account.StaleError unless one of them was used not long ago, and
// with ErrNoPasskey without one.
func (s *Service) UsePasskeys(ctx context.Context, live *session.Live, client authcore.Client) (Enrolled, error) {
	if err := s.Accounts.CheckRecent(ctx, live, authcore.FactorPasskey); err != nil {
		return Enrolled{}, err
	}
	return s.turnOn(ctx, live, Enrollment{RPID: client.RPID}, client)
}

func (s *Service) turnOn(ctx context.Context, live *session.Live, e Enrollment, client authcore.Client, proofs ...authcore.Factor) (Enrolled, error) {
	user, letter, err := s.letter(ctx, live, mail.TwoStepOn, settings, client)
	if err != nil {
		return Enrolled{}, err
	}
	var done Enrolled
	if done.Codes, e.Codes, err = s.newBackupCodes(user.ID); err != nil {
		return Enrolled{}, err
	}
	e.UserID, e.Epoch = user.ID, live.AuthEpoch
	event := s.event(audit.TwoStepEnroll, live, client).With("method", "passkey")
	if e.Secret != nil {
		event = event.With("method", "totp")
	}
	if err := s.Store.TurnOn(ctx, e, event, letter); err != nil {
		return Enrolled{}, fmt.Errorf("turning two-step sign-in on: %w", err)
	}
	s.Events.Emit(events.TwoStepOn, map[string]any{"user_id": user.ID})
	if done.SignedIn, err = s.Accounts.Renew(ctx, live, user, proofs...); err != nil {
		return Enrolled{}, err // new codes can be made
	}
	return done, nil
}
