package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migrateTimeout bounds Migrate, including the wait for another node.
const migrateTimeout = 2 * time.Minute

// Migrate brings the schema up to date, and makes the file of a SQLite
// database. Any number of processes may call it at once: one migrates, the
// others wait. A schema newer than this program is left as it is.
func (db *DB) Migrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	return db.failed("migrating the database", db.dialect.migrate(ctx, db.write))
}

func gooseUp(ctx context.Context, d goose.Dialect, db *sql.DB, folder string, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return err
	}
	options = append(options,
		goose.WithTableName("schema_migrations"), goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	provider, err := goose.NewProvider(d, db, files, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
