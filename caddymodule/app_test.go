package caddymodule

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/certmagic"
)

func pause() { time.Sleep(50 * time.Millisecond) }

// provision provisions a Caddyfile's apps and returns the error.
func provision(t *testing.T, text string) error {
	t.Helper()
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		return err
	}
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	return caddy.Validate(&config)
}

func TestValidateOpensNothing(t *testing.T) {
	t.Setenv("SIGRA_TEST_DSN", "postgres://nobody@127.0.0.1:1/none")
	t.Setenv("SIGRA_TEST_REDIS", "redis://127.0.0.1:1")
	file := filepath.Join(t.TempDir(), "sub", "x.db")
	for _, global := range []string{
		"storage postgres {env.SIGRA_TEST_DSN}\nsessions redis {env.SIGRA_TEST_REDIS}",
		"storage sqlite " + file,
	} {
		if err := provision(t, "{\nadmin off\nsigra {\n"+global+"\n}\n}\nlocalhost {\nsigra\n}"); err != nil {
			t.Errorf("%s: %v", global, err)
		}
	}
	if found, _ := filepath.Glob(filepath.Dir(file)); found != nil {
		t.Error("validating made the database")
	}
}

func TestBadConfigurations(t *testing.T) {
	t.Setenv("SIGRA_TEST_SHORT", "c2hvcnQ=")
	misnamed, named := t.TempDir(), t.TempDir()
	for _, file := range []string{misnamed + "/log-in.html", named + "/.keep", named + "/en.json"} {
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for global, says := range map[string]string{
		"storage postgres {env.SIGRA_TEST_MISSING}":             "SIGRA_TEST_MISSING",
		"sessions redis {env.SIGRA_TEST_MISSING}":               "SIGRA_TEST_MISSING",
		"sessions redis http://localhost":                       "unknown kind of Redis URL",
		"secret {env.SIGRA_TEST_MISSING}":                       "SIGRA_TEST_MISSING",
		"secret {env.SIGRA_TEST_SHORT}":                         "openssl rand -base64 32",
		"session {\nidle 2d\n}":                                 "must not be longer than absolute",
		"session {\nidle 5m\nactivity 4m\n}":                    "at most half of idle",
		"session {\nmax_staleness 1h\n}":                        "at most 1m",
		"password {\nmin_length 7\n}":                           "8 to 64",
		"password {\nargon2id 1MiB 1 1\n}":                      "argon2id wants",
		"assertion {\nttl 10m\n}":                               "at most 5m",
		"assertion {\nalgorithm HS256\n}":                       "ES256 or EdDSA",
		"mfa required admn":                                     "admin",
		"mfa required editor\norgs off {\nroles owner edtor\n}": "edtor",
		"cookie {\ndomain co.uk\n}":                             "public suffix",
		"cookie {\ndomain .com\n}":                              "public suffix",
		"cookie {\ndomain https://example.com\n}":               "not a domain",
		"brand {\naccent blue\n}":                               "not a colour",
		"brand {\nlogo /nonexistent.svg\n}":                     "nonexistent.svg",
		"brand {\nlogo /etc/passwd\n}":                          "neither SVG nor PNG",
		"templates /nonexistent":                                "nonexistent",
		"templates " + misnamed:                                 "did you mean login.html?",
		"templates " + named + "\nbrand {\naccent blue\n}":      "not a colour", // the templates are in order
		"messages /nonexistent":                                 "nonexistent",
		"throttle {\naccount 0 1m\n}":                           "not a number of attempts",
		"storage postgres {env.HOME} {\nmax_conn 1\n}":          "max_conns",
	} {
		err := provision(t, "{\nadmin off\nsigra {\n"+global+"\n}\n}\nlocalhost {\nsigra\n}")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", global, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("%s: the error tells the secret: %v", global, err)
		}
	}
	for site, says := range map[string]string{
		"mfa required admn":                                "admin",
		"mfa required admin ownr":                          "owner",
		"headers {\nX-Mail <{http.auth.user.mail}>\n}":     `"email"`,
		"headers {\nX-Org {http.auth.user.profile.org}\n}": "placeholder",
		"portal /":                           "not a path",
		"require email_domain a@b.example":   "not a domain",
		"headers {\nencoding rot13\n}":       "unknown encoding",
		"headers {\n\"a b\" x\n}":            "not a header name",
		"origin http://app.example.com":      "must be https",
		"require fresh":                      "argument",
		"public":                             "wants matchers",
		"headers off remote":                 "stands alone",
		"require aal2 now":                   "argument",
		"assertion A B":                      "argument",
		"public everything":                  "not a matcher",
		"public @undefined":                  "undefined",
		"headers remote {\nX-One one two\n}": "argument",
	} {
		err := provision(t, "localhost {\nsigra {\n"+site+"\n}\n}")
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", site, err, says)
		}
	}
}

