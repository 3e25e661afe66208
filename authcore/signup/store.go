package signup

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

// Store keeps sign-ups. Each method commits everything it does in one
// transaction, or nothing.
type Store interface {
	// Propose stores the token of a sign-up, which voids an older one of the same
	// address, in place of the job that asked for it. It fails with
	// authcore.ErrNotFound when somebody else has done the job.
	Propose(ctx context.Context, asked job.Job, t token.Token, letter job.Job, event audit.Event) error
	// Reissue stores a token, which voids the older one of the same sign-up or
	// account, and its letter, in place of the job. It fails with
	// authcore.ErrNotFound as Propose does, and when another sign-up has taken the
	// place of that one.
	Reissue(ctx context.Context, asked job.Job, t token.Token, letter job.Job) error
	// Answer stores a letter in place of the job.
	Answer(ctx context.Context, asked job.Job, letter job.Job) error
	// ConfirmToken returns the live token of a sign-up or, with an empty one,
	// of a user; or authcore.ErrNotFound.
	ConfirmToken(ctx context.Context, signUp, userID string, at time.Time) (token.Token, error)
	// Invite stores an invitation and its letter, in place of an older one to the
	// same address.
	Invite(ctx context.Context, t token.Token, letter job.Job, event audit.Event) error
	// Accept consumes the token of an invitation or a sign-up and makes its
	// account. It fails with authcore.ErrNotFound for one that was used or has
	// expired, and with authcore.ErrConflict when the address is taken.
	Accept(ctx context.Context, t token.Token, user authcore.User, passwordHash string, event audit.Event) error
	// Confirm consumes a token, and all others of the account, verifies the
	// address and increments the auth epoch; unless the password is kept, it is
	// removed. It fails with authcore.ErrNotFound for a token that was used, has
	// expired or was sent to another address, and with authcore.ErrConflict when
	// the account has changed meanwhile or is disabled.
	Confirm(ctx context.Context, hash []byte, user authcore.User, keepPassword bool, event audit.Event, jobs ...job.Job) error
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

// Accounts prepares accounts and opens sessions; *account.Service does.
type Accounts interface {
	Draft(in account.NewUser) (authcore.User, error)
	Hash(ctx context.Context, password string) (string, error)
	Open(ctx context.Context, o account.Opening, commit func(ctx context.Context, event audit.Event) error) (account.SignedIn, error)
}

// Sessions ends sessions; *session.Manager does.
type Sessions interface {
	RevokeAll(ctx context.Context, userID, except string) (int, error)
}

// Guard limits mail and tries; *throttle.Guard does.
type Guard interface {
	Mail(ctx context.Context, kind, address, ip string) (throttle.Verdict, error)
	Code(ctx context.Context, t throttle.Try) error
}
