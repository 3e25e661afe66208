package mfa

import (
	"context"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Factors are what a user can prove it is them with, beside links in mails.
type Factors struct {
	// Password says that there is one.
	Password bool
	// TwoStepAt is when two-step sign-in was turned on; zero when it is off.
	TwoStepAt time.Time
	// Secret is that of the authenticator app, sealed; empty when there is none.
	Secret []byte
	// AppAt is when the app was set up.
	AppAt time.Time
	// Codes are the backup codes that are left.
	Codes int
	// Passkeys are how many there are for the relying party, and Elsewhere how many
	// for others: those cannot be used here.
	Passkeys, Elsewhere int
	// Failures counts the wrong codes since the last right one.
	Failures int
}

// Completing returns what the user of a pending sign-in can complete it with: what
// raises the proof given so far or, when the user has nothing that would, a passkey
// that verifies them.
func (f Factors) Completing(id *authcore.Identity) []authcore.FactorKind {
	has := map[authcore.FactorKind]bool{
		authcore.FactorPassword: f.Password, authcore.FactorTOTP: len(f.Secret) > 0, authcore.FactorBackupCode: f.Codes > 0, authcore.FactorPasskey: f.Passkeys > 0,
	}
	kinds := slices.DeleteFunc(id.Raising(), func(kind authcore.FactorKind) bool { return !has[kind] })
	if len(kinds) == 0 && f.Passkeys > 0 {
		kinds = append(kinds, authcore.FactorPasskey)
	}
	return kinds
}

// Enrollment is what turns two-step sign-in on.
type Enrollment struct {
	UserID string
	// Epoch is that of the session: authcore.ErrConflict when the account has
	// another one by now.
	Epoch int64
	// Secret is that of a new app, sealed, and Step the time step of the code
	// that has proven it. Without a secret, there must be a passkey for RPID.
	Secret []byte
	RPID   string
	Step   int64
	// Codes are the hashes of new backup codes, which replace older ones.
	Codes [][]byte
}

// Store keeps second factors. Each change commits with its event, or not at
// all.
type Store interface {
	// Factors returns what a user has at a relying party, or authcore.ErrNotFound
	// for no user.
	Factors(ctx context.Context, userID, rpID string) (Factors, error)
	// TurnOn turns two-step sign-in on, or replaces the app and the codes; the
	// step never goes back, or a code that was used would be good again. It fails
	// with authcore.ErrConflict, see Enrollment, and with ErrNoPasskey.
	TurnOn(ctx context.Context, e Enrollment, event audit.Event, jobs ...job.Job) error
	// TurnOff removes the app, the backup codes and all trust in browsers. It fails
	// with authcore.ErrConflict when the epoch is not that of the account any more: the
	// session that it rests on has ended.
	TurnOff(ctx context.Context, userID string, epoch int64, event audit.Event, jobs ...job.Job) error
	// Reset does that, removes the passkeys too and increments the auth epoch.
	Reset(ctx context.Context, userID string, event audit.Event, jobs ...job.Job) error
	// UseStep uses up a time step of the app. It fails with authcore.ErrNotFound
	// when that or a later one was used before, see also account.Proof.
	UseStep(ctx context.Context, step int64, p account.Proof) error
	// UseBackupCode uses up a backup code and stores the job that tells how many
	// are left. It fails with authcore.ErrNotFound for one that is unknown or used,
	// see also account.Proof.
	UseBackupCode(ctx context.Context, hash []byte, p account.Proof, tell func(left int) (job.Job, error)) error
	// ReplaceBackupCodes removes all codes of a user and adds others. It fails as
	// TurnOff does.
	ReplaceBackupCodes(ctx context.Context, userID string, epoch int64, hashes [][]byte, event audit.Event, jobs ...job.Job) error
	// CodeFailed counts a wrong code.
	CodeFailed(ctx context.Context, userID string, event audit.Event) error
}

// Accounts proves users and changes sessions; *account.Service does.
type Accounts interface {
	CheckRecent(ctx context.Context, live *session.Live, kinds ...authcore.FactorKind) error
	TryFactor(ctx context.Context, userID string) (left int, err error)
	FactorFailed(ctx context.Context, live *session.Live, left int, client authcore.Client) error
	Prove(ctx context.Context, live *session.Live, p account.Proving, use func(ctx context.Context, proof account.Proof) error) (account.SignedIn, error)
	Renew(ctx context.Context, live *session.Live, user authcore.User, proofs ...authcore.Factor) (account.SignedIn, error)
	Refresh(ctx context.Context, userID string) error
}

// Users reads accounts; account.UserStore does.
type Users interface {
	User(ctx context.Context, id string) (authcore.User, account.Credential, error)
}

// Sessions ends sessions; *session.Manager does.
type Sessions interface {
	RevokeAll(ctx context.Context, userID, except string) (int, error)
}

// Guard limits tries; *throttle.Guard does.
type Guard interface {
	FactorSucceeded(ctx context.Context, userID string) error
}

// Notes writes audit events; account.Ledger does.
type Notes interface {
	Note(ctx context.Context, event audit.Event, jobs ...job.Job) error
}

// Box seals secrets and hashes codes; *secret.Box does.
type Box interface {
	job.Sealer
	MAC(purpose string, value []byte) []byte
}
