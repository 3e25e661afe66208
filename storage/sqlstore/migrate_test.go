package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/storage/sqlstore"
	"github.com/sigra-auth/sigra/tests/servers"
)

// migrateEnv makes the test binary a process that migrates a SQLite file.
const migrateEnv = "SIGRA_TEST_MIGRATE"

func TestMain(m *testing.M) {
	if path := os.Getenv(migrateEnv); path != "" {
		os.Exit(migrateAndWrite(path))
	}
	if path := os.Getenv(killedEnv); path != "" {
		fmt.Fprintln(os.Stderr, createAndDie(path))
		os.Exit(1)
	}
	os.Exit(servers.Run(m))
}

// migrateAndWrite is what a node does at its start.
func migrateAndWrite(path string) int {
	ctx := context.Background()
	db, err := sqlstore.OpenSQLite(path, sqlstore.Options{})
	if err == nil {
		err = db.Migrate(ctx)
	}
	if err == nil {
		err = db.Note(ctx, audit.New(fixedTime, audit.LoginFailure, someClient))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestManyNodesStartAtOncePostgres(t *testing.T) {
	dsn := servers.Postgres(t)
	var nodes sync.WaitGroup
	for range 8 {
		nodes.Go(func() {
			if err := openPostgres(t, dsn).Migrate(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	wantMigratedOnce(t, openPostgres(t, dsn))
}

func TestManyNodesStartAtOnceSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "sigra.db")
	var nodes sync.WaitGroup
	for range 6 {
		nodes.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), migrateEnv+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	nodes.Wait()
	db := openSQLite(t, path)
	wantMigratedOnce(t, db)
	if n := count(t, db, "SELECT count(*) FROM audit_events"); n != 6 {
		t.Errorf("%d processes have written, want 6", n)
	}
}

func TestMigrateAgainDoesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		wantMigratedOnce(t, migrated(t, open(t)))
	})
}

// TestOlderNodeLeavesNewerSchema is a roll-back: the program that does not know
// the last migration must still start.
func TestOlderNodeLeavesNewerSchema(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		db := open(t)
		if _, err := db.Raw().Exec("INSERT INTO schema_migrations (version_id, is_applied) VALUES (99999, TRUE)"); err != nil {
			t.Fatal(err)
		}
		migrated(t, db)
	})
}

func wantMigratedOnce(t *testing.T, db *sqlstore.DB) {
	t.Helper()
	if n := count(t, db, "SELECT count(*) FROM schema_migrations WHERE version_id = 1"); n != 1 {
		t.Errorf("the first migration was applied %d times", n)
	}
}

func count(t testing.TB, db *sqlstore.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.Raw().QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
