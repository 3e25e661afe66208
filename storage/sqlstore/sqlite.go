package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// OpenSQLite returns the SQLite database in a file. It does not open the file;
// [DB.Migrate] makes it when it is missing.
//
// An acknowledged change survives a power cut (synchronous=FULL): a revocation
// that came undone would let a thief back in.
func OpenSQLite(path string, o Options) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("locating the SQLite database: %w", err)
	}
	write, err := sql.Open("sqlite", sqliteURI(path, "mode=rw", "_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", sqliteURI(path, "mode=rw", "_query_only=1"))
	if err != nil {
		return nil, err
	}
	return newDB(sqliteFile{path}, limitConns(read, cmp.Or(o.MaxConns, 8)), limitConns(write, 1), o), nil
}

// sqliteURI adds what every connection needs. The busy timeout is below
// callTimeout, because SQLite does not look at a deadline while it waits.
func sqliteURI(path string, options ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a Windows drive
	}
	options = append(options, "_busy_timeout=2500", "_journal_mode=WAL", "_synchronous=FULL", "_foreign_keys=1", "_dqs=0")
	uri := url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(options, "&")}
	return uri.String()
}

// sqliteFile is the dialect of a database in a file.
type sqliteFile struct {
	path string
}

func (f sqliteFile) String() string { return "the SQLite database " + f.path }

// migrate runs under an exclusive transaction on an empty database next to the
// real one: SQLite has no lock that outlives a transaction, and this one is
// freed by the system when a process dies.
func (f sqliteFile) migrate(ctx context.Context, db *sql.DB) error {
	if err := f.create(); err != nil {
		return err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return fmt.Errorf("waiting for another process: %w", err)
	}
	defer unlock()
	return gooseUp(ctx, goose.DialectSQLite3, db, "sqlite")
}

// create makes the file readable for its owner alone: it holds password
// hashes. SQLite gives the files it puts beside it the same mode.
func (f sqliteFile) create() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func (f sqliteFile) lock(ctx context.Context) (unlock func(), err error) {
	path := f.path + ".migrating"
	if err := (sqliteFile{path}).create(); err != nil {
		return nil, err
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "_txlock=exclusive&_busy_timeout=60000"}
	db, err := sql.Open("sqlite", uri.String())
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return func() {
		tx.Rollback()
		db.Close()
	}, nil
}

// lockTable has nothing to do: every transaction of the writing pool begins
// IMMEDIATE and so is the only one that writes, in any process.
func (sqliteFile) lockTable(context.Context, *sql.Tx, string) error { return nil }

func (sqliteFile) forUpdate() string { return "" }

func (sqliteFile) skipLocked() string { return "" }

// SQLite itself knows the letters of ASCII only.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("sigra_lower", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, _ := args[0].(string)
		return strings.ToLower(text), nil
	})
}

func (sqliteFile) lower(text string) string { return "sigra_lower(" + text + ")" }

func (sqliteFile) unique(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

func (f sqliteFile) unmade(err error) bool {
	if _, missing := os.Stat(f.path); errors.Is(missing, fs.ErrNotExist) {
		return true
	}
	return sqliteCode(err) == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), "no such table")
}

// unavailableCodes are the primary result codes of a file that cannot be used
// now: locked, read-only, on a full or failing disk, missing or broken.
var unavailableCodes = []int{
	sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
	sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
	sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOTADB,
}

func (sqliteFile) unavailable(err error) bool {
	if errors.As(err, new(*os.PathError)) {
		return true
	}
	code := sqliteCode(err)
	return code != 0 && slices.Contains(unavailableCodes, code&0xff)
}

func sqliteCode(err error) int {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

var _ dialect = sqliteFile{}
