package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/recovery"
	"github.com/sigra-auth/sigra/authcore/token"
)

// IssueLink implements recovery.Store.
func (db *DB) IssueLink(ctx context.Context, asked job.Job, t token.Token, letter job.Job, event audit.Event) error {
	return db.promise(ctx, "issuing a link", []job.Job{letter}, func(ctx context.Context, tx *sql.Tx) error {
		if err := finishJob(ctx, tx, asked); err != nil {
			return err
		}
		if err := insertToken(ctx, tx, t); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// UseSignInLink implements recovery.Store.
func (db *DB) UseSignInLink(ctx context.Context, hash []byte, user authcore.User, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "using a sign-in link", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.useLink(ctx, tx, hash, token.SignIn, user, micros(event.At)); err != nil {
			return err
		}
		if err := noteSignIn(ctx, tx, user.ID, event); err != nil {
			return err
		}
		if user.EmailVerified() {
			return insertEvent(ctx, tx, event)
		}
		// Links that others had sent before the address was proven are void.
		if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1`, user.ID); err != nil {
			return err
		}
		at := micros(event.At)
		if _, err := tx.ExecContext(ctx, `UPDATE users SET email_verified_at = $2, auth_epoch = auth_epoch + 1, updated_at = $2
			WHERE id = $1`, user.ID, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE credentials SET password_hash = '', failures = 0, changed_at = $2
			WHERE user_id = $1`, user.ID, at); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// ResetPassword implements recovery.Store.
func (db *DB) ResetPassword(ctx context.Context, hash []byte, user authcore.User, passwordHash string, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "resetting a password", jobs, func(ctx context.Context, tx *sql.Tx) error {
		at := micros(event.At)
		if err := db.useLink(ctx, tx, hash, token.Reset, user, at); err != nil {
			return err
		}
		if err := newPasswordSet(ctx, tx, user.ID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE users SET auth_epoch = auth_epoch + 1, updated_at = $2,
			email_verified_at = CASE WHEN email_verified_at = 0 THEN $2 ELSE email_verified_at END WHERE id = $1`, user.ID, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE credentials SET password_hash = $2, failures = 0, changed_at = $3
			WHERE user_id = $1`, user.ID, passwordHash, at); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// useLink consumes a token of an account that is as the caller has read it. The
// account is locked first, so that a change that overlaps is either seen here
// or sees what is done here.
func (db *DB) useLink(ctx context.Context, tx *sql.Tx, hash []byte, purpose token.Purpose, user authcore.User, at int64) error {
	var disabledAt, epoch int64
	var key string
	row := tx.QueryRowContext(ctx, `SELECT disabled_at, auth_epoch, email_key FROM users WHERE id = $1`+db.dialect.forUpdate(), user.ID)
	if err := row.Scan(&disabledAt, &epoch, &key); err != nil {
		return err
	}
	if disabledAt != 0 || epoch != user.AuthEpoch || key != user.EmailKey {
		return fmt.Errorf("%w: the account has changed meanwhile", authcore.ErrConflict)
	}
	return found(affected(tx.ExecContext(ctx, `DELETE FROM tokens WHERE hash = $1 AND purpose = $2 AND user_id = $3 AND address = $4
		AND expires_at > $5`, hash, string(purpose), user.ID, key, at)))
}

var _ recovery.Store = (*DB)(nil)
