package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// TestReadmeImport imports the file that the README shows, with a hash in the place
// of its dots, and signs in with it.
func TestReadmeImport(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "```csv\n")
	example, _, found := strings.Cut(after, "```")
	hash, err := bcrypt.GenerateFromPassword([]byte(gateway.Password), 12)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(example, "$2b$12$…", strings.Replace(string(hash), "$2a$", "$2b$", 1), 1)
	if !found || text == example {
		t.Fatalf("the README shows %q", example)
	}
	file := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g := gateway.Start(t, gateway.Config{})
	if out, err := g.CLI("", "user", "import", file); err != nil || !strings.Contains(out, "accounts=1") {
		t.Fatalf("%s %v", out, err)
	}
	g.NewClient().SignIn("ada@example.com")
}