func TestRejectedConfigurationLeavesTheRunningOne(t *testing.T) {
	g := newGateway(t, "", "sigra")
	cookie := g.signIn(t)
	sqlite := g.app.engineKey
	before, _ := engines.References(sqlite)
	path := strings.TrimPrefix(strings.Split(sqlite, "|")[0], "sqlite:")
	dir := filepath.Dir(path)
	for _, broken := range []string{"brand {\naccent blue\n}", "assertion {\nttl 1h\n}", "templates /dev/null/x\nmessages /nonexistent"} {
		err := provision(t, "{\nadmin off\nstorage file_system "+dir+"\nsigra {\nstorage sqlite "+path+"\n"+broken+"\n}\n}\nlocalhost {\nsigra\n}")
		if err == nil {
			t.Fatalf("%s was accepted", broken)
		}
	}
	if after, _ := engines.References(sqlite); after != before {
		t.Errorf("%d references to the engine became %d", before, after)
	}
	if w := g.do(t, get("/", "Cookie", cookie)); w.Code != 200 {
		t.Errorf("the running configuration answers %d", w.Code)
	}
}

// TestFailedStartLeavesNothing: Caddy does not stop an app whose Start has failed. Here,
// the database was made with another secret.
func TestFailedStartLeavesNothing(t *testing.T) {
	t.Setenv("SIGRA_TEST_SECRET", base64.StdEncoding.EncodeToString(make([]byte, 32)))
	dir := lastingDir(t)
	running := provisioned(t, dir, everywhere, "", "sigra").app
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = running.Stop() })
	rejected := provisioned(t, dir, everywhere, "secret {env.SIGRA_TEST_SECRET}", "sigra").app
	if err := rejected.Start(); err == nil || !strings.Contains(err.Error(), "secret") {
		t.Fatalf("started with another secret: %v", err)
	}
	select {
	case <-rejected.worked:
	case <-time.After(3 * time.Second):
		t.Error("it waits to do jobs")
	}
	if n := len(rejected.engine.tunings); n > 0 {
		t.Errorf("the limits of %d configurations are in force", n)
	}
}

// away is a storage of Caddy that cannot be reached.
type away struct{ certmagic.Storage }

func (away) Lock(context.Context, string) error { return errors.New("away") }

// TestReloadNeedsNoStorage: the engine that goes on has the secret already.
func TestReloadNeedsNoStorage(t *testing.T) {
	dir := lastingDir(t)
	running, reloaded := provisioned(t, dir, everywhere, "", "sigra").app, provisioned(t, dir, everywhere, "", "sigra").app
	reloaded.master.storage = away{reloaded.master.storage}
	for _, app := range []*App{running, reloaded} {
		if err := app.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = app.Stop() })
	}
}

