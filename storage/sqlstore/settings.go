package sqlstore

import (
	"context"

	"github.com/sigra-auth/sigra/authcore/secret"
)

// checkName is the setting that a gateway makes when it first uses a database.
const checkName = "master_secret_check"

// Used reports whether a gateway has used the database before. It makes nothing.
func (db *DB) Used(ctx context.Context) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var n int
	err := db.read.QueryRowContext(ctx, `SELECT count(*) FROM settings WHERE name = $1`, checkName).Scan(&n)
	if err != nil && db.dialect.unmade(err) {
		return false, nil
	}
	return n > 0, db.failed("looking whether the database was used", err)
}

// CheckValue implements secret.CheckStore.
func (db *DB) CheckValue(ctx context.Context, value []byte) ([]byte, error) {
	if _, err := db.exec(ctx, "keeping the check value", `INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO NOTHING`, checkName, value); err != nil {
		return nil, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	var stored []byte
	err := db.read.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, checkName).Scan(&stored)
	return stored, db.failed("reading the check value", err)
}

var _ secret.CheckStore = (*DB)(nil)
