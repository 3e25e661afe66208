package recovery

import (
	"context"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Store keeps what links are good for. Each method commits everything it does
// in one transaction, or nothing.
type Store interface {
	// IssueLink stores a token, which voids older ones of its purpose and user,
	// and the letter that takes it to the owner, in place of the job that asked
	// for them. It fails with authcore.ErrNotFound when somebody else has done
	// the job.
	IssueLink(ctx context.Context, asked job.Job, t token.Token, letter job.Job, event audit.Event) error
	// UseSignInLink consumes a sign-in token of a user as the caller has read
	// it. An address that was not verified is from now on, and what others may
	// have set on the account before, its password, is gone. It fails with
	// authcore.ErrNotFound for a token that was used, has expired or was sent
	// to another address, and with authcore.ErrConflict when the account has
	// changed meanwhile or is disabled.
	UseSignInLink(ctx context.Context, hash []byte, user authcore.User, event audit.Event, jobs ...job.Job) error
	// ResetPassword consumes a reset token of a user and all other tokens of
	// the account, sets the password, verifies the address, resets the failures
	// and increments the auth epoch. Errors are as for UseSignInLink.
	ResetPassword(ctx context.Context, hash []byte, user authcore.User, passwordHash string, event audit.Event, jobs ...job.Job) error
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

// Queue takes jobs that come with no other change.
type Queue interface {
	Add(ctx context.Context, jobs ...job.Job) error
}

// Accounts opens sessions and judges passwords; *account.Service does.
type Accounts interface {
	Open(ctx context.Context, o account.Opening, commit func(ctx context.Context, event audit.Event) error) (account.SignedIn, error)
	NewPassword(ctx context.Context, user authcore.User, password string) (hash string, err error)
	Forgive(ctx context.Context, user authcore.User)
}

// Sessions ends sessions; *session.Manager does.
type Sessions interface {
	RevokeAll(ctx context.Context, userID, except string) (int, error)
}

// Guard limits the mail that strangers can ask for; *throttle.Guard does.
type Guard interface {
	Recovery(ctx context.Context, a throttle.Asking) (throttle.Grant, error)
}

var _ Guard = (*throttle.Guard)(nil)
