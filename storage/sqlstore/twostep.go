package sqlstore

import (
	"context"
	"database/sql"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mfa"
)

// Factors implements mfa.Store.
func (db *DB) Factors(ctx context.Context, userID, rpID string) (f mfa.Factors, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var twoStepAt, appAt int64
	row := db.read.QueryRowContext(ctx, `SELECT credentials.password_hash <> '', users.two_step_at, coalesce(two_step.secret, $2), coalesce(two_step.app_at, 0),
		coalesce(two_step.failures, 0), (SELECT count(*) FROM backup_codes WHERE user_id = users.id),
		(SELECT count(*) FROM passkeys WHERE user_id = users.id AND rp_id = $3), (SELECT count(*) FROM passkeys WHERE user_id = users.id AND rp_id <> $3)
		FROM users JOIN credentials ON credentials.user_id = users.id LEFT JOIN two_step ON two_step.user_id = users.id WHERE users.id = $1`, userID, []byte{}, rpID)
	if err := row.Scan(&f.Password, &twoStepAt, &f.Secret, &appAt, &f.Failures, &f.Codes, &f.Passkeys, &f.Elsewhere); err != nil {
		return mfa.Factors{}, db.failed("reading second factors", err)
	}
	f.TwoStepAt, f.AppAt = timeOf(twoStepAt), timeOf(appAt)
	return f, nil
}

// TurnOn implements mfa.Store.
func (db *DB) TurnOn(ctx context.Context, e mfa.Enrollment, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "turning two-step sign-in on", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, e.UserID, e.Epoch); err != nil {
			return err
		}
		at := micros(event.At)
		if _, err := tx.ExecContext(ctx, `UPDATE users SET two_step_at = CASE WHEN two_step_at = 0 THEN $2 ELSE two_step_at END,
			updated_at = $2 WHERE id = $1`, e.UserID, at); err != nil {
			return err
		}
		if err := insertApp(ctx, tx, e, at); err != nil {
			return err
		}
		if err := replaceCodes(ctx, tx, e.UserID, e.Codes); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// insertApp stores the app of an enrollment. Without one, there must be a passkey.
// Time steps are the same for every secret, so the latest that was used stands: the
// code that has proven a secret must not be good again when the secret is enrolled
// again.
func insertApp(ctx context.Context, tx *sql.Tx, e mfa.Enrollment, at int64) error {
	if len(e.Secret) > 0 {
		_, err := tx.ExecContext(ctx, `INSERT INTO two_step (user_id, secret, step, app_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret,
			step = CASE WHEN two_step.step > excluded.step THEN two_step.step ELSE excluded.step END, app_at = excluded.app_at, failures = 0`,
			e.UserID, e.Secret, e.Step, at)
		return err
	}
	n, err := affected(tx.ExecContext(ctx, `INSERT INTO two_step (user_id) SELECT $1
		WHERE EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1 AND rp_id = $2) ON CONFLICT (user_id) DO UPDATE SET failures = 0`, e.UserID, e.RPID))
	if err == nil && n == 0 {
		err = mfa.ErrNoPasskey
	}
	return err
}

func replaceCodes(ctx context.Context, tx *sql.Tx, userID string, hashes [][]byte) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM backup_codes WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, hash := range hashes {
		if _, err := tx.ExecContext(ctx, `INSERT INTO backup_codes (user_id, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING`, userID, hash); err != nil {
			return err
		}
	}
	return nil
}

// TurnOff implements mfa.Store.
func (db *DB) TurnOff(ctx context.Context, userID string, epoch int64, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "turning two-step sign-in off", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, userID, epoch); err != nil {
			return err
		}
		if err := found(affected(tx.ExecContext(ctx, `UPDATE users SET two_step_at = 0, updated_at = $2 WHERE id = $1 AND two_step_at <> 0`,
			userID, micros(event.At)))); err != nil {
			return err
		}
		if err := removeTwoStep(ctx, tx, userID); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// Reset implements mfa.Store.
