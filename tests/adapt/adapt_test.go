// Package adapt holds golden tests of the Caddyfile grammar and checks every
// example of the documentation.
package adapt

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/sigra-auth/sigra/caddymodule"
)

var update = flag.Bool("update", false, "write what came out as what is expected")

const separator = "\n----------\n"

// adapt turns a Caddyfile into indented JSON, or an error.
func adapt(text string) (string, error) {
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "\t"); err != nil {
		return "", err
	}
	return out.String(), nil
}

// TestGolden adapts each file of testdata: a Caddyfile, a line of dashes, and
// the JSON or the error that must come out.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(raw), separator)
			got, err := adapt(input)
			if err != nil {
				got = err.Error()
			}
			if again, err := adapt(input); err == nil && again != got {
				t.Error("adapting twice gave two results")
			}
			if *update {
				if err := os.WriteFile(file, []byte(input+separator+got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if strings.TrimSpace(want) != got {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestReadme adapts and provisions every Caddyfile that the README shows, as a
// reader would use it.
func TestReadme(t *testing.T) {
	t.Setenv("SMTP_PASSWORD", "secret")
	t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
	t.Setenv("REDIS_URL", "redis://127.0.0.1:1")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	examples := 0
	for i, block := range strings.Split(string(raw), "```") {
		if i%2 == 0 || !strings.HasPrefix(block, "\n") {
			continue // prose, or code of another language
		}
		examples++
		text := strings.TrimPrefix(block, "\n")
		if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
			t.Errorf("not formatted:\n%s", text)
		}
		if strings.HasPrefix(text, "sigra {") {
			text = "app.example.com {\n" + text + "\n}"
		}
		text = strings.ReplaceAll(text, "/run/secrets/sigra_secret", secret)
		adapted, err := adapt(text)
		if err != nil {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		var config caddy.Config
		if err := json.Unmarshal([]byte(adapted), &config); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&config); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
	if examples < 4 {
		t.Errorf("only %d examples found", examples)
	}
}
