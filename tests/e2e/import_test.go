package e2e

import (
	"database/sql"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/crypto/bcrypt"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// brought are hashes of gateway.Password from elsewhere, made with Python's
// hashlib.
var brought = map[string]string{
	"passlib@example.com": "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES.wqLsOT5YmiRBplI",
	"django@example.com":  "pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=",
	"scrypt@example.com":  "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$7AnzIswxwEinpwz+ntydndYfVHPvOACmX9Vvo8hO1qM",
}

func writeRows(t *testing.T, rows [][]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := csv.NewWriter(file).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImport(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprint("running ", running), func(t *testing.T) {
			dsn := servers.Postgres(t)
			g := gateway.Start(t, gateway.Config{Global: "storage postgres " + dsn})
			if !running {
				g.Stop()
			}
			old, err := bcrypt.GenerateFromPassword([]byte(gateway.Password), bcrypt.MinCost)
			if err != nil {
				t.Fatal(err)
			}
			rows := [][]string{{"email", "password_hash", "name"}, {"bcrypt@example.com", string(old), "Grace"}, {"link@example.com", "", ""}}
			for email, hash := range brought {
				rows = append(rows, []string{email, hash, "Ada"})
			}
			bad := writeRows(t, append(rows[:2:2], []string{"nonsense", "", ""}, []string{"x@example.com", "md5", ""}))
			if out, err := g.CLI("", "user", "import", bad); err == nil || !strings.Contains(err.Error(), "line 3: \"nonsense\" is no e-mail address") || !strings.Contains(err.Error(), "line 4:") {
				t.Errorf("a bad file: %v %s", err, out)
			}
			file := writeRows(t, rows)
			if out, err := g.CLI("", "user", "import", file, "--dry-run"); err != nil || !strings.Contains(out, "state=checked") {
				t.Errorf("%s %v", out, err)
			}
			if list, err := g.CLI("", "user", "list"); err != nil || list != "" {
				t.Fatalf("there are %s, %v", list, err)
			}
			if out, err := g.CLI("", "user", "import", file); err != nil || !strings.Contains(out, "accounts=5") || !strings.Contains(out, "state=imported") {
				t.Fatalf("%s %v", out, err)
			}
			if out, err := g.CLI("", "user", "import", file); err == nil || !strings.Contains(err.Error(), "line 2: there is an account") {
				t.Errorf("once more: %v %s", err, out)
			}
			if !running {
				g.Start()
			}
			db, err := sql.Open("pgx", dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, row := range rows[1:] {
				if row[1] == "" {
					continue
				}
				if err := expect(g.NewClient().Post("/_auth/login", url.Values{"email": {row[0]}, "password": {"wrong"}}), http.StatusUnprocessableEntity); err != nil {
					t.Errorf("%s with a wrong password: %v", row[0], err)
				}
				g.SignedIn(row[0]).Get("/")
				if seen := g.Upstream.Last().Header; seen.Get("Remote-User") != row[0] || seen.Get("Remote-Name") != row[2] {
					t.Errorf("the app sees %v", seen)
				}
				var hash string
				if err := db.QueryRow(`SELECT password_hash FROM credentials JOIN users ON users.id = user_id WHERE email = $1`, row[0]).Scan(&hash); err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
					t.Errorf("%s is hashed as %q, %v", row[0], hash, err)
				}
			}
		})
	}
}

// An import that is cut short leaves nothing.
func TestImportIsAllOrNothing(t *testing.T) {
	file, dsn := filepath.Join(t.TempDir(), "sigra.db"), servers.Postgres(t)
	for name, test := range map[string]struct {
		stores string
		amid   func() error // the rows are being written, and not all are
	}{
		"embedded": {"storage sqlite " + file, func() error { return beyond(fileSize(file + "-wal")) }},
		"postgres": {"storage postgres " + dsn, func() error { return beyond(tableSize(dsn)) }},
	} {
		t.Run(name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Global: test.stores})
			rows := [][]string{{"email"}}
			for i := range 20_000 {
				rows = append(rows, []string{fmt.Sprintf("user-%d@example.com", i)})
			}
			file := writeRows(t, rows)
			done := make(chan error, 1)
			go func() {
				_, err := g.CLI("", "user", "import", file)
				done <- err
			}()
			g.Await(test.amid)
			g.Kill()
			err := <-done
			if err == nil {
				t.Fatal("the import was over before the gateway was killed")
			}
			g.Start()
			list, listErr := g.CLI("", "user", "list")
			if n := strings.Count(list, "email="); listErr != nil || n != 0 && n != 20_000 {
				t.Errorf("%d accounts are there; the import said %v, the list %v", n, err, listErr)
			}
			began := time.Now()
			if out, err := g.CLI("", "user", "import", file); err != nil && !strings.Contains(err.Error(), "there is an account") {
				t.Errorf("%s %v", out, err)
			}
			t.Logf("20,000 accounts in %s", time.Since(began))
		})
	}
}

// beyond reports whether more was written than an empty gateway has: rows take
// their room before they are committed.
func beyond(bytes int64, err error) error {
	if err == nil && bytes < 1<<20 {
		err = fmt.Errorf("%d bytes are written", bytes)
	}
	return err
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func tableSize(dsn string) (bytes int64, err error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRow("SELECT pg_relation_size('users')").Scan(&bytes)
	return bytes, err
}