// TestSetUpLinkIsOwed: the engine started, and the database went away before the link
// was made. The next try shows it, and no later one does so again.
func TestSetUpLinkIsOwed(t *testing.T) {
	for name, test := range map[string]struct {
		account bool
		want    int
	}{"no account": {false, 1}, "an account": {true, 0}} {
		g := provisioned(t, lastingDir(t), everywhere, "", "sigra")
		log := new(strings.Builder)
		g.app.logger = slog.New(slog.NewTextHandler(log, nil))
		master, err := g.app.master.load(t.Context(), g.app.engine.db.Used)
		if err == nil {
			err = g.app.engine.start(t.Context(), master, g.app.keySchedule())
		}
		if err != nil {
			t.Fatal(err)
		}
		if test.account {
			g.signIn(t)
		}
		for range 3 {
			if err := g.app.open(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(log.String(), "open this link"); n != test.want {
			t.Errorf("%s: %d links, want %d: %s", name, n, test.want, log)
		}
	}
}

// TestSetUpLinkComesWithTheOrigin: where only a wildcard leads to the pages, the link
// is shown when the operator has named the address.
func TestSetUpLinkComesWithTheOrigin(t *testing.T) {
	dir, log := lastingDir(t), new(strings.Builder)
	for _, directive := range []string{"sigra", "sigra {\norigin https://auth.example.com\n}"} {
		g := provisioned(t, dir, "http://*.example.com", "", directive)
		g.app.logger = slog.New(slog.NewTextHandler(log, nil))
		if err := g.app.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.app.Stop() })
	}
	if !strings.Contains(log.String(), "name it by the option origin") || strings.Count(log.String(), "link=https://auth.example.com/_auth/setup/") != 1 {
		t.Error(log)
	}
}

func TestFirstPortalIsInTheLink(t *testing.T) {
	for text, want := range map[string]string{
		"https://app.example.com {\nsigra\n}":                                  "https://app.example.com/_auth",
		"https://app.example.com:8443 {\nsigra\n}":                             "https://app.example.com:8443/_auth",
		"http://localhost:8080 {\nsigra {\nportal /account\n}\n}":              "http://localhost:8080/account",
		":8080 {\nsigra\n}":                                                    "http://localhost:8080/_auth",
		":8080 {\nsigra {\norigin https://front.example.com\n}\n}":             "https://front.example.com/_auth",
		"*.wild.test {\nsigra\n}":                                              "",
		"*.wild.test {\nsigra\n}\napp.example.com {\nsigra\n}":                 "https://app.example.com/_auth",
		"*.wild.test {\nsigra {\norigin https://a.wild.test\n}\n}":             "https://a.wild.test/_auth",
		"plain.example.com {\nrespond x\n}\nlocalhost {\nroute {\nsigra\n}\n}": "https://localhost/_auth",
	} {
		app, _ := appOfCaddyfile(t, text)
		if got := app.sites().portal(); got != want {
			t.Errorf("%s\nportal %s, want %s", text, got, want)
		}
	}
}

// TestHeadersOfTwoMakers: what users say of themselves never has the header of what
// sigra says of them, whichever gate says it.
func TestHeadersOfTwoMakers(t *testing.T) {
	const global = "{\nadmin off\nsigra {\nprofile_field title {\nheader X-Role\n}\n}\n}\nlocalhost {\n"
	for _, site := range []string{
		"sigra {\nheaders remote {\nX-Role {http.auth.user.role}\n}\n}",
		"sigra {\nheaders remote {\nx_role {http.auth.user.role}\n}\n}",
		"sigra\nsigra /admin/* {\nheaders off {\nX.Role {http.auth.user.role}\n}\n}",
		"sigra {\nassertion X-ROLE\n}",
	} {
		err := provision(t, global+site+"\n}")
		if err == nil || !strings.Contains(err.Error(), "title") || !strings.Contains(strings.ToLower(err.Error()), "role") {
			t.Errorf("%s: %v", site, err)
		}
	}
	if err := provision(t, global+"sigra {\nheaders remote {\nX-Roles {http.auth.user.role}\n}\n}\n}"); err != nil {
		t.Error(err)
	}
}

// TestRolesOfTwoStep: those in organizations count too, also when they come later.
func TestRolesOfTwoStep(t *testing.T) {
	const global = "{\nadmin off\nsigra {\nmfa required admin editor\norgs off {\nroles owner editor\n}\n}\n}\n"
	if err := provision(t, global+"localhost {\nsigra {\nmfa required owner\n}\n}"); err != nil {
		t.Error(err)
	}
}
