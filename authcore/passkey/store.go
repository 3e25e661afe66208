package passkey

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Passkey is a WebAuthn credential as it is stored (WebAuthn Level 3 section 4,
// credential record).
type Passkey struct {
	// ID is the credential ID, which the authenticator has chosen.
	ID     []byte
	UserID string
	// RPID is the relying party that it works for.
	RPID string
	// Name is what the user calls it.
	Name string
	// Discoverable says that it signs in by itself, without a list of passkeys to
	// choose from. Others can only be a second factor.
	Discoverable bool
	// Data is the public key and what the authenticator said of itself, as this
	// package encodes it.
	Data []byte
	// SignCount is the counter at the last use; zero where there is none.
	SignCount uint32
	// BackedUp says that the key was synced at the last use (flag BS).
	BackedUp  bool
	CreatedAt time.Time
	// UsedAt is zero until the first use.
	UsedAt time.Time
}

// Ref is the ID as it stands in pages.
func (p Passkey) Ref() string { return base64.RawURLEncoding.EncodeToString(p.ID) }

// Use is a use of a passkey, as it is stored.
type Use struct {
	ID []byte
	// Before is the counter that the use was judged against: if it is another
	// one by now, the use fails with ErrRefused. Two copies of a key are else not
	// noticed when they are used at once.
	Before, After uint32
	BackedUp      bool
	// Discovered says that the use has shown that the passkey is discoverable.
	Discovered bool
}

// Removal is a passkey that goes.
type Removal struct {
	UserID string
	ID     []byte
	// Guarded keeps the last way in at the relying party RPID, and asks for the
	// account to be at Epoch, that of the session which removes it; see
	// Store.RemovePasskey.
	Guarded bool
	RPID    string
	Epoch   int64
}

// Store keeps passkeys. Each change commits with its event, or not at all.
type Store interface {
	// Passkeys returns those of a user, the oldest first.
	Passkeys(ctx context.Context, userID string) ([]Passkey, error)
	// RelyingParties returns the ids of those that a user has passkeys for, in order.
	RelyingParties(ctx context.Context, userID string) ([]string, error)
	// Passkey returns the one with a credential ID, or authcore.ErrNotFound.
	Passkey(ctx context.Context, id []byte) (Passkey, error)
	// AddPasskey adds one to an account that is at an epoch and has fewer than
	// max. It fails with authcore.ErrConflict when the account has changed, with
	// ErrExists when the ID is taken, and with ErrTooMany.
	AddPasskey(ctx context.Context, p Passkey, epoch int64, max int, event audit.Event, jobs ...job.Job) error
	// UsePasskey notes a use with what it proves, see also account.Proof.
	UsePasskey(ctx context.Context, u Use, p account.Proof) error
	// RenamePasskey fails with authcore.ErrNotFound for that of somebody else too.
	RenamePasskey(ctx context.Context, userID string, id []byte, name string, event audit.Event) error
	// RemovePasskey fails with authcore.ErrNotFound for that of somebody else too
	// and, where it is guarded, with authcore.ErrConflict when the account has changed,
	// and with ErrLast when the relying party has no passkey
	// left that can sign in a user without a password, or be the second factor of
	// one without an app.
	RemovePasskey(ctx context.Context, r Removal, event audit.Event, jobs ...job.Job) error
}

// Ceremonies keeps challenges until they are answered, where all nodes see them.
type Ceremonies interface {
	// PutCeremony stores a challenge under its hash.
	PutCeremony(ctx context.Context, hash, data []byte, expires time.Time) error
	// TakeCeremony removes and returns a live challenge, or fails with
	// authcore.ErrNotFound: of several at once, one gets it.
	TakeCeremony(ctx context.Context, hash []byte) (data []byte, err error)
}

// Accounts proves users and opens sessions; *account.Service does.
type Accounts interface {
	CheckRecent(ctx context.Context, live *session.Live, kinds ...authcore.FactorKind) error
	TryFactor(ctx context.Context, userID string) (left int, err error)
	FactorFailed(ctx context.Context, live *session.Live, left int, client authcore.Client) error
	Prove(ctx context.Context, live *session.Live, p account.Proving, use func(ctx context.Context, proof account.Proof) error) (account.SignedIn, error)
	Open(ctx context.Context, o account.Opening, commit func(ctx context.Context, event audit.Event) error) (account.SignedIn, error)
	Renew(ctx context.Context, live *session.Live, user authcore.User, proofs ...authcore.Factor) (account.SignedIn, error)
}

// Users reads accounts; account.UserStore does.
type Users interface {
	User(ctx context.Context, id string) (authcore.User, account.Credential, error)
}

// Sessions ends sessions; *session.Manager does.
type Sessions interface {
	RevokeAll(ctx context.Context, userID, except string) (int, error)
}

// Guard limits challenges; *throttle.Guard does.
type Guard interface {
	Challenge(ctx context.Context, ip string) error
	Answer(ctx context.Context, ip string) error
	ChallengeOf(ctx context.Context, userID string) error
}

// Notes writes audit events; account.Ledger does.
type Notes interface {
	Note(ctx context.Context, event audit.Event, jobs ...job.Job) error
}
