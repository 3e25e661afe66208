// Package passkey registers and uses passkeys (WebAuthn Level 3): to sign in, as
// a second factor and for step-up.
//
// The duties of a relying party when a credential is registered (section 7.1) and
// used (section 7.2) are met as follows; the numbers are the steps. What the
// library does is tested here all the same, with an authenticator made of
// software (tests/fixture), and in a browser with virtual ones.
//
//	7.1.1-4   options, asking the browser      register.go Register, the page's script; TestOptions, TestDiscoverable
//	7.1.5-6   parse the client data            register.go FinishRegistration; TestGarbage
//	7.1.7     type                             the library; TestClientData
//	7.1.8     challenge                        ceremony.go take: found by it, once; TestChallengeOnce
//	7.1.9     origin                           ceremony.go checkSite, and the library; TestWrongSite
//	7.1.10-11 cross-origin, top origin         the library refuses both; TestClientData
//	7.1.12-13 RP ID hash                       ceremony.go checkSite, and the library; TestWrongSite
//	7.1.14-15 user present; verified if asked  the library; verification is noted, not demanded; TestUserVerification
//	7.1.16-18 backup flags                     the library; shown to the user; TestBackupFlags
//	7.1.19    algorithm                        key.go sound: of those offered, in size too; TestAlgorithm, TestHugeKeys
//	7.1.20    extensions                       credProps is read, all else ignored; TestExtensions, TestDiscoverable
//	7.1.21-24 attestation                      none is asked for, so what comes is not looked at; TestRegister
//	7.1.25    length of the credential ID      the library (1023 bytes at most); TestLongID
//	7.1.26    ID of nobody else                the store's primary key; TestRegisterTwice
//	7.1.27    store the record                 register.go, Store.AddPasskey; TestRegister, TestModel
//	7.2.1-4   options, asking the browser      use.go, the page's script; TestOptions
//	7.2.5-6   credential, user and handle      use.go owner, and the library; TestUserHandle
//	7.2.7-9   parse the client data            use.go; TestGarbage
//	7.2.10    type                             the library; TestClientData
//	7.2.11    challenge                        ceremony.go take; TestChallengeOnce
//	7.2.12    origin                           ceremony.go checkSite, and the library; TestWrongSite
//	7.2.13-14 cross-origin, top origin         the library refuses both; TestClientData
//	7.2.15    RP ID hash                       ceremony.go checkSite, and the library; TestWrongSite
//	7.2.16-17 user present; verified if asked  the library; demanded of a key that was the first factor; TestUserVerification, TestOneKeyIsOneFactor
//	7.2.18-19 backup flags, also against those of the record  the library; TestBackupFlags
//	7.2.20    extensions                       ignored: none is asked for; TestExtensions
//	7.2.21-22 signature                        the library; TestSignature
//	7.2.23    signature counter                counter.go judge; TestSignCount
//	7.2.24    update the record                use.go, Store.UsePasskey; TestUse
package passkey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
)

// MaxPerUser is how many passkeys an account may have.
const MaxPerUser = 10

// The errors below are what went wrong with a passkey. Each has a message of its
// own; none tells anything about an account that the passkey does not open.
var (
	// ErrExpired is a challenge that was answered before, too late, or never asked.
	ErrExpired = errors.New("the challenge is unknown or has expired")
	// ErrWrongSite is an answer to another site.
	ErrWrongSite = errors.New("the answer is for another origin or relying party")
	// ErrUnknown is a passkey that is not registered, or not any more.
	ErrUnknown = errors.New("the passkey is not known")
	// ErrRefused is an answer that proves nothing.
	ErrRefused = errors.New("the answer does not prove anything")
	// ErrCopied is a passkey whose counter says that there is a copy of it.
	ErrCopied = errors.New("the counter of the passkey went back")
	// ErrExists is a passkey that is registered already.
	ErrExists = errors.New("the passkey is registered already")
	// ErrTooMany is one passkey more than an account may have.
	ErrTooMany = errors.New("the account has as many passkeys as it may")
	// ErrLast is a passkey without which the user could not sign in any more.
	ErrLast = errors.New("it is the last way to sign in")
)

// RelyingParty is who a passkey is for. It comes from the configuration, never
// from a request alone.
type RelyingParty struct {
	// ID is a domain; empty where there cannot be passkeys, as on an IP address.
	ID   string
	Name string
	// Origin is that of the page.
	Origin string
}

// Deps are what a Service is made of.
type Deps struct {
	Users      Users
	Store      Store
	Ceremonies Ceremonies
	Accounts   Accounts
	Sessions   Sessions
	Guard      Guard
	Notes      Notes
	Sealer     job.Sealer
	Events     events.Sink
	Counts     CountPolicy
	Clock      authcore.Clock
	Logger     *slog.Logger
}

// Service is what the pages call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// List returns the passkeys of the signed-in user, the oldest first.
func (s *Service) List(ctx context.Context, live *session.Live) ([]Passkey, error) {
	list, err := s.Store.Passkeys(ctx, live.Identity.UserID)
	if err != nil {
		return nil, fmt.Errorf("listing passkeys: %w", err)
	}
	return list, nil
}

// library returns go-webauthn for a relying party.
func (rp RelyingParty) library() (*webauthn.WebAuthn, error) {
	w, err := webauthn.New(&webauthn.Config{
		RPID: rp.ID, RPDisplayName: rp.Name, RPOrigins: []string{rp.Origin},
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: life, TimeoutUVD: life},
			Registration: webauthn.TimeoutConfig{Timeout: life, TimeoutUVD: life},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("configuring WebAuthn: %w", err)
	}
	return w, nil
}

// event starts the audit event of something the signed-in user did.
func (s *Service) event(action audit.Action, live *session.Live, client authcore.Client) audit.Event {
	userID := live.Identity.UserID
	return audit.New(s.Clock(), action, client).By(audit.ActorUser, userID).Of(userID).On(live.ID)
}

// owner is a user as go-webauthn sees one.
type owner struct {
	user     authcore.User
	passkeys []Passkey
	// password says that the user has one.
	password bool
}

// WebAuthnID is the user handle: an opaque id without a name in it (WebAuthn
// Level 3 section 14.6.1).
func (o owner) WebAuthnID() []byte   { return []byte(o.user.ID) }
func (o owner) WebAuthnName() string { return o.user.Email }

func (o owner) WebAuthnDisplayName() string {
	if o.user.Name != "" {
		return o.user.Name
	}
	return o.user.Email
}

func (o owner) WebAuthnCredentials() []webauthn.Credential {
	credentials := make([]webauthn.Credential, 0, len(o.passkeys))
	for _, p := range o.passkeys {
		if c, err := p.credential(); err == nil {
			credentials = append(credentials, c)
		}
	}
	return credentials
}

var _ webauthn.User = owner{}
