package passkey

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Register returns the options with which a browser of the signed-in user makes a
// passkey (PublicKeyCredentialCreationOptionsJSON). It fails with
// *account.StaleError and ErrTooMany.
func (s *Service) Register(ctx context.Context, live *session.Live, rp RelyingParty) (options any, err error) {
	if err := s.Accounts.CheckRecent(ctx, live); err != nil {
		return nil, err
	}
	if err := account.Throttled(s.Guard.ChallengeOf(ctx, live.Identity.UserID)); err != nil {
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
	// A user without a password signs in by the passkey alone, with no name to find
	// it by: a key that cannot keep it would be no way in.
	resident := protocol.ResidentKeyRequirementPreferred
	if !o.password {
		resident = protocol.ResidentKeyRequirementRequired
	}
	creation, state, err := library.BeginRegistration(o,
		webauthn.WithExclusions(webauthn.Credentials(owner{passkeys: o.of(rp)}.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithCredentialParameters(algorithms),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: resident, RequireResidentKey: new(!o.password), UserVerification: protocol.VerificationPreferred,
		}),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()))
	if err != nil {
		return nil, fmt.Errorf("making options: %w", err)
	}
	return creation.Response, s.put(ctx, ceremony{forRegistration, live.ID, !o.password, *state})
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
	var credential account.Credential
	if o.user, credential, err = s.Users.User(ctx, userID); err != nil {
		return o, fmt.Errorf("finding account: %w", err)
	}
	o.password = credential.Hash != ""
	if o.passkeys, err = s.Store.Passkeys(ctx, userID); err != nil {
		return o, fmt.Errorf("listing passkeys: %w", err)
	}
	return o, nil
}

// FinishRegistration adds the passkey that a browser has made
// (RegistrationResponseJSON) to the account of the signed-in user, and tells by
// mail. It counts as a proof by it as account.ProofBy says. Errors are those of this package and
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
	attested := &parsed.Response.AttestationObject
	if !sound(attested.AuthData.AttData.CredentialPublicKey) {
		return account.SignedIn{}, ErrRefused
	}
	// No attestation was asked for and none is trusted, so none is verified: chains of
	// certificates cost time.
	attested.Format, attested.AttStatement, attested.SubStatements = string(protocol.AttestationFormatNone), nil, nil
	credential, err := library.CreateCredential(o, c.State, parsed)
	if err != nil {
		return account.SignedIn{}, refused(err)
	}
	discoverable, ok := kept(parsed, c.Resident)
	if !ok {
		return account.SignedIn{}, ErrRefused
	}
	if err := s.add(ctx, live, o, rp, credential, discoverable, client); err != nil {
		return account.SignedIn{}, err
	}
	hadOthers := o.user.TwoStep() || len(o.passkeys) > 0
	return s.Accounts.Renew(ctx, live, o.user, account.ProofBy(live, hadOthers, factorOf(credential.Flags.ProtocolValue()))...)
}

// kept reports whether the authenticator keeps a new passkey, so that it can be
// discovered (WebAuthn Level 3 section 10.1.3, credProps.rk). Where that was
// required, a browser that does not say has seen to it, and one that says no is
// refused.
func kept(parsed *protocol.ParsedCredentialCreationData, required bool) (discoverable, ok bool) {
	properties := parsed.ClientExtensionResults.CredProps
	if properties == nil || properties.RK == nil {
		return required, true
	}
	return *properties.RK, *properties.RK || !required
}

// add stores a passkey and tells the owner.
func (s *Service) add(ctx context.Context, live *session.Live, o owner, rp RelyingParty, credential *webauthn.Credential, discoverable bool, client authcore.Client) error {
	now := s.Clock().UTC()
	p := Passkey{
		ID: credential.ID, UserID: o.user.ID, RPID: rp.ID, SignCount: credential.Authenticator.SignCount,
		Discoverable: discoverable, BackedUp: credential.Flags.BackupState, CreatedAt: now,
	}
	var err error
	if p.Data, err = dataOf(credential); err != nil {
		return err
	}
	p.Name = o.nameFor(p)
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.PasskeyAdded, o.user, client, map[string]string{"name": p.Name}).LeadingTo("/account/passkeys"), now)
	if err != nil {
		return err
	}
	event := s.event(audit.PasskeyRegister, live, client).With("name", p.Name)
	if err := s.Store.AddPasskey(ctx, p, live.AuthEpoch, MaxPerUser, event, letter); err != nil {
		return fmt.Errorf("storing passkey: %w", err)
	}
	s.Events.Emit(events.PasskeyAdded, map[string]any{"user_id": o.user.ID})
	return nil
}

// defaultName is what a passkey is called that does not say what keeps it.
const defaultName = "Passkey"

// nameFor returns what a new passkey is called until its owner renames it: what keeps
// it, with a number where another one is called so.
func (o owner) nameFor(p Passkey) string {
	base := cmp.Or(p.Model(), defaultName)
	name := base
	for n := 2; slices.ContainsFunc(o.passkeys, func(other Passkey) bool { return other.Name == name }); n++ {
		name = base + " " + strconv.Itoa(n)
	}
	return name
}

// factorOf is what an answer with these flags proves.
func factorOf(flags protocol.AuthenticatorFlags) authcore.Factor {
	return authcore.Factor{Kind: authcore.FactorPasskey, UserVerified: flags.HasUserVerified(), Synced: flags.HasBackupEligible()}
}
