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
	// keepDeleted is how long sessions have to learn that an organization was deleted.
	keepDeleted = 30 * 24 * time.Hour
)

// deletedLongAgo is a condition on organizations whose members nobody has to tell any
// more: a job about one, also one that was given up and may be revived, needs them.
const deletedLongAgo = `deleted_at <> 0 AND deleted_at <= $1 AND
	NOT EXISTS (SELECT 1 FROM jobs WHERE subject = organizations.id AND subject <> '')`

// Sweep deletes what has expired at the given time, such as sessions and tokens, and
// organizations that were deleted and jobs that were given up long ago. The caller runs
// it periodically; several nodes may.
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
		if err := db.sweepTable(ctx, expired.table, expired.key, expired.column+` <= $1`, now.Add(-expired.keep)); err != nil {
			return err
		}
	}
	// The members first, in batches too: an organization can have any number.
	members := `org_id IN (SELECT id FROM organizations WHERE ` + deletedLongAgo + `)`
	if err := db.sweepTable(ctx, "memberships", "org_id, user_id", members, now.Add(-keepDeleted)); err != nil {
		return err
	}
	empty := deletedLongAgo + ` AND NOT EXISTS (SELECT 1 FROM memberships WHERE org_id = organizations.id)`
	if err := db.sweepTable(ctx, "organizations", "id", empty, now.Add(-keepDeleted)); err != nil {
		return err
	}
	_, err := db.exec(ctx, "sweeping jobs", `DELETE FROM jobs WHERE dead_at <> 0 AND dead_at < $1`, micros(now.Add(-keepDead)))
	return err
}

// sweepTable deletes the rows that meet a condition on a time, $1.
func (db *DB) sweepTable(ctx context.Context, table, key, condition string, until time.Time) error {
	query := fmt.Sprintf(`DELETE FROM %[1]s WHERE %[2]s AND (%[3]s) IN
		(SELECT %[3]s FROM %[1]s WHERE %[2]s LIMIT %[4]d)`, table, condition, key, sweepBatch)
	for range sweepBatches {
		n, err := db.exec(ctx, "sweeping "+table, query, micros(until))
		if err != nil || n < sweepBatch {
			return err
		}
	}
	return nil
}
