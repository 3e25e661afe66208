package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
)

func TestSQLiteOpensNothingUntilMigrated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := openSQLite(t, filepath.Join(dir, "sigra.db"))
	wantUnavailable(t, "a database that is not there", time.Second, func(ctx context.Context) error { return db.Ping(ctx) })
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

func TestSQLiteFilesAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "a b?c%d.db")
	migrated(t, openSQLite(t, path))
	for name, want := range map[string]fs.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
}

func TestSQLiteSettings(t *testing.T) {
	db := migrated(t, dialects["sqlite"](t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "2500"} {
		var got string
		if err := db.Raw().QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}

// TestSQLiteLocked is another program, a backup for example, that holds the
// file.
func TestSQLiteLocked(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "sigra.db")
	db := migrated(t, openSQLite(t, path))
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.HasUsers(ctx); err != nil {
		t.Errorf("reading while another writes: %v", err)
	}
	wantUnavailable(t, "writing while another does", 3500*time.Millisecond, func(ctx context.Context) error {
		return db.Note(ctx, someEvent(audit.Logout))
	})
	tx.Rollback()
	if err := db.Note(ctx, someEvent(audit.Logout)); err != nil {
		t.Errorf("after the other has ended: %v", err)
	}
}

func TestSQLiteDiskFull(t *testing.T) {
	ctx := context.Background()
	db := migrated(t, dialects["sqlite"](t))
	// The writing pool is one connection, so this holds for the store.
	var pages int
	if err := db.Raw().QueryRow("PRAGMA max_page_count = 1").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	user := someUser("ada")
	user.Name = strings.Repeat("x", 1<<20)
	wantUnavailable(t, "writing to a full disk", time.Second, func(ctx context.Context) error {
		return db.Create(ctx, user, "hash", someEvent(audit.UserCreate))
	})
	if n := count(t, db, "SELECT count(*) FROM users") + count(t, db, "SELECT count(*) FROM audit_events"); n != 0 {
		t.Errorf("%d rows of the failed change are there", n)
	}
	if err := db.Raw().QueryRow("PRAGMA max_page_count = 1000000").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if err := db.Create(ctx, user, "hash", someEvent(audit.UserCreate)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestSQLiteKnowsAllLetters searches for names in another case: SQLite itself would
// find those in ASCII only.
func TestSQLiteKnowsAllLetters(t *testing.T) {
	ctx, db := context.Background(), migrated(t, dialects["sqlite"](t))
	user, o := someUser("emile"), someOrg("acme")
	user.Name = "Émile Жуков"
	if err := db.Create(ctx, user, "", someEvent(audit.UserCreate)); err != nil {
		t.Fatal(err)
	}
	if err := db.Orgs().Create(ctx, o, user.ID, "owner", 0, someEvent(audit.OrgCreate)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"émile", "ÉMILE", "жУКОВ", "EMILE@"} {
		members, err := db.Orgs().Members(ctx, o.ID, text, "", 10)
		if err != nil || len(members) != 1 {
			t.Errorf("%s: %+v, %v", text, members, err)
		}
	}
}

func TestSQLiteReadOnly(t *testing.T) {
	db := migrated(t, dialects["sqlite"](t))
	if _, err := db.Raw().Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, "writing to a read-only file", time.Second, func(ctx context.Context) error {
		return db.Note(ctx, someEvent(audit.Logout))
	})
}

func TestSQLiteGarbage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sigra.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, "a broken file", time.Second, openSQLite(t, path).Migrate)
}

// TestSQLiteSurvivesKill ends a process with SIGKILL right after it was told
// that its change is stored.
func TestSQLiteSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sigra.db")
	if out, err := runKilled(path); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	db := migrated(t, openSQLite(t, path))
	if n := count(t, db, "SELECT count(*) FROM users JOIN credentials ON user_id = users.id"); n != 1 {
		t.Errorf("%d accounts are there after the kill, want 1", n)
	}
	if n := count(t, db, "SELECT count(*) FROM audit_events"); n != 1 {
		t.Errorf("%d events are there after the kill, want 1", n)
	}
}

// wantUnavailable fails the test unless a call says in time that the database
// cannot answer.
func wantUnavailable(t testing.TB, what string, within time.Duration, call func(context.Context) error) {
	t.Helper()
	start := time.Now()
	err := call(context.Background())
	if !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("%s: %v, want unavailable", what, err)
	}
	if took := time.Since(start); took > within {
		t.Errorf("%s: took %s, want at most %s", what, took, within)
	}
}
