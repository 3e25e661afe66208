package architecture

import (
	"encoding/json"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/sigra-auth/sigra/"

// pkg is what `go list -json` tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
	TestGoFiles,
	XTestGoFiles []string
	Standard bool
}

// packages returns the packages of the module.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// allowed says which of our packages a package may import; the first pattern
// that fits it counts. A pattern ending in /... is a tree.
var allowed = []struct {
	importer string
	imports  []string
}{
	{"authcore", nil},
	{"authcore/audit", []string{"authcore"}},
	{"authcore/events", nil},
	{"authcore/policy", []string{"authcore"}},
	{"authcore/password", []string{"authcore"}},
	{"authcore/throttle", []string{"authcore"}},
	{"authcore/token", []string{"authcore"}},
	{"authcore/job", []string{"authcore"}},
	{"authcore/mail", []string{"authcore", "authcore/job"}},
	{"authcore/secret", []string{"authcore"}},
	{"authcore/session", []string{"authcore"}},
	{"authcore/assertion", []string{"authcore", "authcore/audit"}},
	// The account service talks to the features through interfaces of its own;
	// it names the values that they pass.
	{"authcore/account", []string{"authcore", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/password", "authcore/session", "authcore/throttle", "authcore/token"}},
	{"authcore/recovery", []string{"authcore", "authcore/account", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/throttle", "authcore/token"}},
	{"authcore/signup", []string{"authcore", "authcore/account", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/session", "authcore/throttle", "authcore/token"}},
	{"authcore/profile", []string{"authcore", "authcore/account", "authcore/audit", "authcore/job", "authcore/session"}},
	{"authcore/address", []string{"authcore", "authcore/account", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/session", "authcore/throttle", "authcore/token"}},
	{"authcore/deletion", []string{"authcore", "authcore/account", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/session"}},
	{"authcore/disclosure", []string{"authcore", "authcore/account", "authcore/audit", "authcore/job", "authcore/session"}},
	{"authcore/totp", []string{"authcore"}},
	{"authcore/mfa", []string{"authcore", "authcore/account", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/session", "authcore/throttle", "authcore/totp"}},
	{"authcore/passkey", []string{"authcore", "authcore/account", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/session", "authcore/throttle"}},
	{"authcore/kept", []string{"authcore", "authcore/session", "authcore/token"}},
	{"authcore/org", []string{"authcore", "authcore/account", "authcore/audit", "authcore/events", "authcore/job", "authcore/mail", "authcore/session", "authcore/token"}},
	{"authcore/userimport", []string{"authcore", "authcore/account", "authcore/audit", "authcore/password"}},
	{"ui", []string{"authcore/..."}},
	{"storage/storetest", []string{"authcore/..."}},
	{"storage/...", []string{"authcore/..."}},
	{"caddymodule/...", []string{"authcore/...", "ui", "storage/...", "caddymodule"}},
	{"tests/...", []string{"authcore/...", "ui", "storage/...", "caddymodule/...", "tests/..."}},
}

// wrapped are the outside libraries that one package alone may import.
var wrapped = map[string][]string{
	"github.com/caddyserver/":          {"caddymodule/...", "tests/..."},
	"github.com/redis/go-redis/":       {"storage/redisstore", "tests/..."},
	"github.com/jackc/pgx/":            {"storage/sqlstore", "tests/..."},
	"modernc.org/sqlite":               {"storage/sqlstore"},
	"github.com/pressly/goose/":        {"storage/sqlstore"},
	"github.com/go-jose/":              {"authcore/assertion"},
	"golang.org/x/crypto/argon2":       {"authcore/password"},
	"golang.org/x/crypto/bcrypt":       {"authcore/password"},
	"golang.org/x/crypto/scrypt":       {"authcore/password"},
	"github.com/ccojocar/zxcvbn-go":    {"authcore/password"},
	"github.com/mileusna/useragent":    {"ui"},
	"github.com/prometheus/":           {"caddymodule"},
	"database/sql":                     {"storage/sqlstore", "tests/..."},
	"html/template":                    {"ui"},
	"text/template":                    {"ui"},
	"github.com/wneessen/go-mail":      {"authcore/mail"},
	"github.com/emersion/":             {"tests/..."},
	"github.com/agnivade/levenshtein":  {"caddymodule"},
	"github.com/chromedp/":             {"tests/..."},
	"github.com/golang-jwt/":           {"tests/..."},
	"github.com/coder/websocket":       {"tests/..."},
	"golang.org/x/text/secure/precis":  {},
	"github.com/go-webauthn/webauthn/": {"authcore/passkey"},
	"github.com/pquerna/otp/":          {"authcore/totp", "tests/..."},
	"github.com/boombuler/barcode/":    {"authcore/totp"},
}

func fits(pattern, name string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == tree || strings.HasPrefix(name, tree+"/")
	}
	return pattern == name
}

func fitsAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if fits(p, name) {
			return true
		}
	}
	return false
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		rule := -1
		for i := range allowed {
			if fits(allowed[i].importer, name) {
				rule = i
				break
			}
		}
		if rule < 0 {
			t.Errorf("%s: no rule says what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				if !fitsAny(allowed[rule].imports, ours) {
					t.Errorf("%s must not import %s", name, ours)
				}
				continue
			}
			if name == "authcore" && strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("authcore must import the standard library only, not %s", imported)
			}
			for library, users := range wrapped {
				if (imported == library || strings.HasPrefix(imported, strings.TrimSuffix(library, "/")+"/")) && !fitsAny(users, name) {
					t.Errorf("%s must not import %s", name, imported)
				}
			}
		}
	}
}

func TestTopLevel(t *testing.T) {
	known := map[string]bool{"authcore": true, "caddymodule": true, "ui": true, "storage": true, "tests": true, "docker": true}
	for _, p := range packages(t) {
		top, _, _ := strings.Cut(strings.TrimPrefix(p.ImportPath, module), "/")
		if !known[top] {
			t.Errorf("%s: unknown top-level folder %s", p.ImportPath, path.Clean(top))
		}
	}
}
