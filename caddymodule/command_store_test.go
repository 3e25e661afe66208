package caddymodule

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestCommandsMakeNothing: where no gateway has run, a command that only looks fails,
// names the database and makes nothing.
func TestCommandsMakeNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "sigra.db")
	run := func(args ...string) (told string, err error) {
		var stderr bytes.Buffer
		root := &cobra.Command{Use: appID, SilenceErrors: true}
		buildCommand(root)
		root.SetErr(&stderr)
		command, _, err := root.Find(args)
		if err != nil {
			t.Fatal(err)
		}
		command.SetContext(t.Context())
		c := &call{cmd: command, address: "localhost:2019"}
		err = c.findStore([]byte(`{"storage":{"driver":"sqlite","path":"` + file + `"}}`))
		return stderr.String(), err
	}
	for _, args := range [][]string{{"user", "list"}, {"status"}, {"user", "disable"}, {"key", "list"}} {
		told, err := run(args...)
		if err == nil || !strings.Contains(err.Error(), "no gateway has ever used the SQLite database "+file) {
			t.Errorf("%v: %v", args, err)
		}
		if told != "no gateway runs at localhost:2019: using the SQLite database "+file+"\n" {
			t.Errorf("%v: %q", args, told)
		}
	}
	for _, args := range [][]string{{"user", "add"}, {"user", "import"}, {"migrate"}, {"setup"}} {
		if _, err := run(args...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v was made, %v", entries, err)
	}
}
