package sqlstore

import (
	"context"

	"github.com/sigra-auth/sigra/authcore/secret"
)

// CheckValue implements secret.CheckStore.
func (db *DB) CheckValue(ctx context.Context, value []byte) ([]byte, error) {
	const name = "master_secret_check"
	if _, err := db.exec(ctx, "keeping the check value", `INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO NOTHING`, name, value); err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	var stored []byte
	err := db.read.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, name).Scan(&stored)
	return stored, db.failed("reading the check value", err)
}

var _ secret.CheckStore = (*DB)(nil)
