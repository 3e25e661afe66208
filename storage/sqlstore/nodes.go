package sqlstore

import (
	"context"
	"database/sql"
)

// Alone notes that a node uses the database, and reports whether no other one has
// done so within the last ten seconds, by the clock of the database. A file of SQLite
// has one node.
func (db *DB) Alone(ctx context.Context, node string) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	alone, err := db.dialect.alone(ctx, db.write, node)
	return alone, db.failed("looking for other nodes", err)
}

func (sqliteFile) alone(context.Context, *sql.DB, string) (bool, error) { return true, nil }

func (postgres) alone(ctx context.Context, db *sql.DB, node string) (alone bool, err error) {
	err = db.QueryRowContext(ctx, `WITH here AS (
			INSERT INTO nodes (id, seen_at) VALUES ($1, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()
		), gone AS (
			DELETE FROM nodes WHERE seen_at < now() - interval '1 hour'
		)
		SELECT NOT EXISTS (SELECT 1 FROM nodes WHERE id <> $1 AND seen_at > now() - interval '10 seconds')`, node).Scan(&alone)
	return alone, err
}
