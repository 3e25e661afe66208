package adapt

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzCaddyfile gives the parsers what no operator would write: the body of the
// global option and of the directive.
func FuzzCaddyfile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		f.Fatalf("no test files: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		text, _, _ := strings.Cut(string(raw), separator)
		_, global, _ := strings.Cut(text, "sigra {")
		_, site, _ := strings.Cut(global, "sigra {")
		f.Add(global, site)
	}
	f.Add("storage", "require")
	f.Add("secret {env.X}\nsession {\nidle", "public\nheaders remote {\nX-Team")
	f.Fuzz(func(t *testing.T, global, site string) {
		if strings.Contains(global+site, "import") { // which reads files
			return
		}
		text := "{\nsigra {\n" + global + "\n}\n}\nexample.com {\nsigra {\n" + site + "\n}\n}\n"
		got, err := adapt(text)
		if err == nil && !json.Valid([]byte(got)) {
			t.Errorf("no JSON: %s", got)
		}
		if again, err := adapt(text); err == nil && again != got {
			t.Errorf("adapting twice gave two results: %s\n%s", got, again)
		}
	})
}
