package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// backupTimeout bounds Backup.
const backupTimeout = 10 * time.Minute

// ErrNoBackup says that the database is not a file.
var ErrNoBackup = errors.New("only a SQLite database is backed up so; use pg_dump for Postgres")

// Backup writes a whole copy of the database, as it is at one moment, to a file that
// does not exist yet. Others read and write meanwhile.
func (db *DB) Backup(ctx context.Context, file string) error {
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	return db.failed("copying the database", db.dialect.backup(ctx, file))
}

func (f sqliteFile) backup(ctx context.Context, file string) error {
	// SQLite fills an empty file, and would make one that everybody may read.
	copied, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making the file: %s", err) // which says nothing of the database
	}
	if err := copied.Close(); err != nil {
		return err
	}
	// Not one of our pools: readers may not do it, and the writer has other work.
	db, err := sql.Open("sqlite", sqliteURI(f.path, "mode=rw"))
	if err != nil {
		return errors.Join(err, os.Remove(file))
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

func (postgres) backup(context.Context, string) error { return ErrNoBackup }
