package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
)

// dialect is what differs between the databases beside the migrations.
type dialect interface {
	// String names the database for operators, without secrets.
	String() string
	// migrate brings the schema up to date, one process at a time.
	migrate(ctx context.Context, db *sql.DB) error
	// lockTable makes a transaction the only one that writes to a table.
	lockTable(ctx context.Context, tx *sql.Tx, table string) error
	// forUpdate ends a SELECT whose rows are locked until the transaction ends.
	forUpdate() string
	// skipLocked ends a SELECT whose rows are locked, less those that another
	// transaction has locked.
	skipLocked() string
	// alone notes that a node is there, and reports whether no other one is.
	alone(ctx context.Context, db *sql.DB, node string) (bool, error)
	// backup writes a copy to a new file, or fails with ErrNoBackup.
	backup(ctx context.Context, file string) error
	// lower is an expression for a text in lower case.
	lower(text string) string
	// unique reports whether an error is a broken uniqueness rule.
	unique(err error) bool
	// unmade reports whether an error means that no schema was made yet.
	unmade(err error) bool
	// unavailable reports whether an error means that the database cannot
	// answer now, as opposed to a wrong question.
	unavailable(err error) bool
}

// unreachable recognises the errors that any driver gives when the database
// was not reached, or not in time.
func unreachable(err error) bool {
	var network net.Error
	return errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}
