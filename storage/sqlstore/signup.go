package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/signup"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Propose implements signup.Store.
func (db *DB) Propose(ctx context.Context, asked job.Job, t token.Token, letter job.Job, event audit.Event) error {
	return db.IssueLink(ctx, asked, t, letter, event)
}

// Reissue implements signup.Store.
func (db *DB) Reissue(ctx context.Context, asked job.Job, t token.Token, letter job.Job) error {
	return db.promise(ctx, "issuing a token again", []job.Job{letter}, func(ctx context.Context, tx *sql.Tx) error {
		if err := finishJob(ctx, tx, asked); err != nil {
			return err
		}
		if t.UserID != "" {
			return insertToken(ctx, tx, t)
		}
		// Only the sign-up that the token belongs to: another with the same address may
		// have taken its place since it was read, and must not be given this account.
		if err := found(affected(tx.ExecContext(ctx, `DELETE FROM tokens WHERE purpose = $1 AND user_id IS NULL AND address = $2 AND sign_up = $3`,
			string(t.Purpose), t.Address, t.SignUp))); err != nil {
			return err
		}
		return insertToken(ctx, tx, t)
	})
}

// Answer implements signup.Store.
func (db *DB) Answer(ctx context.Context, asked job.Job, letter job.Job) error {
	return db.promise(ctx, "answering a request", []job.Job{letter}, func(ctx context.Context, tx *sql.Tx) error {
		return finishJob(ctx, tx, asked)
	})
}

// ConfirmToken implements signup.Store.
func (db *DB) ConfirmToken(ctx context.Context, signUp, userID string, at time.Time) (token.Token, error) {
	return db.tokenWhere(ctx, `purpose = $1 AND expires_at > $2 AND (sign_up = $3 AND $3 <> '' OR user_id = $4 AND $4 <> '')`,
		string(token.Confirm), micros(at), signUp, userID)
}

// Confirm implements signup.Store.
func (db *DB) Confirm(ctx context.Context, hash []byte, user authcore.User, keepPassword bool, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "confirming an address", jobs, func(ctx context.Context, tx *sql.Tx) error {
		at := micros(event.At)
		if err := db.useLink(ctx, tx, hash, token.Confirm, user, at); err != nil {
			return err
		}
		if user.EmailVerified() {
			return fmt.Errorf("%w: the address is confirmed already", authcore.ErrConflict)
		}
		if err := noteSignIn(ctx, tx, user.ID, event); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1`, user.ID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE users SET email_verified_at = $2, auth_epoch = auth_epoch + 1, updated_at = $2
			WHERE id = $1`, user.ID, at); err != nil {
			return err
		}
		if !keepPassword {
			if _, err := tx.ExecContext(ctx, `UPDATE credentials SET password_hash = '', failures = 0, changed_at = $2
				WHERE user_id = $1`, user.ID, at); err != nil {
				return err
			}
		}
		return insertEvent(ctx, tx, event)
	})
}

// Invite implements signup.Store.
func (db *DB) Invite(ctx context.Context, t token.Token, letter job.Job, event audit.Event) error {
	return db.promise(ctx, "storing an invitation", []job.Job{letter}, func(ctx context.Context, tx *sql.Tx) error {
		if err := insertToken(ctx, tx, t); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// Accept implements signup.Store.
func (db *DB) Accept(ctx context.Context, t token.Token, user authcore.User, passwordHash string, event audit.Event) error {
	return db.transact(ctx, "making an account", func(ctx context.Context, tx *sql.Tx) error {
		if err := consumeToken(ctx, tx, t.Hash, t.Purpose, event.At); err != nil {
			return err
		}
		if err := insertUser(ctx, tx, user, passwordHash); err != nil {
			return err
		}
		if err := noteSignIn(ctx, tx, user.ID, event); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

var _ signup.Store = (*DB)(nil)
