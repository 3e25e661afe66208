package account

import (
	"context"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
)

// Credential is the password of a user as it is stored.
type Credential struct {
	// Hash is the PHC string (Argon2id) or a bcrypt hash; empty when the user
	// has no password.
	Hash string
	// Failures counts the wrong passwords since the last right one.
	Failures int
	// ChangedAt is when the password was last set.
	ChangedAt time.Time
	// SignedInAt is when the user last signed in; zero when never.
	SignedInAt time.Time
}

// UserStore reads accounts.
type UserStore interface {
	// UserByEmail returns the account under a canonical address (EmailKey)
	// with its password, or authcore.ErrNotFound.
	UserByEmail(ctx context.Context, emailKey string) (authcore.User, Credential, error)
	// User returns the account with an id, with its password, or
	// authcore.ErrNotFound.
	User(ctx context.Context, id string) (authcore.User, Credential, error)
	// Users returns up to limit accounts ordered by id, those after the given
	// id (empty: from the start).
	Users(ctx context.Context, after string, limit int) ([]authcore.User, error)
	// HasUsers reports whether any account exists.
	HasUsers(ctx context.Context) (bool, error)
}

// Ledger changes accounts. Each method commits the change and its audit event
// in one transaction, or neither.
type Ledger interface {
	// Create adds an account with its password hash (empty: none). It fails
	// with authcore.ErrConflict when the address is taken.
	Create(ctx context.Context, user authcore.User, passwordHash string, event audit.Event) error
	// CreateFirst consumes the set-up token with the given hash and adds the
	// first account. It fails with authcore.ErrNotFound when the token is
	// unknown, used or expired at the user's CreatedAt, and with
	// authcore.ErrConflict when any account exists already.
	CreateFirst(ctx context.Context, tokenHash []byte, user authcore.User, passwordHash string, event audit.Event) error
	// SetPassword replaces the password, resets its failures, voids all links
	// of the account and increments the auth epoch, with the jobs that follow
	// from it. It returns the account as it is then.
	SetPassword(ctx context.Context, userID, passwordHash string, event audit.Event, jobs ...job.Job) (authcore.User, error)
	// ChangePassword is SetPassword for a change that rests on a session: it fails
	// with authcore.ErrConflict when the account is disabled or its auth epoch is
	// not that of the session any more.
	ChangePassword(ctx context.Context, userID string, epoch int64, passwordHash string, event audit.Event, jobs ...job.Job) (authcore.User, error)
	// UpgradePassword replaces the stored hash by a stronger one of the same
	// password, if it is still the old one; it is no change of the account.
	UpgradePassword(ctx context.Context, userID, oldHash, newHash string) error
	// SetDisabled disables the account at the event's time, or enables it. It
	// increments the auth epoch when it disables, and returns the account. The
	// jobs follow from it.
	SetDisabled(ctx context.Context, userID string, disabled bool, event audit.Event, jobs ...job.Job) (authcore.User, error)
	// SignedIn notes a sign-in and resets the failures. It fails with authcore.ErrConflict when
	// the account is disabled or its auth epoch is not the given one any more:
	// the sign-in has lost a race against a revocation and must not stand.
	SignedIn(ctx context.Context, userID string, epoch int64, event audit.Event, jobs ...job.Job) error
	// Approve accepts an account that waits for it, with the jobs that follow, and
	// returns it. It fails with authcore.ErrConflict when it does not wait.
	Approve(ctx context.Context, userID string, event audit.Event, jobs ...job.Job) (authcore.User, error)
	// Failed increments the failures of an account and returns the new count.
	// With an empty user id it writes the event alone.
	Failed(ctx context.Context, userID string, event audit.Event) (int, error)
	// Note writes an event about something that is stored elsewhere, such as a
	// session in Redis, with the jobs that follow from it. It is written before
	// that change is made.
	Note(ctx context.Context, event audit.Event, jobs ...job.Job) error
}
