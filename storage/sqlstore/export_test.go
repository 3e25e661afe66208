package sqlstore

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Raw is the writing pool, to look at and disturb what the store keeps.
func (db *DB) Raw() *sql.DB { return db.write }

// OpenTraced opens a Postgres database whose queries are told to a tracer.
func OpenTraced(dsn string, tracer pgx.QueryTracer) (*DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.Tracer = tracer
	pool := stdlib.OpenDB(*config)
	return newDB(postgres{}, pool, pool, Options{}), nil
}

// SpareOwner asks whether organizations could do without an owner.
func (db *DB) SpareOwner(ctx context.Context, userID, owner string) error {
	return spareOwner(ctx, db.read, userID, owner)
}
