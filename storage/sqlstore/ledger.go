package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Create implements account.Ledger.
func (db *DB) Create(ctx context.Context, user authcore.User, passwordHash string, event audit.Event) error {
	return db.transact(ctx, "creating an account", func(ctx context.Context, tx *sql.Tx) error {
		if err := insertUser(ctx, tx, user, passwordHash); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// CreateFirst implements account.Ledger. The lock on the table makes the look
// for accounts and the insertion one step, also against Create.
func (db *DB) CreateFirst(ctx context.Context, tokenHash []byte, user authcore.User, passwordHash string, event audit.Event) error {
	return db.transact(ctx, "creating the first account", func(ctx context.Context, tx *sql.Tx) error {
		if err := db.dialect.lockTable(ctx, tx, "users"); err != nil {
			return err
		}
		has, err := hasUsers(ctx, tx)
		if err != nil {
			return err
		}
		if has {
			return fmt.Errorf("%w: there are accounts already", authcore.ErrConflict)
		}
		if err := consumeToken(ctx, tx, tokenHash, token.SetUp, user.CreatedAt); err != nil {
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

// SetPassword implements account.Ledger.
func (db *DB) SetPassword(ctx context.Context, userID, passwordHash string, event audit.Event, jobs ...job.Job) (user authcore.User, err error) {
	err = db.promise(ctx, "setting a password", jobs, func(ctx context.Context, tx *sql.Tx) error {
		user, err = setPassword(ctx, tx, userID, passwordHash, event)
		return err
	})
	return user, err
}

// ChangePassword implements account.Ledger.
func (db *DB) ChangePassword(ctx context.Context, userID string, epoch int64, passwordHash string, event audit.Event, jobs ...job.Job) (user authcore.User, err error) {
	err = db.promise(ctx, "changing a password", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, userID, epoch); err != nil {
			return err
		}
		user, err = setPassword(ctx, tx, userID, passwordHash, event)
		return err
	})
	return user, err
}

func setPassword(ctx context.Context, tx *sql.Tx, userID, passwordHash string, event audit.Event) (authcore.User, error) {
	at := micros(event.At)
	row := tx.QueryRowContext(ctx, `UPDATE users SET auth_epoch = auth_epoch + 1, updated_at = $2
		WHERE id = $1 AND deleted_at = 0 RETURNING `+userColumns, userID, at)
	user, err := scanUser(row)
	if err != nil {
		return user, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE credentials SET password_hash = $2, failures = 0, changed_at = $3
		WHERE user_id = $1`, userID, passwordHash, at); err != nil {
		return user, err
	}
	if err := newPasswordSet(ctx, tx, userID); err != nil {
		return user, err
	}
	return user, insertEvent(ctx, tx, event)
}

// newPasswordSet does what follows from a new password: links are void, and
// codes, of which too many were wrong, are taken again.
func newPasswordSet(ctx context.Context, tx *sql.Tx, userID string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1`, userID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE two_step SET failures = 0 WHERE user_id = $1`, userID)
	return err
}

// UpgradePassword implements account.Ledger.
func (db *DB) UpgradePassword(ctx context.Context, userID, oldHash, newHash string) error {
	_, err := db.exec(ctx, "upgrading a password hash",
		`UPDATE credentials SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2`, userID, oldHash, newHash)
	return err
}

// SetDisabled implements account.Ledger.
func (db *DB) SetDisabled(ctx context.Context, userID string, disabled bool, event audit.Event, jobs ...job.Job) (user authcore.User, err error) {
	err = db.promise(ctx, "disabling or enabling an account", jobs, func(ctx context.Context, tx *sql.Tx) error {
		at := micros(event.At)
		disabledAt, epochs := int64(0), 0
		if disabled {
			disabledAt, epochs = at, 1
		}
		row := tx.QueryRowContext(ctx, `UPDATE users SET disabled_at = $2, auth_epoch = auth_epoch + $3, updated_at = $4
			WHERE id = $1 AND deleted_at = 0 RETURNING `+userColumns, userID, disabledAt, epochs, at)
		if user, err = scanUser(row); err != nil {
			return err
		}
		if disabled { // a link that was sent before must not work once it is enabled again
			if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE user_id = $1`, userID); err != nil {
				return err
			}
			if err := withdrawAll(ctx, tx, userID, event.At); err != nil {
				return err
			}
		}
		return insertEvent(ctx, tx, event)
	})
	return user, err
}

// SignedIn implements account.Ledger. The account is locked while it is judged,
// so that a sign-in and a revocation that overlap are told apart: the later one
// sees what the earlier one did.
func (db *DB) SignedIn(ctx context.Context, userID string, epoch int64, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "noting a sign-in", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, userID, epoch); err != nil {
			return err
		}
		if err := noteSignIn(ctx, tx, userID, event); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// unchanged locks an account, and fails with authcore.ErrConflict unless it may
// sign in and is at the epoch.
func (db *DB) unchanged(ctx context.Context, tx *sql.Tx, userID string, epoch int64) error {
	var disabledAt, current int64
	row := tx.QueryRowContext(ctx, `SELECT disabled_at, auth_epoch FROM users WHERE id = $1`+db.dialect.forUpdate(), userID)
	if err := row.Scan(&disabledAt, &current); err != nil {
		return err
	}
	if disabledAt != 0 || current != epoch {
		return fmt.Errorf("%w: the account has changed meanwhile", authcore.ErrConflict)
	}
	return nil
}

// noteSignIn notes what a first factor has proven; nobody has signed in while the
// second is due.
func noteSignIn(ctx context.Context, tx *sql.Tx, userID string, event audit.Event) error {
	if event.Action == audit.LoginPending {
		_, err := tx.ExecContext(ctx, `UPDATE credentials SET failures = 0 WHERE user_id = $1`, userID)
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE credentials SET failures = 0, signed_in_at = $2 WHERE user_id = $1`, userID, micros(event.At))
	return err
}

// Approve implements account.Ledger.
func (db *DB) Approve(ctx context.Context, userID string, event audit.Event, jobs ...job.Job) (user authcore.User, err error) {
	err = db.promise(ctx, "approving an account", jobs, func(ctx context.Context, tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, `UPDATE users SET awaits_approval = 0, updated_at = $2
			WHERE id = $1 AND awaits_approval <> 0 AND deleted_at = 0 RETURNING `+userColumns, userID, micros(event.At))
		if user, err = scanUser(row); errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("%w: the account does not wait for approval", authcore.ErrConflict)
		}
		if err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
	return user, err
}

// Failed implements account.Ledger.
func (db *DB) Failed(ctx context.Context, userID string, event audit.Event) (failures int, err error) {
	err = db.transact(ctx, "noting a failed sign-in", func(ctx context.Context, tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, `UPDATE credentials SET failures = failures + 1 WHERE user_id = $1 RETURNING failures`, userID)
		if err := row.Scan(&failures); err != nil && (userID != "" || !errors.Is(err, sql.ErrNoRows)) {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
	return failures, err
}

// Note implements account.Ledger.
func (db *DB) Note(ctx context.Context, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "noting an event", jobs, func(ctx context.Context, tx *sql.Tx) error {
		return insertEvent(ctx, tx, event)
	})
}

var _ account.Ledger = (*DB)(nil)
