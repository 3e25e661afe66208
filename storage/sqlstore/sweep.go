package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
)

const (
	// sweepBatch bounds how many rows one statement deletes, so that it never
	// holds the writer for long.
	sweepBatch = 1000
	// sweepBatches bounds one sweep of a table; the next one goes on.
	sweepBatches = 200
	// keepDead is how long an operator can look at a job that was given up.
	keepDead = 30 * 24 * time.Hour
	// keepUnproven is how long an account waits for the proof of its address:
	// strangers could else fill the database with accounts that nobody uses.
	keepUnproven = 30 * 24 * time.Hour
)

// Sweep deletes sessions, tokens and revocations that have expired at the given
// time, jobs that were given up long ago, and accounts whose address was never
// proven. The caller runs it periodically; several nodes may.
func (db *DB) Sweep(ctx context.Context, now time.Time) error {
	for _, expired := range []struct{ table, column string }{
		{"sessions", "deadline"},
		{"tokens", "expires_at"},
		{"revocations", "expires_at"},
		{"trusted_browsers", "expires_at"},
		{"ceremonies", "expires_at"},
	} {
		if err := db.sweepTable(ctx, expired.table, expired.column, micros(now)); err != nil {
			return err
		}
	}
	if _, err := db.exec(ctx, "sweeping jobs", `DELETE FROM jobs WHERE dead_at <> 0 AND dead_at < $1`, micros(now.Add(-keepDead))); err != nil {
		return err
	}
	return db.sweepUnproven(ctx, now)
}

// sweepUnproven deletes one batch of accounts; the next sweep goes on.
func (db *DB) sweepUnproven(ctx context.Context, now time.Time) error {
	return db.transact(ctx, "sweeping accounts", func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `DELETE FROM users WHERE id IN (SELECT id FROM users
			WHERE email_verified_at = 0 AND disabled_at = 0 AND created_at < $1 LIMIT $2) RETURNING id`, micros(now.Add(-keepUnproven)), sweepBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		var ids []string
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, id := range ids {
			event := audit.New(now, audit.DeletionExecute, authcore.Client{}).By(audit.ActorSystem, "").Of(id)
			if err := insertEvent(ctx, tx, event.With("reason", "never_confirmed")); err != nil {
				return err
			}
		}
		return nil
	})
}

func (db *DB) sweepTable(ctx context.Context, table, column string, now int64) error {
	query := fmt.Sprintf(`DELETE FROM %[1]s WHERE %[2]s <= $1 AND hash IN
		(SELECT hash FROM %[1]s WHERE %[2]s <= $1 LIMIT %[3]d)`, table, column, sweepBatch)
	for range sweepBatches {
		n, err := db.exec(ctx, "sweeping "+table, query, now)
		if err != nil || n < sweepBatch {
			return err
		}
	}
	return nil
}
