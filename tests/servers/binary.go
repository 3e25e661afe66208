package servers

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// binary returns the path of a server program, from PATH or, for Postgres,
// from where Debian keeps the versions. It fails the test when there is none.
func binary(t testing.TB, name, debianPackage string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(installed) > 0 {
		return slices.Max(installed)
	}
	t.Fatalf("%s is not installed and this test needs it: run \"make deps\", or install the package %s", name, debianPackage)
	return ""
}
