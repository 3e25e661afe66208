package sqlstore

import (
	"context"
	"fmt"
	"time"
)

const (
	// sweepBatch bounds how many rows one statement deletes, so that it never
	// holds the writer for long.
	sweepBatch = 1000
	// sweepBatches bounds one sweep of a table; the next one goes on.
	sweepBatches = 200
	// keepDead is how long an operator can look at a job that was given up.
	keepDead = 30 * 24 * time.Hour
	// keepInvitations is how long members can look at an invitation that has ended.
	keepInvitations = 30 * 24 * time.Hour
)

// Sweep deletes what has expired at the given time, such as sessions and tokens, and
// jobs that were given up long ago. The caller runs it periodically; several nodes
// may.
func (db *DB) Sweep(ctx context.Context, now time.Time) error {
	for _, expired := range []struct {
		table, key, column string
		keep               time.Duration
	}{
		{"sessions", "hash", "deadline", 0},
		{"tokens", "hash", "expires_at", 0},
		{"revocations", "hash", "expires_at", 0},
		{"changed_rights", "user_id", "expires_at", 0},
		{"trusted_browsers", "hash", "expires_at", 0},
		{"ceremonies", "hash", "expires_at", 0},
		{"org_slugs", "slug", "expires_at", 0},
		{"invitations", "id", "expires_at", keepInvitations},
		{"org_mails", "id", "at", keepInvitations},
	} {
		if err := db.sweepTable(ctx, expired.table, expired.key, expired.column, micros(now.Add(-expired.keep))); err != nil {
			return err
		}
	}
	_, err := db.exec(ctx, "sweeping jobs", `DELETE FROM jobs WHERE dead_at <> 0 AND dead_at < $1`, micros(now.Add(-keepDead)))
	return err
}

func (db *DB) sweepTable(ctx context.Context, table, key, column string, now int64) error {
	query := fmt.Sprintf(`DELETE FROM %[1]s WHERE %[2]s <= $1 AND %[3]s IN
		(SELECT %[3]s FROM %[1]s WHERE %[2]s <= $1 LIMIT %[4]d)`, table, column, key, sweepBatch)
	for range sweepBatches {
		n, err := db.exec(ctx, "sweeping "+table, query, now)
		if err != nil || n < sweepBatch {
			return err
		}
	}
	return nil
}
