package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/address"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/token"
)

// ProposeEmail implements address.Store.
func (db *DB) ProposeEmail(ctx context.Context, epoch int64, change, keep token.Token, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "proposing an address", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, change.UserID, epoch); err != nil {
			return err
		}
		if err := insertToken(ctx, tx, change); err != nil {
			return err
		}
		if err := insertToken(ctx, tx, keep); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// ProposedEmail implements address.Store.
func (db *DB) ProposedEmail(ctx context.Context, userID string, at time.Time) (token.Token, error) {
	return db.tokenWhere(ctx, `purpose = $1 AND user_id = $2 AND expires_at > $3`, string(token.ChangeEmail), userID, micros(at))
}

// ChangeEmail implements address.Store.
func (db *DB) ChangeEmail(ctx context.Context, hash []byte, user authcore.User, email account.Email, event audit.Event, jobs ...job.Job) (changed authcore.User, err error) {
	err = db.promise(ctx, "changing an address", jobs, func(ctx context.Context, tx *sql.Tx) error {
		at := micros(event.At)
		if err := db.useLink(ctx, tx, hash, token.ChangeEmail, user, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1`, user.ID); err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, `UPDATE users SET email = $2, email_key = $3, email_verified_at = $4,
			auth_epoch = auth_epoch + 1, updated_at = $4 WHERE id = $1 RETURNING `+userColumns, user.ID, email.Display, email.Key, at)
		if changed, err = scanUser(row); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
	return changed, err
}

// KeepEmail implements address.Store.
func (db *DB) KeepEmail(ctx context.Context, hash []byte, userID string, event audit.Event) error {
	return db.transact(ctx, "keeping an address", func(ctx context.Context, tx *sql.Tx) error {
		if err := found(affected(tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1 AND purpose IN ($2, $3) AND EXISTS
			(SELECT 1 FROM tokens t WHERE t.user_id = $1 AND t.purpose = $3 AND t.expires_at > $4 AND ($5 = 0 OR t.hash = $6))`,
			userID, string(token.ChangeEmail), string(token.KeepEmail), micros(event.At), len(hash), append([]byte{}, hash...)))); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

var _ address.Store = (*DB)(nil)
