package e2e

import (
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

func TestNoSecretIsLoggedOrShown(t *testing.T) {
	const master = "c2VjcmV0LXRoYXQtbm9ib2R5LW11c3Qtc2VlLTMyLWI="
	g := gateway.Start(t, gateway.Config{
		Global: "secret {env.SIGRA_SECRET}", Env: []string{"SIGRA_SECRET=" + master},
		Servers: "debug\nlog {\nformat filter {\nrequest>headers>Sigra-Assertion delete\n}\n}", // as in docker/Caddyfile
		Site:    "log\nsigra\nreverse_proxy {upstream}",
	})
	link := setUpLink.FindStringSubmatch(g.Log())
	if link == nil {
		t.Fatalf("no set-up link in\n%s", g.Log())
	}
	shown := len(g.Log())
	c := g.NewClient()
	c.Get(link[1])
	c.Post(link[1], url.Values{"email": {ada}, "password": {gateway.Password}})
	tokens := []string{c.SessionCookie()}
	c.Get("/")
	assertion := g.Upstream.Last().Header.Get("Sigra-Assertion")
	c.Post("/_auth/step-up", url.Values{"password": {"wrong-" + gateway.Password}})
	c.Post("/_auth/step-up", url.Values{"password": {gateway.Password}})
	tokens = append(tokens, c.SessionCookie())
	c.Get("/_auth/account/sessions")
	c.Post("/_auth/logout", nil)
	if len(tokens[0]) != 43 || len(tokens[1]) != 43 || tokens[0] == tokens[1] || assertion == "" {
		t.Fatalf("tokens %q, assertion %q", tokens, assertion)
	}
	file := g.ConfigFile()
	config, err := http.Get("http://" + g.Admin + "/config/")
	if err != nil {
		t.Fatal(err)
	}
	defer config.Body.Close()
	dump, err := io.ReadAll(config.Body)
	if err != nil {
		t.Fatal(err)
	}
	adapted, err := exec.Command(g.Binary(), "adapt", "--config", file, "--adapter", "caddyfile").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, adapted)
	}
	for where, text := range map[string]string{"the log": g.Log()[shown:], "the admin endpoint": string(dump), "caddy adapt": string(adapted)} {
		for what, secret := range map[string]string{
			"the password": gateway.Password, "an older token": tokens[0], "the token": tokens[1],
			"the master secret": master, "the assertion": assertion, "the set-up secret": strings.TrimPrefix(link[1], "/_auth/setup/"),
		} {
			if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
				t.Errorf("%s shows %s", where, what)
			}
		}
	}
}
