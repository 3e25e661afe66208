package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// MinifluxHeader is the header that Miniflux is told to take the name of the user
// from.
const MinifluxHeader = "X-Signed-In"

// Miniflux starts a feed reader that knows nothing of Sigra, and makes an account
// for whoever its proxy says is there. It returns the address. `make deps` builds it.
func Miniflux(t testing.TB) (addr string) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "..", "..", "build", "apps", "miniflux.app")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("this test needs Miniflux: run `make deps` (%v)", err)
	}
	addr = address(freePort(t))
	p := &process{
		name: "miniflux", path: path, dir: t.TempDir(),
		env: []string{
			"DATABASE_URL=" + Postgres(t), "LISTEN_ADDR=" + addr, "RUN_MIGRATIONS=1", "DISABLE_SCHEDULER_SERVICE=1",
			"AUTH_PROXY_HEADER=" + MinifluxHeader, "AUTH_PROXY_USER_CREATION=1", "TRUSTED_REVERSE_PROXY_NETWORKS=127.0.0.0/8",
		},
		ready: func() error {
			client := http.Client{Timeout: time.Second}
			answer, err := client.Get("http://" + addr + "/healthcheck")
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("health: %s", answer.Status)
			}
			return nil
		},
	}
	p.Start(t)
	t.Cleanup(func() { p.Kill(t) })
	return addr
}
