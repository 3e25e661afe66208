package sqlstore_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/sigra-auth/sigra/storage/sqlstore"
	"github.com/sigra-auth/sigra/tests/servers"
)

// dialects open a fresh, empty database each, without a schema.
var dialects = map[string]func(testing.TB) *sqlstore.DB{
	"sqlite":   func(t testing.TB) *sqlstore.DB { return openSQLite(t, filepath.Join(t.TempDir(), "data", "sigra.db")) },
	"postgres": func(t testing.TB) *sqlstore.DB { return openPostgres(t, servers.Postgres(t)) },
}

// pairs open a fresh database each by two handles, as two nodes have it.
var pairs = map[string]func(testing.TB) (db, node *sqlstore.DB){
	"sqlite": func(t testing.TB) (db, node *sqlstore.DB) {
		path := filepath.Join(t.TempDir(), "data", "sigra.db")
		return migrated(t, openSQLite(t, path)), openSQLite(t, path)
	},
	"postgres": func(t testing.TB) (db, node *sqlstore.DB) {
		dsn := servers.Postgres(t)
		return migrated(t, openPostgres(t, dsn)), openPostgres(t, dsn)
	},
}

func openSQLite(t testing.TB, path string) *sqlstore.DB {
	t.Helper()
	return closing(t)(sqlstore.OpenSQLite(path, sqlstore.Options{}))
}

func openPostgres(t testing.TB, dsn string) *sqlstore.DB {
	t.Helper()
	return closing(t)(sqlstore.OpenPostgres(dsn, sqlstore.Options{MaxConns: 10}))
}

func closing(t testing.TB) func(*sqlstore.DB, error) *sqlstore.DB {
	return func(db *sqlstore.DB, err error) *sqlstore.DB {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
}

func migrated(t testing.TB, db *sqlstore.DB) *sqlstore.DB {
	t.Helper()
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

// onEach runs a test on a fresh database of each dialect.
func onEach(t *testing.T, test func(t *testing.T, open func(testing.TB) *sqlstore.DB)) {
	for name, open := range dialects {
		t.Run(name, func(t *testing.T) {
			test(t, func(t testing.TB) *sqlstore.DB { return migrated(t, open(t)) })
		})
	}
}
