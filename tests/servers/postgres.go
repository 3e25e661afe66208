package servers

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
)

// PostgresServer is a database on a running Postgres server.
type PostgresServer struct {
	process
	// DSN is the connection URL of the database.
	DSN  string
	port int
}

var (
	sharedPostgres struct {
		sync.Mutex
		server *PostgresServer
	}
	databases atomic.Int64
)

// Postgres returns a fresh, empty database on a server that all tests of the
// process share. Such a server must not be stopped or paused, see
// [DedicatedPostgres].
func Postgres(t testing.TB) string {
	t.Helper()
	sharedPostgres.Lock()
	defer sharedPostgres.Unlock()
	if sharedPostgres.server == nil {
		dir, err := sharedDirectory("postgres")
		if err != nil {
			t.Fatal(err)
		}
		sharedPostgres.server = startPostgres(t, dir)
	}
	return sharedPostgres.server.database(t)
}

// Run runs the tests of a package and then removes the server that [Postgres]
// has started for them. It is for TestMain; without it, the server dies with
// the process all the same, and the next run removes its data.
func Run(m *testing.M) (code int) {
	code = m.Run()
	sharedPostgres.Lock()
	defer sharedPostgres.Unlock()
	if s := sharedPostgres.server; s != nil {
		s.signal(syscall.SIGKILL)
		<-s.exited
		os.RemoveAll(filepath.Dir(s.dir))
	}
	return code
}

// DedicatedPostgres starts a server of its own that the test can stop, pause
// and start again, with one empty database.
func DedicatedPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "sigra-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := startPostgres(t, dir)
	t.Cleanup(func() { s.Stop(t) })
	s.DSN = s.database(t)
	return s
}

func startPostgres(t testing.TB, dir string) *PostgresServer {
	t.Helper()
	initdb, postgres := binary(t, "initdb", "postgresql"), binary(t, "postgres", "postgresql")
	owner, err := postgresOwner()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if err := initDatabase(initdb, dir, data, owner); err != nil {
		t.Fatalf("initdb: %v", err)
	}
	s := &PostgresServer{port: freePort(t)}
	s.process = process{
		name: "postgres", path: postgres, dir: data, owner: owner, ready: s.answers,
		// Nothing here must survive a power cut, so nothing waits for the disk.
		args: []string{"-D", data, "-p", strconv.Itoa(s.port), "-h", "127.0.0.1", "-k", "",
			"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"},
	}
	s.Start(t)
	return s
}

func initDatabase(initdb, dir, data string, o *owner) error {
	// The server's user must be able to walk to its data.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := o.give(data); err != nil {
		return err
	}
	cmd := exec.Command(initdb, "-D", data, "-U", "sigra", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
	cmd.Dir, cmd.SysProcAttr = data, childAttributes(o)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func (s *PostgresServer) url(database string) string {
	return fmt.Sprintf("postgres://sigra@%s/%s?sslmode=disable", address(s.port), database)
}

func (s *PostgresServer) answers() error {
	return s.exec("SELECT 1")
}

// database creates a fresh database and returns its connection URL.
func (s *PostgresServer) database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("creating a database: %v", err)
	}
	return s.url(name)
}

func (s *PostgresServer) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// Ping reports whether the server answers within a second.
func (s *PostgresServer) Ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.PingContext(ctx)
}
