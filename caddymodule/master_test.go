package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/caddyserver/certmagic"
)

// TestLostMaster: for a database that was used before, a lost secret is told as what it
// is, and no other one takes its place.
func TestLostMaster(t *testing.T) {
	m := masterSecret{storage: &certmagic.FileStorage{Path: t.TempDir()}}
	before := func(used bool, err error) func(context.Context) (bool, error) {
		return func(context.Context) (bool, error) { return used, err }
	}
	away := errors.New("away")
	if _, err := m.load(t.Context(), before(false, away)); !errors.Is(err, away) {
		t.Errorf("while the database is away: %v", err)
	}
	if _, err := m.load(t.Context(), before(true, nil)); !errors.Is(err, errLostMaster) {
		t.Errorf("lost: %v", err)
	}
	if _, err := m.storage.Load(t.Context(), masterKeyPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret was made: %v", err)
	}
	made, err := m.load(t.Context(), before(false, nil))
	if err != nil || len(made) != 32 {
		t.Fatalf("%x, %v", made, err)
	}
	if again, err := m.load(t.Context(), before(true, nil)); err != nil || !bytes.Equal(again, made) {
		t.Errorf("it changes: %v", err)
	}
}
