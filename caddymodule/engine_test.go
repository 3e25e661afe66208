package caddymodule

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/sigra-auth/sigra/authcore/assertion"
	"github.com/sigra-auth/sigra/authcore/session"
)

// TestDatabaseOfAnEndedProcess: when the process ends, everything is in the one file,
// which an operator may take for the database.
func TestDatabaseOfAnEndedProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	e, err := newEngine(&SQLite{path: file}, new(DatabaseSessions), session.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.start(t.Context(), bytes.Repeat([]byte{1}, 32), assertion.Schedule{}); err != nil {
		t.Fatal(err)
	}
	if err := e.Destruct(); err != nil {
		t.Fatal(err)
	}
	if err := e.db.Ping(t.Context()); err != nil {
		t.Errorf("requests that still run after a reload: %v", err)
	}
	closeDraining()
	if _, err := os.Stat(file + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the write-ahead log is still there: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Size() < 64<<10 {
		t.Errorf("%v, %v", info, err)
	}
}
