package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/assertion"
	"github.com/sigra-auth/sigra/authcore/audit"
)

// Keys implements assertion.KeyStore.
func (db *DB) Keys(ctx context.Context) ([]assertion.StoredKey, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	rows, err := db.read.QueryContext(ctx, `SELECT id, algorithm, sealed, created_at, active_at
		FROM signing_keys ORDER BY active_at DESC, id DESC`)
	if err != nil {
		return nil, db.failed("reading signing keys", err)
	}
	defer rows.Close()
	var keys []assertion.StoredKey
	for rows.Next() {
		var k assertion.StoredKey
		var created, active int64
		if err := rows.Scan(&k.ID, &k.Algorithm, &k.Sealed, &created, &active); err != nil {
			return nil, db.failed("reading signing keys", err)
		}
		k.CreatedAt, k.ActiveAt = timeOf(created), timeOf(active)
		keys = append(keys, k)
	}
	return keys, db.failed("reading signing keys", rows.Err())
}

// AddKey implements assertion.KeyStore.
func (db *DB) AddKey(ctx context.Context, key assertion.StoredKey, newest string, event audit.Event) error {
	return db.transact(ctx, "adding a signing key", func(ctx context.Context, tx *sql.Tx) error {
		if err := db.dialect.lockTable(ctx, tx, "signing_keys"); err != nil {
			return err
		}
		var current string
		row := tx.QueryRowContext(ctx, `SELECT id FROM signing_keys ORDER BY active_at DESC, id DESC LIMIT 1`)
		if err := row.Scan(&current); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if current != newest {
			return fmt.Errorf("%w: the newest key is another one by now", authcore.ErrConflict)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO signing_keys (id, algorithm, sealed, created_at, active_at)
			VALUES ($1, $2, $3, $4, $5)`, key.ID, key.Algorithm, key.Sealed, micros(key.CreatedAt), micros(key.ActiveAt)); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// RemoveKeys implements assertion.KeyStore.
func (db *DB) RemoveKeys(ctx context.Context, ids ...string) error {
	return db.transact(ctx, "removing signing keys", func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `DELETE FROM signing_keys WHERE id = $1`, id); err != nil {
				return err
			}
		}
		return nil
	})
}

var _ assertion.KeyStore = (*DB)(nil)
