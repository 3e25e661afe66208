package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

const reloads = 200

// TestReloadsUnderLoad reloads the gateway while requests come, and a bare proxy
// to compare with: what Caddy loses by itself is no fault of Sigra.
func TestReloadsUnderLoad(t *testing.T) {
	// Caddy leaves the idle connections to an app that a configuration had
	// to their timeout, which is minutes else.
	const proxy = "reverse_proxy {upstream} {\ntransport http {\nkeepalive 200ms\n}\n}"
	var bare traffic
	for _, kind := range []struct{ name, global, site string }{
		{"bare", "", proxy},
		{"embedded", "", "sigra\n" + proxy},
		{"redis", "sessions redis " + servers.Redis(t).URL, "sigra\n" + proxy},
	} {
		t.Run(kind.name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Global: kind.global, Site: kind.site})
			g.AddUser(ada)
			c := g.NewClient()
			if kind.name != "bare" {
				c.SignIn(ada)
			}
			stop := load(c)
			var early, late usage
			for i := range reloads {
				if err := g.Reload(version(g, i)); err != nil {
					t.Fatalf("reload %d: %v", i, err)
				}
				if i == reloads/10 {
					early = usageOf(t, g)
				}
			}
			seen := stop()
			g.Await(func() error { // Caddy ends the old servers when their grace period is over
				if late = usageOf(t, g); late.goroutines > early.goroutines+30 {
					return fmt.Errorf("%d goroutines became %d", early.goroutines, late.goroutines)
				}
				return nil
			})
			if kind.name == "bare" {
				bare = seen
			}
			if failure := seen.failure.Load(); failure != nil {
				t.Errorf("a request failed: %s", *failure)
			}
			if again := seen.again.Load(); again > 3*bare.again.Load()+reloads/10 {
				t.Errorf("%d of %d requests were reset before they were answered, %d of %d of the bare proxy's",
					again, seen.served.Load(), bare.again.Load(), bare.served.Load())
			}
			if answer := c.Get("/"); answer.StatusCode != http.StatusOK || answer.Header.Get("X-Version") != strconv.Itoa(reloads-1) {
				t.Errorf("after the reloads: %d, version %s", answer.StatusCode, answer.Header.Get("X-Version"))
			}
			if late.heap > early.heap+24<<20 {
				t.Errorf("a heap of %d MB became %d MB", early.heap>>20, late.heap>>20)
			}
			t.Logf("%d requests during %d reloads, %d sent again; goroutines %d, then %d; heap %d MB, then %d MB",
				seen.served.Load(), reloads, seen.again.Load(), early.goroutines, late.goroutines, early.heap>>20, late.heap>>20)
		})
	}
}

// version is the configuration with a change that a client sees.
func version(g *gateway.Gateway, n int) string {
	return strings.Replace(g.Caddyfile(), "reverse_proxy", fmt.Sprintf("header X-Version %d\nreverse_proxy", n), 1)
}

// traffic is what became of many requests.
type traffic struct {
	served, again *atomic.Int64
	failure       *atomic.Pointer[string]
}

// load sends requests until it is stopped.
func load(c *gateway.Client) (stop func() traffic) {
	seen := traffic{new(atomic.Int64), new(atomic.Int64), new(atomic.Pointer[string])}
	done := make(chan struct{})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				seen.served.Add(1)
				if err := seen.pass(c); err != nil {
					text := err.Error()
					seen.failure.Store(&text)
				}
			}
		})
	}
	return func() traffic {
		close(done)
		running.Wait()
		return seen
	}
}

// pass makes a request as a browser does: it tries again when the connection
// breaks before anything came over it. Caddy opens a new socket for each
// configuration, and the kernel resets connections that the old one had not
// accepted yet.
func (seen traffic) pass(c *gateway.Client) error {
	for attempt := 0; ; attempt++ {
		answer, err := c.Try(c.Request("GET", "/", ""))
		if err == nil && (answer.StatusCode != http.StatusOK || answer.Text != "hello") {
			return fmt.Errorf("%d: %.200s", answer.StatusCode, answer.Text)
		}
		// An error of the body would be no url.Error.
		unanswered := errors.As(err, new(*url.Error)) && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF))
		if !unanswered || attempt == 4 {
			return err
		}
		seen.again.Add(1)
	}
}

type usage struct{ goroutines, heap int }

// usageOf reads what the process uses after a collection.
func usageOf(t *testing.T, g *gateway.Gateway) usage {
	t.Helper()
	read := func(path, pattern string) int {
		r, err := http.Get("http://" + g.Admin + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindSubmatch(body)
		if found == nil {
			t.Fatalf("%s does not tell %s", path, pattern)
		}
		n, err := strconv.Atoi(string(found[1]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return usage{
		goroutines: read("/debug/pprof/goroutine?debug=1", `goroutine profile: total (\d+)`),
		heap:       read("/debug/pprof/heap?debug=1&gc=1", `# HeapAlloc = (\d+)`),
	}
}

func TestRejectedReloadChangesNothing(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	good := g.Caddyfile()
	for name, bad := range map[string]string{
		"unknown word":      strings.Replace(good, "sigra {\n", "sigra {\nbogus\n", 1),
		"missing secret":    strings.Replace(good, "sigra {\n", "sigra {\nsecret {env.SIGRA_NOT_SET}\n", 1),
		"broken brand":      strings.Replace(good, "sigra {\n", "sigra {\nbrand {\naccent blue\n}\n", 1),
		"occupied address":  strings.Replace(good, g.URL+" {", "http://"+g.Upstream.Addr+" {\nbind 127.0.0.1\nrespond x\n}\n"+g.URL+" {", 1),
		"other master key":  strings.Replace(good, "sigra {\n", "sigra {\nsecret {env.OTHER}\n", 1),
		"invalid lifetimes": strings.Replace(good, "sigra {\n", "sigra {\nsession {\nidle 10d\n}\n", 1),
	} {
		if err := g.Reload(bad); err == nil {
			t.Errorf("%s: the configuration was accepted", name)
		}
		if answer := c.Get("/"); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: the running configuration answers %d", name, answer.StatusCode)
		}
		if answer := g.SignedIn(ada).Get("/"); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: a new session gets %d", name, answer.StatusCode)
		}
	}
}

func TestReloadDropsNoStream(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: "sigra\nreverse_proxy {upstream} {\nstream_close_delay 1m\n}"})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	ws, err := c.WebSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := g.Reload(strings.Replace(g.Caddyfile(), "sigra\nreverse_proxy", "header X-Version 2\nsigra\nreverse_proxy", 1)); err != nil {
		t.Fatal(err)
	}
	if err := pingPong(ws); err != nil {
		t.Fatalf("after the reload: %v", err)
	}
	c.CloseIdleConnections() // the older configuration is closing them
	c.Post("/_auth/logout", nil)
	if err := pingPong(ws); err == nil {
		t.Error("the WebSocket of the older configuration survives a sign-out")
	}
}
