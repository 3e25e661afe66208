package caddymodule

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// located provisions a Caddyfile and returns the app when it has found its sites, and
// what it told of them.
func located(t *testing.T, text string) (*App, string) {
	t.Helper()
	var log bytes.Buffer
	app, _ := appOfCaddyfile(t, text)
	app.logger = slog.New(slog.NewTextHandler(&log, nil))
	app.sites()
	return app, log.String()
}

// told returns what is logged about the sites of a Caddyfile.
func told(t *testing.T, text string) string {
	t.Helper()
	_, log := located(t, text)
	return log
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

// TestDirectivesOfASiteAgree: what one of them says of the app and of the pages holds
// for those that say nothing.
func TestDirectivesOfASiteAgree(t *testing.T) {
	g := newGateway(t, "", "sigra {\nportal /auth\nheaders webauth\nassertion off\n}\n"+
		"sigra /admin/* {\nrequire user\n}\nsigra /other/* {\nheaders forwarded\nassertion X-Proof\n}\n"+
		"@h host a.localhost\nhandle @h {\nsigra /inner/* {\nrequire user\n}\n}")
	cookie := g.signIn(t)
	for _, path := range []string{"/", "/admin/x", "/inner/x", "/other/x"} {
		var told http.Header
		g.upstream = func(_ http.ResponseWriter, r *http.Request) { told = r.Header.Clone() }
		g.do(t, get(path, "Cookie", cookie))
		if told.Get("X-Webauth-User") != testEmail || told.Get("Remote-User") != "" || told.Get("Sigra-Assertion") != "" {
			t.Errorf("%s: the app is told %v", path, told)
		}
		if own := told.Get("X-Forwarded-User") != "" && told.Get("X-Proof") != ""; own != (path == "/other/x") {
			t.Errorf("%s: headers of its own %v: %v", path, own, told)
		}
		if w := g.do(t, get(path, "Sec-Fetch-Mode", "navigate")); !strings.HasPrefix(w.Header().Get("Location"), "/auth/login") {
			t.Errorf("%s leads to %q", path, w.Header().Get("Location"))
		}
	}
	told := false
	g.upstream = func(http.ResponseWriter, *http.Request) { told = true }
	g.do(t, get("/_auth/login", "Cookie", cookie))
	if !told {
		t.Error("there is a second portal at /_auth")
	}
}

func TestSitesDoNotShare(t *testing.T) {
	app, _ := located(t, "*.example.com {\nsigra {\nportal /wild\nheaders webauth\n}\n}\na.example.com {\nsigra\n}\n"+
		":443 {\nsigra {\nportal /any\n}\n}\n*.example.org {\n@a host a.example.org\n@b host b.example.org\n"+
		"handle @a {\nsigra {\nportal /a\n}\n}\nhandle @b {\nsigra\n}\n}")
	if app.hosts.trouble != nil {
		t.Fatal(app.hosts.trouble)
	}
	for _, g := range app.hosts.gates {
		want := map[string]string{"*.example.com": "/wild", "": "/any", "a.example.org": "/a"}[strings.Join(g.hosts, "")]
		if want == "" {
			want = defaultPortal
		}
		if g.gate.portal != want || (len(g.gate.Headers.Dialects) > 0) != (want == "/wild") {
			t.Errorf("%v: pages at %s, headers %v", g.hosts, g.gate.portal, g.gate.Headers.Dialects)
		}
	}
}

func TestTwoPortalsOfASite(t *testing.T) {
	for _, site := range []string{
		"app.example.com {\nsigra {\nportal /auth\n}\nsigra /admin/* {\nportal /account\n}\n}",
		"app.example.com {\nsigra {\nportal /auth\n}\nhandle /admin/* {\nsigra {\nportal /account\n}\n}\n}",
	} {
		app, _ := located(t, site)
		err := app.Start()
		if err == nil {
			t.Errorf("%s\nstarts", site)
			_ = app.Stop()
			continue
		}
		for _, part := range []string{"app.example.com", "/auth", "/account", "one portal"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s\n%v", site, err)
			}
		}
	}
}
