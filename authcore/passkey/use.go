package passkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// SignIn returns the options with which anybody's browser signs in by a passkey
// (PublicKeyCredentialRequestOptionsJSON). They name no account and no passkey,
// so they tell nothing about either. It fails with *account.ThrottledError.
func (s *Service) SignIn(ctx context.Context, rp RelyingParty, client authcore.Client) (options any, err error) {
	err = s.Guard.Challenge(ctx, client.IP)
	var exceeded *throttle.Exceeded
	switch {
	case errors.As(err, &exceeded):
		return nil, &account.ThrottledError{RetryAfter: exceeded.RetryAfter}
	case err != nil:
		return nil, fmt.Errorf("counting challenge: %w", err)
	}
	library, err := rp.library()
	if err != nil {
		return nil, err
	}
	assertion, state, err := library.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return nil, fmt.Errorf("making options: %w", err)
	}
	return assertion.Response, s.put(ctx, ceremony{forSignIn, "", *state})
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

// FinishSignIn signs in whoever holds the passkey of an answer. Errors are those of
// this package.
func (s *Service) FinishSignIn(ctx context.Context, rp RelyingParty, in Attempt) (account.SignedIn, error) {
	a, err := s.read(ctx, rp, in, forSignIn, "")
	if err != nil {
		return account.SignedIn{}, err
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
	opening := account.Opening{User: a.owner.user, Factor: a.factor(), Remember: in.Remember, Client: in.Client}
	signedIn, err := s.Accounts.Open(ctx, opening, func(ctx context.Context, event audit.Event) error {
		return s.Store.UsePasskey(ctx, use, account.Proof{UserID: a.owner.user.ID, Epoch: a.owner.user.AuthEpoch, Event: event})
	})
	if errors.Is(err, authcore.ErrConflict) { // disabled, or changed meanwhile
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
// when there is none for the relying party.
func (s *Service) Prove(ctx context.Context, live *session.Live, rp RelyingParty) (options any, err error) {
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
	assertion, state, err := library.BeginLogin(o, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return nil, fmt.Errorf("making options: %w", err)
	}
	return assertion.Response, s.put(ctx, ceremony{forProof, live.ID, *state})
}

// FinishProof takes the answer as the second factor of a pending sign-in, or as a
// fresh proof. Errors are those of this package.
func (s *Service) FinishProof(ctx context.Context, live *session.Live, rp RelyingParty, in Attempt) (account.SignedIn, error) {
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
		return account.SignedIn{}, s.unproven(ctx, live, in.Client, refused(err))
	}
	use, err := s.judge(ctx, a, credential, in.Client)
	if err != nil {
		return account.SignedIn{}, s.unproven(ctx, live, in.Client, err)
	}
	proving := account.Proving{Factor: a.factor(), Trust: in.Trust, Devices: in.Devices, Client: in.Client}
	return s.Accounts.Prove(ctx, live, proving, func(ctx context.Context, proof account.Proof) error {
		return s.Store.UsePasskey(ctx, use, proof)
	})
}

// unproven notes a failed proof and returns why.
func (s *Service) unproven(ctx context.Context, live *session.Live, client authcore.Client, why error) error {
	if err := s.Notes.Note(ctx, s.event(audit.TwoStepFailure, live, client).With("method", "passkey")); err != nil {
		return fmt.Errorf("noting failed proof: %w", err)
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

// judge applies the policy on counters to a valid answer, and returns what to note
// of it. It fails with ErrCopied.
func (s *Service) judge(ctx context.Context, a answer, credential *webauthn.Credential, client authcore.Client) (Use, error) {
	use := Use{ID: a.passkey.ID, Before: a.passkey.SignCount, After: credential.Authenticator.SignCount, BackedUp: credential.Flags.BackupState}
	if !credential.Authenticator.CloneWarning {
		return use, nil
	}
	event := audit.New(s.Clock(), audit.PasskeyRegression, client).By(audit.ActorSystem, "").Of(a.owner.user.ID).
		With("name", a.passkey.Name).With("policy", string(s.Counts)).
		With("previous", strconv.Itoa(int(a.passkey.SignCount))).
		With("presented", strconv.Itoa(int(a.parsed.Response.AuthenticatorData.Counter)))
	if s.Counts == CountRevoke {
		err := s.Store.RemovePasskey(ctx, a.owner.user.ID, a.passkey.ID, false, event)
		if err != nil && !errors.Is(err, authcore.ErrNotFound) {
			return use, fmt.Errorf("removing passkey: %w", err)
		}
		return use, ErrCopied
	}
	if err := s.Notes.Note(ctx, event); err != nil {
		return use, fmt.Errorf("noting counter: %w", err)
	}
	if s.Counts == CountReauth {
		return use, ErrCopied
	}
	use.After = use.Before // it never goes back
	return use, nil
}
