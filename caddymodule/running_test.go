package caddymodule

import (
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// load makes Caddy run a Caddyfile as a reload does.
func load(t *testing.T, text string) error {
	t.Helper()
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return caddy.Load(raw, true)
}

// freeAddress is a local address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestCommandsReachTheGatewayThatServes: a configuration that Caddy rejects answers for
// its admin endpoint from then on.
func TestCommandsReachTheGatewayThatServes(t *testing.T) {
	dir, admin := lastingDir(t), freeAddress(t)
	config := func(global, sites string) string {
		return "{\nadmin " + admin + "\npersist_config off\nstorage file_system " + dir + "\nsigra {\nstorage sqlite " + filepath.Join(dir, "test.db") + "\n" +
			global + "\n}\n}\nhttp://" + freeAddress(t) + " {\nbind 127.0.0.1\nsigra\nrespond ok\n}\n" + sites
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("SIGRA_TEST_OTHER", strings.Repeat("A", 43)+"=")
	if err := load(t, config("", "")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	serving := running.serving()
	for name, broken := range map[string]string{
		"no such logo":     config("brand {\nlogo /nosuch.png\n}", ""),
		"no such secret":   config("secret {env.SIGRA_TEST_NONE}", ""),
		"other secret":     config("secret {env.SIGRA_TEST_OTHER}", ""),
		"wrong times":      config("session {\nidle 2d\n}", ""),
		"occupied address": config("", "http://"+taken.Addr().String()+" {\nbind 127.0.0.1\nrespond x\n}\n"),
	} {
		if err := load(t, broken); err == nil {
			t.Fatalf("%s: the configuration was accepted", name)
		}
		if code := statusOver(t, admin); code != http.StatusOK || running.serving() != serving {
			t.Errorf("%s: status answers %d, by the app that serves: %v", name, code, running.serving() == serving)
		}
	}
	if err := load(t, config("signup open", "")); err != nil {
		t.Fatal(err)
	}
	if code := statusOver(t, admin); code != http.StatusOK || running.serving() == serving {
		t.Errorf("after a good reload: status answers %d, by the app that was stopped: %v", code, running.serving() == serving)
	}
	if err := load(t, "{\nadmin "+admin+"\npersist_config off\n}\n"); err != nil {
		t.Fatal(err)
	}
	if code := statusOver(t, admin); code != http.StatusNotFound {
		t.Errorf("without sigra: status answers %d", code)
	}
}

// statusOver asks a Caddy for the status and returns how it answers, 0 when it is no
// status of a gateway that is ready.
func statusOver(t *testing.T, admin string) int {
	t.Helper()
	answer, err := http.Get("http://" + admin + "/sigra/status")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var status statusView
	if err := json.NewDecoder(answer.Body).Decode(&status); err != nil || answer.StatusCode == http.StatusOK && !status.Ready {
		return 0
	}
	return answer.StatusCode
}
