package address

import (
	"context"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Store keeps changes of address. Each method commits everything it does in one
// transaction, or nothing.
type Store interface {
	// ProposeEmail stores a change that waits: the token that confirms it and the
	// one that stops it, in place of an older change, with their letters. It fails
	// with authcore.ErrConflict when the account is disabled or has not the auth
	// epoch any more.
	ProposeEmail(ctx context.Context, epoch int64, change, keep token.Token, event audit.Event, jobs ...job.Job) error
	// ProposedEmail returns the live token of a change, or authcore.ErrNotFound.
	ProposedEmail(ctx context.Context, userID string, at time.Time) (token.Token, error)
	// ChangeEmail consumes a token of a user as the caller has read it, and all
	// other tokens of the account, replaces the address, which is verified then,
	// and increments the auth epoch. It returns the account as it is then. It
	// fails with authcore.ErrNotFound for a token that was used or has expired,
	// and with authcore.ErrConflict when the account has changed meanwhile or
	// the address is taken.
	ChangeEmail(ctx context.Context, hash []byte, user authcore.User, email account.Email, event audit.Event, jobs ...job.Job) (authcore.User, error)
	// KeepEmail removes both tokens of a change, of which one has the given hash,
	// or any if that is nil; else it fails with authcore.ErrNotFound.
	KeepEmail(ctx context.Context, hash []byte, userID string, event audit.Event) error
}

// Users reads accounts; account.UserStore does.
type Users interface {
	UserByEmail(ctx context.Context, emailKey string) (authcore.User, account.Credential, error)
	User(ctx context.Context, id string) (authcore.User, account.Credential, error)
}

// Tokens looks at tokens without consuming them; token.Store does.
type Tokens interface {
	Peek(ctx context.Context, hash []byte, purpose token.Purpose, at time.Time) (token.Token, error)
}

// Accounts asks for proofs and renews sessions; *account.Service does.
type Accounts interface {
	Reprove(ctx context.Context, live *session.Live, password string, client authcore.Client) (authcore.User, error)
	Renew(ctx context.Context, live *session.Live, user authcore.User, proofs ...authcore.Factor) (account.SignedIn, error)
}

// Sessions ends sessions; *session.Manager does.
type Sessions interface {
	RevokeAll(ctx context.Context, userID, except string) (int, error)
}

// Guard limits the mail to strangers' addresses; *throttle.Guard does.
type Guard interface {
	Mail(ctx context.Context, kind, address, ip string) (throttle.Verdict, error)
}
