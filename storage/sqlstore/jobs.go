package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore/job"
)

// insertJobs adds jobs to the transaction of the change that promised them.
func insertJobs(ctx context.Context, tx *sql.Tx, jobs []job.Job) error {
	for _, j := range jobs {
		waiting, err := joinWaiting(ctx, tx, j)
		if err != nil {
			return err
		}
		if waiting {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO jobs (id, kind, subject, sealed, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			j.ID, string(j.Kind), j.Subject, j.Sealed, micros(j.CreatedAt), micros(j.DueAt)); err != nil {
			return err
		}
	}
	return nil
}

// joinWaiting reports whether a job about the same waits already, which is then due
// no later. It is locked, so that nobody begins it before the change is there to be
// seen; one that somebody has begun may have missed it, and does not count.
func joinWaiting(ctx context.Context, tx *sql.Tx, j job.Job) (bool, error) {
	if j.Subject == "" {
		return false, nil
	}
	n, err := affected(tx.ExecContext(ctx, `UPDATE jobs SET due_at = CASE WHEN due_at < $3 THEN due_at ELSE $3 END
		WHERE kind = $1 AND subject = $2 AND lease = '' AND dead_at = 0`, string(j.Kind), j.Subject, micros(j.DueAt)))
	return n > 0, err
}

// finishJob removes a job in the transaction of what it did, or fails with
// sql.ErrNoRows when its lease was lost: then somebody else does it.
func finishJob(ctx context.Context, tx *sql.Tx, j job.Job) error {
	return found(affected(tx.ExecContext(ctx, `DELETE FROM jobs WHERE id = $1 AND lease = $2`, j.ID, j.Lease)))
}

// Jobs is the queue of what is to be done.
type Jobs struct {
	db *DB
}

// Jobs returns the queue.
func (db *DB) Jobs() *Jobs { return &Jobs{db} }

// promise runs a change in one transaction with the jobs that follow from it,
// and tells the worker of this process.
func (db *DB) promise(ctx context.Context, doing string, jobs []job.Job, change func(ctx context.Context, tx *sql.Tx) error) error {
	err := db.transact(ctx, doing, func(ctx context.Context, tx *sql.Tx) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		return insertJobs(ctx, tx, jobs)
	})
	if err == nil && len(jobs) > 0 {
		db.wake()
	}
	return err
}

// wake tells the worker that there are jobs.
func (db *DB) wake() {
	select {
	case db.promised <- struct{}{}:
	default: // it knows already
	}
}

// Promised receives a value after jobs were stored by this process.
func (q *Jobs) Promised() <-chan struct{} { return q.db.promised }

// Add stores jobs that come with no other change.
func (q *Jobs) Add(ctx context.Context, jobs ...job.Job) error {
	return q.db.promise(ctx, "promising work", jobs, func(context.Context, *sql.Tx) error { return nil })
}

