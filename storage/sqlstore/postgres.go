package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// OpenPostgres returns a Postgres database (14 or later) by its connection
// string, a postgres:// URL or keywords and values as libpq takes them. It
// does not connect. Errors do not repeat the string, which may hold a password.
func OpenPostgres(dsn string, o Options) (*DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("malformed Postgres connection string, want postgres://user:password@host:5432/database")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = callTimeout
	}
	pool := limitConns(stdlib.OpenDB(*config, stdlib.OptionShouldPing(always)), cmp.Or(o.MaxConns, 20))
	pool.SetConnMaxLifetime(time.Hour)
	return newDB(postgres{config.Host + "/" + config.Database}, pool, pool, o), nil
}

// always has a pooled connection answer before it is used again. By default
// only one idle for a second must: after a quick restart of the server each of
// the others would fail one request.
func always(context.Context, stdlib.ShouldPingParams) bool { return true }

// postgres is the dialect of a database on a server, which name tells.
type postgres struct{ name string }

func (p postgres) String() string { return "the Postgres database " + p.name }

// migrationLock is the key of the advisory lock under which nodes migrate:
// "sigra" in ASCII.
const migrationLock = 0x7369677261

func (postgres) migrate(ctx context.Context, db *sql.DB) error {
	return gooseUp(ctx, goose.DialectPostgres, db, "postgres", goose.WithSessionLocker(advisoryLock{}))
}

// advisoryLock is held by the connection that migrates. Postgres frees it when
// that connection ends, so a crashed node leaves none behind.
type advisoryLock struct{}

func (advisoryLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock))
	return err
}

func (advisoryLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(migrationLock))
	return err
}

func (postgres) lockTable(ctx context.Context, tx *sql.Tx, table string) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", table))
	return err
}

func (postgres) forUpdate() string { return " FOR UPDATE" }

func (postgres) skipLocked() string { return " FOR UPDATE SKIP LOCKED" }

// lower knows the letters of the locale that the database was made with.
func (postgres) lower(text string) string { return "lower(" + text + ")" }

func (postgres) unique(err error) bool { return sqlState(err) == "23505" }

func (postgres) unmade(err error) bool { return sqlState(err) == "42P01" } // undefined_table

// unavailableStates are the SQLSTATE classes and codes of a server that cannot
// serve: connection trouble, no resources, operator intervention, a system
// error, refused credentials, a read-only server, and locks not had in time.
var unavailableStates = []string{"08", "53", "57", "58", "28", "25006", "55P03", "40001", "40P01"}

func (postgres) unavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	state := sqlState(err)
	return len(state) == 5 && (slices.Contains(unavailableStates, state) || slices.Contains(unavailableStates, state[:2]))
}

func sqlState(err error) string {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

var (
	_ dialect            = postgres{}
	_ lock.SessionLocker = advisoryLock{}
)
