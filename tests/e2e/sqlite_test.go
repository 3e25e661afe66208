package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// A SQLite file that cannot be written to: sessions go on, changes say "try again
// shortly" and leave nothing, and all is well when the fault is gone.
func TestSQLiteCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sigra.db")
	g := gateway.Start(t, gateway.Config{Global: "storage sqlite " + path + "\n" + roomy})
	g.AddUser(ada)
	for name, fault := range map[string]func(*testing.T) (end func()){
		"locked": func(t *testing.T) func() { return lock(t, path) },
		"disk full": func(t *testing.T) func() {
			wal, err := os.Stat(path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			return limitFiles(t, g, wal.Size())
		},
		"read-only": func(t *testing.T) func() { return limitFiles(t, g, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			c, fresh := g.SignedIn(ada), g.SignedIn(ada)
			if err := expect(c.Get("/"), http.StatusOK); err != nil {
				t.Fatal(err)
			}
			end := fault(t)
			defer end()
			if err := expect(c.Get("/"), http.StatusOK); err != nil {
				t.Errorf("a session that is cached: %v", err)
			}
			// Reading may go on; if it does not, nobody is signed out.
			if answer := fresh.Get("/"); answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("a session that is not cached: %d", answer.StatusCode)
			}
			answer := g.NewClient().Post("/_auth/login", credentialsOf(ada))
			if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Errorf("sign-in: %d, %v", answer.StatusCode, answer.Header)
			}
			email := strings.ReplaceAll(name, " ", "-") + "@example.com"
			if out, err := g.CLI(gateway.Password, "user", "add", "--email", email); err == nil {
				t.Errorf("an account was made: %s", out)
			}
			end()
			g.Await(func() error {
				return expect(g.NewClient().Post("/_auth/login", credentialsOf(ada)), http.StatusSeeOther)
			})
			if err := expect(fresh.Get("/"), http.StatusOK); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			if list, err := g.CLI("", "user", "list"); err != nil || strings.Contains(list, email) {
				t.Errorf("half an account is left: %s, %v", list, err)
			}
			g.AddUser(email)
		})
	}
}

// lock holds the file as a program does that writes to it for long.
func lock(t *testing.T, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_txlock=immediate&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = tx.Rollback() // the second time there is none
		_ = db.Close()
	}
}

// limitFiles keeps a gateway from writing beyond a size to any file: what the
// system answers then is what it answers on a full or failing disk.
func limitFiles(t *testing.T, g *gateway.Gateway, size int64) (end func()) {
	t.Helper()
	limit := func(to string) {
		t.Helper()
		if out, err := exec.Command("prlimit", "--pid", strconv.Itoa(g.PID()), fmt.Sprintf("--fsize=%s:", to)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	limit(strconv.FormatInt(size, 10))
	return func() { limit("unlimited") }
}
