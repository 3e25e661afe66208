package caddymodule

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// located provisions a Caddyfile and returns the app when it has found its sites, and
// what it told of them.
func located(t *testing.T, text string) (*App, string) {
	t.Helper()
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&config)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	loaded, err := ctx.App(appID)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	app := loaded.(*App)
	app.logger = slog.New(slog.NewTextHandler(&log, nil))
	app.sites()
	return app, log.String()
}

const (
	toldBare        = "has no `sigra` before it"
	toldUnreachable = "nobody can sign in"
)

func TestSitesThatAreNotGuarded(t *testing.T) {
	for site, want := range map[string][]string{
		"app.example.com {\nhandle /admin/* {\nsigra\nreverse_proxy app:1\n}\nhandle {\nreverse_proxy app:1\n}\n}":                {toldBare, toldUnreachable},
		"app.example.com {\nhandle_path /admin/* {\nsigra\n}\nreverse_proxy app:1\n}":                                             {toldBare, toldUnreachable},
		"app.example.com {\nroute /admin/* {\nsigra\n}\nphp_fastcgi app:1\n}":                                                     {toldBare, toldUnreachable},
		":8080 {\nhandle /api/* {\nreverse_proxy app:1\n}\nhandle {\nsigra\nreverse_proxy app:1\n}\n}":                            {toldBare},
		"app.example.com/admin/* {\nsigra\n}\napp.example.com {\nreverse_proxy app:1\n}":                                          {toldBare, toldUnreachable},
		"app.example.com {\nroute {\nreverse_proxy /open/* app:1\nsigra\nreverse_proxy app:1\n}\n}":                               {toldBare},
		"*.example.com {\n@a host a.example.com\nhandle @a {\nhandle /x/* {\nsigra\n}\nreverse_proxy app:1\n}\nrespond x\n}":      {toldBare, toldUnreachable},
		"app.example.com {\nhandle /admin/* {\nsigra\nreverse_proxy app:1\n}\nrespond x\n}":                                       {toldUnreachable},
		"app.example.com {\nsigra\nreverse_proxy app:1\n}":                                                                        nil,
		"app.example.com {\nsigra /admin/* {\nportal /account\n}\nhandle {\nreverse_proxy app:1\n}\nphp_fastcgi /php/* app:1\n}":  nil,
		"app.example.com {\nroute {\nsigra\nreverse_proxy app:1\n}\n}":                                                            nil,
		"app.example.com {\nhandle /admin/* {\nsigra\nreverse_proxy app:1\n}\nhandle {\nsigra\nreverse_proxy app:1\n}\n}":         nil,
		"app.example.com {\nhandle /admin/* {\nsigra\n}\nhandle {\nsigra\n}\nreverse_proxy app:1\n}":                              nil,
		"app.example.com {\nsigra\nhandle /admin/* {\nsigra {\nrequire role admin\n}\nreverse_proxy app:1\n}\n}":                  nil,
		"app.example.com {\nroute @x {\nsigra\n}\nreverse_proxy @x app:1\n@x header X-Y z\n}":                                     nil,
		"app.example.com {\nsigra\n}\nother.example.com {\nreverse_proxy app:1\n}\n:443 {\nreverse_proxy app:1\n}":                nil,
		"*.example.com {\n@a host a.example.com\nhandle @a {\nsigra\nreverse_proxy app:1\n}\nhandle {\nreverse_proxy app:1\n}\n}": nil,
		"*.example.com {\nsigra\n@a host a.example.com\nhandle @a {\nreverse_proxy app:1\n}\nhandle {\nreverse_proxy app:1\n}\n}": nil,
		"http://:8080 {\nsigra\nreverse_proxy app:1\n}\nhttp://:8081 {\nreverse_proxy app:1\n}\nhttp://:8082 {\nrespond x\n}":     nil,
		"app.example.com {\nsigra\nforward_auth app:1 {\nuri /x\n}\nreverse_proxy app:1 {\nhandle_response {\nrespond x\n}\n}\n}": nil,
	} {
		_, log := located(t, site)
		for _, told := range []string{toldBare, toldUnreachable} {
			wanted := strings.Contains(strings.Join(want, ""), told)
			if strings.Contains(log, told) != wanted {
				t.Errorf("%s\ntold %q, want %q", site, log, want)
			}
		}
		if want != nil && !strings.Contains(log, "move sigra out of handle") {
			t.Errorf("%s\nthe way out is not told: %q", site, log)
		}
	}
}

// TestExamplesAreGuarded: what we show warns of nothing.
func TestExamplesAreGuarded(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
	t.Setenv("REDIS_URL", "redis://127.0.0.1:1")
	for _, file := range []string{"../Caddyfile.example", "../docker/Caddyfile", "../README.md"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples := []string{string(raw)}
		if filepath.Ext(file) == ".md" {
			examples = strings.Split(string(raw), "\n```\n")
		}
		checked := 0
		for _, text := range examples {
			if filepath.Ext(file) == ".md" && !strings.HasPrefix(text, "app.example.com {") {
				continue
			}
			checked++
			if _, log := located(t, strings.ReplaceAll(text, "/run/secrets/sigra_secret", secret)); log != "" {
				t.Errorf("%s warns %q:\n%s", file, log, text)
			}
		}
		if checked == 0 {
			t.Errorf("%s: no example found", file)
		}
	}
}
