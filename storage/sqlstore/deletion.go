package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/job"
)

// ScheduleDeletion implements deletion.Store.
func (db *DB) ScheduleDeletion(ctx context.Context, userID string, epoch int64, at time.Time, owner string, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "scheduling a deletion", jobs, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE users SET deletion_at = $2, auth_epoch = auth_epoch + 1, updated_at = $3
			WHERE id = $1 AND deletion_at = 0 AND disabled_at = 0 AND auth_epoch = $4`, userID, micros(at), micros(event.At), epoch))
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: the account has changed meanwhile", authcore.ErrConflict)
		}
		if err != nil {
			return err
		}
		if _, err := db.lockOrgsOf(ctx, tx, userID); err != nil {
			return err
		}
		if err := spareOwner(ctx, tx, userID, owner); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1`, userID); err != nil {
			return err
		}
		if err := withdrawAll(ctx, tx, userID, event.At); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// CancelDeletion implements deletion.Store.
func (db *DB) CancelDeletion(ctx context.Context, userID string, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "cancelling a deletion", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := found(affected(tx.ExecContext(ctx, `UPDATE users SET deletion_at = 0, updated_at = $2
			WHERE id = $1 AND deletion_at <> 0 AND deleted_at = 0`, userID, micros(event.At)))); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// Delete implements deletion.Store.
func (db *DB) Delete(ctx context.Context, userID string, scheduled time.Time, owner string, mode deletion.Mode, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "deleting an account", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.lockAccount(ctx, tx, userID); err != nil {
			return err
		}
		left, err := db.lockOrgsOf(ctx, tx, userID)
		if err != nil {
			return err
		}
		if scheduled.IsZero() {
			if err := spareOwner(ctx, tx, userID, owner); err != nil {
				return err
			}
		}
		if err := leaveOrgs(ctx, tx, userID, left, event); err != nil {
			return err
		}
		change, args := removal(mode, userID, event.At)
		condition := ` WHERE id = $1 AND deleted_at = 0`
		if !scheduled.IsZero() {
			args = append(args, micros(scheduled))
			condition += fmt.Sprintf(` AND deletion_at = $%d`, len(args))
		}
		if err := found(affected(tx.ExecContext(ctx, change+condition, args...))); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1`, userID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE credentials SET password_hash = '' WHERE user_id = $1`, userID); err != nil {
			return err
		}
		if err := removeFactors(ctx, tx, userID); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// removal returns the statement of a mode, less its condition. The key of the
// address becomes one that no address has.
func removal(mode deletion.Mode, userID string, at time.Time) (string, []any) {
	const disable = `UPDATE users SET email_key = 'deleted ' || id, deletion_at = 0, deleted_at = $2, disabled_at = $2, updated_at = $2,
		two_step_at = 0, auth_epoch = auth_epoch + 1`
	switch mode {
	case deletion.Hard:
		return `DELETE FROM users`, []any{userID}
	case deletion.Anonymize:
		return disable + `, email = '', email_verified_at = 0, name = '', role = '', language = '', profile = '{}'`, []any{userID, micros(at)}
	default:
		return disable, []any{userID, micros(at)}
	}
}

var _ deletion.Store = (*DB)(nil)
