package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/storage/sqlstore"
)

// TestBackup copies the database of a running gateway.
func TestBackup(t *testing.T) {
	g := newGateway(t, "", "sigra")
	g.signIn(t)
	file := filepath.Join(t.TempDir(), "copy.db")
	body, err := json.Marshal(backupBody{file})
	if err != nil {
		t.Fatal(err)
	}
	var told map[string]string
	if code := g.operate(t, "POST", "/sigra/backup", string(body), &told); code != 200 || told["file"] != file {
		t.Fatalf("%d %v", code, told)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	copied, err := sqlstore.OpenSQLite(file, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if exists, err := copied.HasUsers(t.Context()); err != nil || !exists {
		t.Errorf("the copy has users: %v, %v", exists, err)
	}
	for body, says := range map[string]string{string(body): "exists", `{"file":"copy.db"}`: "absolute"} {
		if code := g.operate(t, "POST", "/sigra/backup", body, &told); code < 400 || !strings.Contains(told["error"], says) {
			t.Errorf("%s: %d %v", body, code, told)
		}
	}
}
