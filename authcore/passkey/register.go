package passkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

// algorithms are those of WebAuthn Level 3 section 5.8.5 that all platforms know.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// Register returns the options with which a browser of the signed-in user makes a
// passkey (PublicKeyCredentialCreationOptionsJSON). It fails with
// *account.StaleError and ErrTooMany.
func (s *Service) Register(ctx context.Context, live *session.Live, rp RelyingParty) (options any, err error) {
	if err := s.Accounts.CheckRecent(ctx, live); err != nil {
		return nil, err
	}
	o, err := s.ownerOf(ctx, live.Identity.UserID)
	if err != nil {
		return nil, err
	}
	if len(o.passkeys) >= MaxPerUser {
		return nil, ErrTooMany
	}
	library, err := rp.library()
	if err != nil {
		return nil, err
	}
	creation, state, err := library.BeginRegistration(o,
		webauthn.WithExclusions(webauthn.Credentials(owner{passkeys: o.of(rp)}.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithCredentialParameters(algorithms),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()))
	if err != nil {
		return nil, fmt.Errorf("making options: %w", err)
	}
	return creation.Response, s.put(ctx, ceremony{forRegistration, live.ID, *state})
}

// of returns the passkeys for a relying party.
func (o owner) of(rp RelyingParty) (list []Passkey) {
	for _, p := range o.passkeys {
		if p.RPID == rp.ID {
			list = append(list, p)
		}
	}
	return list
}

func (s *Service) ownerOf(ctx context.Context, userID string) (o owner, err error) {
	if o.user, _, err = s.Users.User(ctx, userID); err != nil {
		return o, fmt.Errorf("finding account: %w", err)
	}
	if o.passkeys, err = s.Store.Passkeys(ctx, userID); err != nil {
		return o, fmt.Errorf("listing passkeys: %w", err)
	}
	return o, nil
}

// FinishRegistration adds the passkey that a browser has made
// (RegistrationResponseJSON) to the account of the signed-in user, and tells by
// mail. It counts as a proof by it. Errors are those of this package and
// *account.StaleError.
func (s *Service) FinishRegistration(ctx context.Context, live *session.Live, rp RelyingParty, response []byte, client authcore.Client) (account.SignedIn, error) {
	if err := s.Accounts.CheckRecent(ctx, live); err != nil {
		return account.SignedIn{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return account.SignedIn{}, refused(err)
	}
	c, err := s.take(ctx, parsed.Response.CollectedClientData.Challenge, forRegistration, live.ID)
	if err != nil {
		return account.SignedIn{}, err
	}
	if err := rp.checkSite(parsed.Response.CollectedClientData, parsed.Response.AttestationObject.AuthData.RPIDHash); err != nil {
		return account.SignedIn{}, err
	}
	o, err := s.ownerOf(ctx, live.Identity.UserID)
	if err != nil {
		return account.SignedIn{}, err
	}
	library, err := rp.library()
	if err != nil {
		return account.SignedIn{}, err
	}
	credential, err := library.CreateCredential(o, c.State, parsed)
	if err != nil {
		return account.SignedIn{}, refused(err)
	}
	if err := s.add(ctx, live, o.user, rp, credential, client); err != nil {
		return account.SignedIn{}, err
	}
	return s.Accounts.Renew(ctx, live, o.user, factorOf(credential.Flags.ProtocolValue()))
}

// add stores a passkey and tells the owner.
func (s *Service) add(ctx context.Context, live *session.Live, user authcore.User, rp RelyingParty, credential *webauthn.Credential, client authcore.Client) error {
	now := s.Clock().UTC()
	p := Passkey{
		ID: credential.ID, UserID: user.ID, RPID: rp.ID, SignCount: credential.Authenticator.SignCount,
		BackedUp: credential.Flags.BackupState, CreatedAt: now,
	}
	var err error
	if p.Data, err = dataOf(credential); err != nil {
		return err
	}
	if p.Name = p.Model(); p.Name == "" {
		p.Name = defaultName
	}
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.PasskeyAdded, user, client, map[string]string{"name": p.Name}).LeadingTo("/account/passkeys"), now)
	if err != nil {
		return err
	}
	event := s.event(audit.PasskeyRegister, live, client).With("name", p.Name)
	err = s.Store.AddPasskey(ctx, p, live.AuthEpoch, MaxPerUser, event, letter)
	if errors.Is(err, authcore.ErrConflict) {
		return ErrExists
	}
	if err != nil {
		return fmt.Errorf("storing passkey: %w", err)
	}
	s.Events.Emit(events.PasskeyAdded, map[string]any{"user_id": user.ID})
	return nil
}

// defaultName is what a passkey is called that does not say what keeps it.
const defaultName = "Passkey"

// factorOf is what an answer with these flags proves.
func factorOf(flags protocol.AuthenticatorFlags) authcore.Factor {
	return authcore.Factor{Kind: authcore.FactorPasskey, UserVerified: flags.HasUserVerified(), Synced: flags.HasBackupEligible()}
}
