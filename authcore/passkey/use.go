package passkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/session"
)

// SignIn returns the options with which anybody's browser signs in by a passkey
// (PublicKeyCredentialRequestOptionsJSON). They name no account and no passkey,
// so they tell nothing about either. It fails with *account.ThrottledError.
func (s *Service) SignIn(ctx context.Context, rp RelyingParty, client authcore.Client) (options any, err error) {
	if err := account.Throttled(s.Guard.Challenge(ctx, client.IP)); err != nil {
		return nil, err
	}
	library, err := rp.library()
	if err != nil {
		return nil, err
	}
	assertion, state, err := library.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return nil, fmt.Errorf("making options: %w", err)
	}
	return assertion.Response, s.put(ctx, ceremony{Purpose: forSignIn, State: *state})
}

// Attempt is an answer to a challenge (AuthenticationResponseJSON).
type Attempt struct {
	Response []byte
	// Remember asks for a session that outlives the browser, Trust for no second
	// factor in this browser for a while.
	Remember, Trust bool
	// Devices are the values of known-device cookies, if any.
	Devices []string
	Client  authcore.Client
}

// FinishSignIn signs in whoever holds the passkey of an answer. Answers are counted
// by network: each that fails is noted, and strangers must not fill the log. Errors
// are those of this package and *account.ThrottledError.
func (s *Service) FinishSignIn(ctx context.Context, rp RelyingParty, in Attempt) (account.SignedIn, error) {
	if err := account.Throttled(s.Guard.Answer(ctx, in.Client.IP)); err != nil {
		return account.SignedIn{}, err
	}
	a, err := s.read(ctx, rp, in, forSignIn, "")
	switch {
	case errors.Is(err, authcore.ErrUnavailable):
		return account.SignedIn{}, err
	case err != nil:
		return account.SignedIn{}, s.failed(ctx, a.owner.user, in.Client, err)
	}
	handler := func(_, userHandle []byte) (webauthn.User, error) {
		if !bytes.Equal(userHandle, []byte(a.owner.user.ID)) {
			return nil, errors.New("the handle is not that of the owner")
		}
		return a.owner, nil
	}
	_, credential, err := a.library.ValidatePasskeyLogin(handler, a.State, a.parsed)
	if err != nil {
		return account.SignedIn{}, s.failed(ctx, a.owner.user, in.Client, refused(err))
	}
	use, err := s.judge(ctx, a, credential, in.Client)
	if err != nil {
		return account.SignedIn{}, s.failed(ctx, a.owner.user, in.Client, err)
	}
	use.Discovered = true
	opening := account.Opening{User: a.owner.user, Factor: a.factor(), Remember: in.Remember, Devices: in.Devices, Client: in.Client}
	signedIn, err := s.Accounts.Open(ctx, opening, func(ctx context.Context, event audit.Event) error {
		return s.Store.UsePasskey(ctx, use, account.Proof{UserID: a.owner.user.ID, Epoch: a.owner.user.AuthEpoch, Event: event})
	})
	if errors.Is(err, authcore.ErrConflict) || errors.Is(err, ErrRefused) { // disabled, changed or used meanwhile
		return account.SignedIn{}, s.failed(ctx, a.owner.user, in.Client, ErrRefused)
	}
	return signedIn, err
}

// failed notes a failed sign-in and returns why.
func (s *Service) failed(ctx context.Context, user authcore.User, client authcore.Client, why error) error {
	event := audit.New(s.Clock(), audit.LoginFailure, client).Of(user.ID).With("reason", "passkey")
	if err := s.Notes.Note(ctx, event); err != nil {
		return fmt.Errorf("noting failed sign-in: %w", err)
	}
	s.Events.Emit(events.SignInFailed, map[string]any{"reason": "passkey"})
	return why
}

// Prove returns the options with which the user of a session, or of a pending
// sign-in, proves it is them by one of their passkeys. It fails with ErrUnknown
// when there is none for the relying party, and with *account.ThrottledError. When
// a key was the first factor of a pending sign-in, the passkey has to verify its
// user, which is two factors in one: the key alone would be used twice.
func (s *Service) Prove(ctx context.Context, live *session.Live, rp RelyingParty) (options any, err error) {
	if err := account.Throttled(s.Guard.ChallengeOf(ctx, live.Identity.UserID)); err != nil {
		return nil, err
	}
	o, err := s.ownerOf(ctx, live.Identity.UserID)
	if err != nil {
		return nil, err
	}
	if o.passkeys = o.of(rp); len(o.passkeys) == 0 {
		return nil, ErrUnknown
	}
	library, err := rp.library()
	if err != nil {
		return nil, err
	}
	verification := protocol.VerificationPreferred
	if live.Identity.Pending && !live.Identity.Completes(authcore.Factor{Kind: authcore.FactorPasskey}) {
		verification = protocol.VerificationRequired
	}
	assertion, state, err := library.BeginLogin(o, webauthn.WithUserVerification(verification))
	if err != nil {
		return nil, fmt.Errorf("making options: %w", err)
	}
	return assertion.Response, s.put(ctx, ceremony{Purpose: forProof, Session: live.ID, State: *state})
}

