package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// callTimeout bounds every call, unless the context ends earlier.
const callTimeout = 3 * time.Second

// Options tune a database. The zero value is ready for use.
type Options struct {
	// Clock tells the time by which sessions end. Default time.Now.
	Clock authcore.Clock
	// MaxConns bounds the connections. Default 20 for Postgres, 8 readers for
	// SQLite, which has one writer always.
	MaxConns int
}

// DB is a database of either dialect. It is safe for concurrent use.
type DB struct {
	dialect dialect
	// read and write are the same pool on Postgres. SQLite has one connection
	// that writes, so that writers queue in order instead of meeting a lock.
	read, write *sql.DB
	now         authcore.Clock
	promised    chan struct{} // of room for one
}

func newDB(d dialect, read, write *sql.DB, o Options) *DB {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &DB{dialect: d, read: read, write: write, now: o.Clock, promised: make(chan struct{}, 1)}
}

// String names the database for operators, without secrets.
func (db *DB) String() string { return db.dialect.String() }

// Ping reports whether the database answers. It connects when there is no
// connection yet.
func (db *DB) Ping(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return db.failed("reaching the database", db.read.PingContext(ctx))
}

// Close closes all connections.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.Close()
	}
	return errors.Join(db.read.Close(), db.write.Close())
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}

// querier is what a statement runs on: a pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// transact runs a change in one transaction. Its error is translated, with
// what was being done before it.
func (db *DB) transact(ctx context.Context, doing string, change func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return db.transactWithin(ctx, doing, change)
}

// transactWithin is transact for a change that may take as long as its context
// lets it.
func (db *DB) transactWithin(ctx context.Context, doing string, change func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return db.failed(doing, err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := change(ctx, tx); err != nil {
		return db.failed(doing, err)
	}
	return db.failed(doing, tx.Commit())
}

// exec runs one statement outside of a transaction and returns the number of
// rows that it changed.
func (db *DB) exec(ctx context.Context, doing, query string, args ...any) (int64, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	n, err := affected(db.write.ExecContext(ctx, query, args...))
	return n, db.failed(doing, err)
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// found fails with sql.ErrNoRows when no row was changed.
func found(n int64, err error) error {
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	return err
}

// scanner is a row.
type scanner interface{ Scan(...any) error }

// collect returns what a function reads from each row of a query.
func collect[T any](ctx context.Context, q querier, read func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		item, err := read(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

// readAll is collect outside of a transaction.
func readAll[T any](ctx context.Context, db *DB, doing string, read func(scanner) (T, error), query string, args ...any) ([]T, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	items, err := collect(ctx, db.read, read, query, args...)
	return items, db.failed(doing, err)
}

// scanText reads a row of one text.
func scanText(row scanner) (value string, err error) {
	err = row.Scan(&value)
	return value, err
}

// failed translates an error of the database into the vocabulary of authcore.
// Errors that are in that vocabulary already pass with their meaning.
func (db *DB) failed(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, authcore.ErrNotFound)
	case db.dialect.unique(err):
		return fmt.Errorf("%s: %w: %w", doing, authcore.ErrConflict, err)
	case unreachable(err), db.dialect.unavailable(err):
		return fmt.Errorf("%s: %w: %w", doing, authcore.ErrUnavailable, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// micros is the stored form of a time; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the inverse of micros.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func limitConns(pool *sql.DB, maximum int) *sql.DB {
	pool.SetMaxOpenConns(maximum)
	pool.SetMaxIdleConns(cmp.Or(maximum/2, 1))
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool
}