func (db *DB) Reset(ctx context.Context, userID string, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "resetting second factors", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := found(affected(tx.ExecContext(ctx, `UPDATE users SET two_step_at = 0, auth_epoch = auth_epoch + 1, updated_at = $2
			WHERE id = $1 AND deleted_at = 0`, userID, micros(event.At)))); err != nil {
			return err
		}
		if err := removeFactors(ctx, tx, userID); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// removeFactors removes all second factors of a user.
func removeFactors(ctx context.Context, tx *sql.Tx, userID string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM passkeys WHERE user_id = $1`, userID); err != nil {
		return err
	}
	return removeTwoStep(ctx, tx, userID)
}

// removeTwoStep removes what two-step sign-in needs, and what it has left.
func removeTwoStep(ctx context.Context, tx *sql.Tx, userID string) error {
	for _, table := range []string{"two_step", "backup_codes", "trusted_browsers"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE user_id = $1`, userID); err != nil {
			return err
		}
	}
	return nil
}

// UseStep implements mfa.Store.
func (db *DB) UseStep(ctx context.Context, step int64, p account.Proof) error {
	return db.prove(ctx, "using a code", p, func(ctx context.Context, tx *sql.Tx) error {
		return found(affected(tx.ExecContext(ctx, `UPDATE two_step SET step = $2, failures = 0 WHERE user_id = $1 AND step < $2`, p.UserID, step)))
	})
}

// UseBackupCode implements mfa.Store.
func (db *DB) UseBackupCode(ctx context.Context, hash []byte, p account.Proof, tell func(left int) (job.Job, error)) error {
	err := db.prove(ctx, "using a backup code", p, func(ctx context.Context, tx *sql.Tx) error {
		if err := found(affected(tx.ExecContext(ctx, `DELETE FROM backup_codes WHERE user_id = $1 AND hash = $2`, p.UserID, hash))); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE two_step SET failures = 0 WHERE user_id = $1`, p.UserID); err != nil {
			return err
		}
		var left int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM backup_codes WHERE user_id = $1`, p.UserID).Scan(&left); err != nil {
			return err
		}
		letter, err := tell(left)
		if err != nil {
			return err
		}
		return insertJobs(ctx, tx, []job.Job{letter})
	})
	if err == nil {
		db.wake()
	}
	return err
}

// prove uses a factor up and stores what goes with the proof. The account is
// locked before the factor, as everywhere.
func (db *DB) prove(ctx context.Context, doing string, p account.Proof, use func(ctx context.Context, tx *sql.Tx) error) error {
	return db.promise(ctx, doing, p.Jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, p.UserID, p.Epoch); err != nil {
			return err
		}
		if err := use(ctx, tx); err != nil {
			return err
		}
		if p.Event.Action == audit.LoginSuccess {
			if err := noteSignIn(ctx, tx, p.UserID, p.Event); err != nil {
				return err
			}
		}
		if p.Browser != nil {
			if err := insertBrowser(ctx, tx, *p.Browser); err != nil {
				return err
			}
		}
		return insertEvent(ctx, tx, p.Event)
	})
}

// ReplaceBackupCodes implements mfa.Store.
func (db *DB) ReplaceBackupCodes(ctx context.Context, userID string, epoch int64, hashes [][]byte, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "replacing backup codes", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, userID, epoch); err != nil {
			return err
		}
		var twoStepAt int64
		row := tx.QueryRowContext(ctx, `SELECT two_step_at FROM users WHERE id = $1 AND two_step_at <> 0`+db.dialect.forUpdate(), userID)
		if err := row.Scan(&twoStepAt); err != nil {
			return err
		}
		if err := replaceCodes(ctx, tx, userID, hashes); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// CodeFailed implements mfa.Store.
func (db *DB) CodeFailed(ctx context.Context, userID string, event audit.Event) error {
	return db.transact(ctx, "noting a wrong code", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE two_step SET failures = failures + 1 WHERE user_id = $1`, userID); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

var _ mfa.Store = (*DB)(nil)
