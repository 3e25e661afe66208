package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/passkey"
)

const passkeyColumns = `credential_id, user_id, rp_id, name, discoverable, data, sign_count, backed_up, created_at, used_at`

func scanPasskey(row interface{ Scan(...any) error }) (p passkey.Passkey, err error) {
	var created, used int64
	err = row.Scan(&p.ID, &p.UserID, &p.RPID, &p.Name, &p.Discoverable, &p.Data, &p.SignCount, &p.BackedUp, &created, &used)
	p.CreatedAt, p.UsedAt = timeOf(created), timeOf(used)
	return p, err
}

// Passkeys implements passkey.Store.
func (db *DB) Passkeys(ctx context.Context, userID string) (list []passkey.Passkey, err error) {
	const doing = "listing passkeys"
	ctx, cancel := bounded(ctx)
	defer cancel()
	rows, err := db.read.QueryContext(ctx, `SELECT `+passkeyColumns+` FROM passkeys WHERE user_id = $1 ORDER BY created_at, credential_id`, userID)
	if err != nil {
		return nil, db.failed(doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanPasskey(rows)
		if err != nil {
			return nil, db.failed(doing, err)
		}
		list = append(list, p)
	}
	return list, db.failed(doing, rows.Err())
}

// RelyingParties implements passkey.Store.
func (db *DB) RelyingParties(ctx context.Context, userID string) ([]string, error) {
	return readAll(ctx, db, "looking for passkeys", scanText, `SELECT DISTINCT rp_id FROM passkeys WHERE user_id = $1 ORDER BY rp_id`, userID)
}

// Passkey implements passkey.Store.
func (db *DB) Passkey(ctx context.Context, id []byte) (passkey.Passkey, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	p, err := scanPasskey(db.read.QueryRowContext(ctx, `SELECT `+passkeyColumns+` FROM passkeys WHERE credential_id = $1`, id))
	return p, db.failed("finding a passkey", err)
}

// AddPasskey implements passkey.Store. The account is locked while its passkeys
// are counted.
func (db *DB) AddPasskey(ctx context.Context, p passkey.Passkey, epoch int64, max int, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "adding a passkey", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := db.unchanged(ctx, tx, p.UserID, epoch); err != nil {
			return err
		}
		var count int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM passkeys WHERE user_id = $1`, p.UserID).Scan(&count); err != nil {
			return err
		}
		if count >= max {
			return passkey.ErrTooMany
		}
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO passkeys (`+passkeyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (credential_id) DO NOTHING`,
			p.ID, p.UserID, p.RPID, p.Name, p.Discoverable, p.Data, int64(p.SignCount), p.BackedUp, micros(p.CreatedAt), micros(p.UsedAt)))
		if err == nil && n == 0 {
			err = passkey.ErrExists
		}
		if err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// UsePasskey implements passkey.Store.
func (db *DB) UsePasskey(ctx context.Context, u passkey.Use, p account.Proof) error {
	return db.prove(ctx, "using a passkey", p, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE passkeys SET sign_count = $3, backed_up = $4, used_at = $5,
			discoverable = discoverable OR $7
			WHERE credential_id = $1 AND user_id = $6 AND sign_count = $2`,
			u.ID, int64(u.Before), int64(u.After), u.BackedUp, micros(p.Event.At), p.UserID, u.Discovered))
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: the passkey was used or removed meanwhile", passkey.ErrRefused)
		}
		return err
	})
}

// RenamePasskey implements passkey.Store.
func (db *DB) RenamePasskey(ctx context.Context, userID string, id []byte, name string, event audit.Event) error {
	return db.transact(ctx, "renaming a passkey", func(ctx context.Context, tx *sql.Tx) error {
		if err := found(affected(tx.ExecContext(ctx, `UPDATE passkeys SET name = $3 WHERE credential_id = $1 AND user_id = $2`, id, userID, name))); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// RemovePasskey implements passkey.Store.
func (db *DB) RemovePasskey(ctx context.Context, r passkey.Removal, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "removing a passkey", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if r.Guarded {
			if err := db.unchanged(ctx, tx, r.UserID, r.Epoch); err != nil {
				return err
			}
		}
		var twoStepAt int64
		row := tx.QueryRowContext(ctx, `SELECT two_step_at FROM users WHERE id = $1`+db.dialect.forUpdate(), r.UserID)
		if err := row.Scan(&twoStepAt); err != nil {
			return err
		}
		if err := found(affected(tx.ExecContext(ctx, `DELETE FROM passkeys WHERE credential_id = $1 AND user_id = $2`, r.ID, r.UserID))); err != nil {
			return err
		}
		if r.Guarded {
			if err := otherWay(ctx, tx, r, twoStepAt != 0); err != nil {
				return err
			}
		}
		return insertEvent(ctx, tx, event)
	})
}

// otherWay fails with passkey.ErrLast when a user could not sign in any more with
// what is left. Passkeys of other relying parties do not count: the domain may have
// been another one before.
func otherWay(ctx context.Context, tx *sql.Tx, r passkey.Removal, twoStep bool) error {
	var password, app bool
	var any, discoverable int
	row := tx.QueryRowContext(ctx, `SELECT password_hash <> '', EXISTS (SELECT 1 FROM two_step WHERE user_id = $1 AND app_at <> 0),
		(SELECT count(*) FROM passkeys WHERE user_id = $1 AND rp_id = $2),
		(SELECT count(*) FROM passkeys WHERE user_id = $1 AND rp_id = $2 AND discoverable)
		FROM credentials WHERE user_id = $1`, r.UserID, r.RPID)
	if err := row.Scan(&password, &app, &any, &discoverable); err != nil {
		return err
	}
	if !password && discoverable == 0 || twoStep && !app && any == 0 {
		return passkey.ErrLast
	}
	return nil
}

// PutCeremony implements passkey.Ceremonies.
func (db *DB) PutCeremony(ctx context.Context, hash, data []byte, expires time.Time) error {
	_, err := db.exec(ctx, "storing a challenge", `INSERT INTO ceremonies (hash, data, expires_at) VALUES ($1, $2, $3)`, hash, data, micros(expires))
	return err
}

// TakeCeremony implements passkey.Ceremonies.
func (db *DB) TakeCeremony(ctx context.Context, hash []byte) (data []byte, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var expires int64
	row := db.write.QueryRowContext(ctx, `DELETE FROM ceremonies WHERE hash = $1 RETURNING data, expires_at`, hash)
	if err := row.Scan(&data, &expires); err != nil {
		return nil, db.failed("finding a challenge", err)
	}
	if !timeOf(expires).After(db.now()) {
		return nil, db.failed("finding a challenge", sql.ErrNoRows)
	}
	return data, nil
}

var (
	_ passkey.Store      = (*DB)(nil)
	_ passkey.Ceremonies = (*DB)(nil)
)