// Claim implements job.Store. It looks before it writes: a gateway that has
// nothing to do must not wear out a disk.
func (q *Jobs) Claim(ctx context.Context, n int, now time.Time, lease time.Duration, kinds ...job.Kind) ([]job.Job, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var due bool
	looked := []any{micros(now)}
	row := q.db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM jobs WHERE dead_at = 0 AND due_at <= $1`+ofKinds(&looked, kinds)+`)`, looked...)
	if err := row.Scan(&due); err != nil || !due {
		return nil, q.db.failed("looking for jobs", err)
	}
	args := []any{rand.Text(), micros(now.Add(lease)), micros(now), n}
	rows, err := q.db.write.QueryContext(ctx, `UPDATE jobs SET lease = $1, due_at = $2, attempts = attempts + 1
		WHERE id IN (SELECT id FROM jobs WHERE dead_at = 0 AND due_at <= $3`+ofKinds(&args, kinds)+` ORDER BY due_at LIMIT $4`+q.db.dialect.skipLocked()+`)
		RETURNING `+jobColumns, args...)
	if err != nil {
		return nil, q.db.failed("claiming jobs", err)
	}
	jobs, err := scanJobs(rows)
	slices.SortFunc(jobs, func(a, b job.Job) int { return cmp.Compare(a.ID, b.ID) })
	return jobs, q.db.failed("claiming jobs", err)
}

// ofKinds is a condition for jobs of these kinds, if any are named; it appends its
// arguments.
func ofKinds(args *[]any, kinds []job.Kind) string {
	if len(kinds) == 0 {
		return ""
	}
	list := placeholders(len(*args)+1, len(kinds))
	for _, kind := range kinds {
		*args = append(*args, string(kind))
	}
	return ` AND kind IN (` + list + `)`
}

// Renew implements job.Store.
func (q *Jobs) Renew(ctx context.Context, lease string, until time.Time) error {
	_, err := q.db.exec(ctx, "renewing a lease", `UPDATE jobs SET due_at = $2 WHERE lease = $1 AND lease <> '' AND dead_at = 0`, lease, micros(until))
	return err
}

const jobColumns = `id, kind, sealed, created_at, due_at, attempts, lease, dead_at, error`

func scanJobs(rows *sql.Rows) ([]job.Job, error) {
	defer rows.Close()
	var jobs []job.Job
	for rows.Next() {
		var j job.Job
		var created, due, dead int64
		if err := rows.Scan(&j.ID, &j.Kind, &j.Sealed, &created, &due, &j.Attempts, &j.Lease, &dead, &j.Error); err != nil {
			return nil, err
		}
		j.CreatedAt, j.DueAt, j.DeadAt = timeOf(created), timeOf(due), timeOf(dead)
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// Done implements job.Store.
func (q *Jobs) Done(ctx context.Context, j job.Job) error {
	_, err := q.db.exec(ctx, "removing a job", `DELETE FROM jobs WHERE id = $1 AND lease = $2`, j.ID, j.Lease)
	return err
}

// Failed implements job.Store.
func (q *Jobs) Failed(ctx context.Context, j job.Job) error {
	_, err := q.db.exec(ctx, "noting a failed job", `UPDATE jobs SET lease = '', due_at = $3, dead_at = $4, error = $5
		WHERE id = $1 AND lease = $2`, j.ID, j.Lease, micros(j.DueAt), micros(j.DeadAt), printable(j.Error))
	return err
}

// Counts implements job.Store.
func (q *Jobs) Counts(ctx context.Context, kinds ...job.Kind) (c job.Counts, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var args []any
	row := q.db.read.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(CASE WHEN dead_at = 0 THEN 0 ELSE 1 END), 0) FROM jobs
		WHERE attempts >= 0`+ofKinds(&args, kinds), args...)
	err = row.Scan(&c.Waiting, &c.Dead)
	c.Waiting -= c.Dead
	return c, q.db.failed("counting jobs", err)
}

// List returns up to limit jobs for an operator to look at: first those that were
// given up, then those that have failed, then the oldest.
func (q *Jobs) List(ctx context.Context, limit int, kinds ...job.Kind) ([]job.Job, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	args := []any{limit}
	rows, err := q.db.read.QueryContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE attempts >= 0`+ofKinds(&args, kinds)+`
		ORDER BY dead_at <> 0 DESC, error <> '' DESC, id LIMIT $1`, args...)
	if err != nil {
		return nil, q.db.failed("listing jobs", err)
	}
	jobs, err := scanJobs(rows)
	return jobs, q.db.failed("listing jobs", err)
}

// Revive makes a job that waits for its next attempt, or was given up, due at
// once; with an empty id all of them. It returns how many there were. Their
// time to live begins anew.
func (q *Jobs) Revive(ctx context.Context, id string, now time.Time, kinds ...job.Kind) (int, error) {
	args := []any{micros(now), id}
	n, err := q.db.exec(ctx, "reviving jobs", `UPDATE jobs SET dead_at = 0, due_at = $1, created_at = $1, attempts = 0
		WHERE lease = '' AND attempts > 0 AND ($2 = '' OR id = $2)`+ofKinds(&args, kinds), args...)
	return int(n), err
}

var _ job.Store = (*Jobs)(nil)