// FinishProof takes the answer as the second factor of a pending sign-in, or as a
// fresh proof. Tries are counted as those of codes are. Errors are those of this
// package and *account.ThrottledError.
func (s *Service) FinishProof(ctx context.Context, live *session.Live, rp RelyingParty, in Attempt) (account.SignedIn, error) {
	left, err := s.Accounts.TryFactor(ctx, live.Identity.UserID)
	if err != nil {
		return account.SignedIn{}, err
	}
	signedIn, err := s.prove(ctx, live, rp, in)
	if errors.Is(err, account.ErrNoSecondFactor) {
		err = ErrRefused
	}
	for _, wrong := range []error{ErrRefused, ErrExpired, ErrWrongSite, ErrUnknown, ErrCopied} {
		if errors.Is(err, wrong) {
			return account.SignedIn{}, s.unproven(ctx, live, left, in.Client, err)
		}
	}
	return signedIn, err
}

func (s *Service) prove(ctx context.Context, live *session.Live, rp RelyingParty, in Attempt) (account.SignedIn, error) {
	a, err := s.read(ctx, rp, in, forProof, live.ID)
	if err != nil {
		return account.SignedIn{}, err
	}
	if a.owner.user.ID != live.Identity.UserID {
		return account.SignedIn{}, ErrUnknown
	}
	a.owner.passkeys = a.owner.of(rp)
	credential, err := a.library.ValidateLogin(a.owner, a.State, a.parsed)
	if err != nil {
		return account.SignedIn{}, refused(err)
	}
	use, err := s.judge(ctx, a, credential, in.Client)
	if err != nil {
		return account.SignedIn{}, err
	}
	proving := account.Proving{Factor: a.factor(), Trust: in.Trust, Devices: in.Devices, Client: in.Client}
	return s.Accounts.Prove(ctx, live, proving, func(ctx context.Context, proof account.Proof) error {
		return s.Store.UsePasskey(ctx, use, proof)
	})
}

// unproven notes a failed proof and returns why.
func (s *Service) unproven(ctx context.Context, live *session.Live, left int, client authcore.Client, why error) error {
	if err := s.Notes.Note(ctx, s.event(audit.TwoStepFailure, live, client).With("method", "passkey")); err != nil {
		return fmt.Errorf("noting failed proof: %w", err)
	}
	if err := s.Accounts.FactorFailed(ctx, live, left, client); err != nil {
		return err
	}
	return why
}

// answer is an answer with the challenge, the passkey and the owner that it names.
type answer struct {
	ceremony
	parsed  *protocol.ParsedCredentialAssertionData
	passkey Passkey
	owner   owner
	library *webauthn.WebAuthn
}

// read finds what an answer is about. Nothing is proven yet.
func (s *Service) read(ctx context.Context, rp RelyingParty, in Attempt, p purpose, sessionID string) (a answer, err error) {
	if a.parsed, err = protocol.ParseCredentialRequestResponseBytes(in.Response); err != nil {
		return a, refused(err)
	}
	client := a.parsed.Response.CollectedClientData
	if a.ceremony, err = s.take(ctx, client.Challenge, p, sessionID); err != nil {
		return a, err
	}
	if err := rp.checkSite(client, a.parsed.Response.AuthenticatorData.RPIDHash); err != nil {
		return a, err
	}
	a.passkey, err = s.Store.Passkey(ctx, a.parsed.RawID)
	if errors.Is(err, authcore.ErrNotFound) || err == nil && a.passkey.RPID != rp.ID {
		return a, ErrUnknown
	}
	if err != nil {
		return a, fmt.Errorf("finding passkey: %w", err)
	}
	if a.owner, err = s.ownerOf(ctx, a.passkey.UserID); err != nil {
		return a, err
	}
	a.library, err = rp.library()
	return a, err
}

func (a answer) factor() authcore.Factor { return factorOf(a.parsed.Response.AuthenticatorData.Flags) }
