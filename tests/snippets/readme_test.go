package snippets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeShowsTheSnippets keeps what the README shows and what is tested
// the same.
func TestReadmeShowsTheSnippets(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, from := range map[string]string{"verify.go": "// Verify returns", "verify.mjs": "import", "verify.py": "import"} {
		text, err := os.ReadFile(filepath.Join(".", file))
		if err != nil {
			t.Fatal(err)
		}
		snippet := string(text)[strings.Index(string(text), from):]
		if !strings.Contains(string(readme), snippet) {
			t.Errorf("the README does not show %s as it is", file)
		}
	}
}
