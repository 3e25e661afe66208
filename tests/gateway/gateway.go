// Package gateway runs real gateway processes for tests: the same binary that
// users run, in front of an app that records what it was told.
package gateway

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build compiles the binary once for a run of tests, unless SIGRA_CADDY names
// one.
var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SIGRA_CADDY"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "sigra-gateway-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caddy")
	out, err := exec.Command("go", "build", "-o", path, "github.com/sigra-auth/sigra/caddymodule/cmd/caddy").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the gateway: %w\n%s", err, out)
	}
	return path, nil
})

// Run runs the tests of a package and removes the binary.
func Run(m *testing.M) int {
	code := m.Run()
	if path, err := build(); err == nil && os.Getenv("SIGRA_CADDY") == "" {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	return code
}

// Config says how a gateway runs.
type Config struct {
	// Global are options of the global sigra block, a line each.
	Global string
	// Servers are further global options of Caddy.
	Servers string
	// Site is the body of the site; {upstream} stands for the app's address.
	// Default: sigra in front of the app.
	Site string
	// Host is the name of the site. Default: localhost.
	Host string
	// TLS serves the site over HTTPS with Caddy's own authority.
	TLS bool
	// Env are further environment variables, as NAME=value.
	Env []string
	// File is a whole configuration, instead of all of the above but Env.
	File string
}

// Gateway is a running gateway.
type Gateway struct {
	Config
	URL      string // of the site
	Admin    string // host:port of the admin endpoint
	Upstream *Upstream

	t       testing.TB
	dir     string
	binary  string
	command *exec.Cmd
	exited  chan struct{}
	log     *logBuffer
}

// Start starts a gateway and an app behind it, and waits until it answers.
func Start(t testing.TB, c Config) *Gateway {
	t.Helper()
	g := New(t, c)
	g.Start()
	return g
}

// New prepares a gateway without starting it.
func New(t testing.TB, c Config) *Gateway {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	if c.Site == "" {
		c.Site = "sigra\nreverse_proxy {upstream}"
	}
	site, admin := freeAddresses(t)
	g := &Gateway{
		Config: c, t: t, binary: binary, dir: t.TempDir(), log: new(logBuffer), Upstream: NewUpstream(t),
		Admin: admin,
	}
	_, port, _ := net.SplitHostPort(site)
	scheme := map[bool]string{true: "https", false: "http"}[c.TLS]
	g.URL = scheme + "://" + net.JoinHostPort(cmp.Or(c.Host, "localhost"), port)
	return g
}

// freeAddresses returns two loopback addresses that nothing listens on. They differ:
// Caddy would listen twice on one, and the admin endpoint answer for the site.
func freeAddresses(t testing.TB) (site, admin string) {
	t.Helper()
	var found [2]string
	for i := range found {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		found[i] = l.Addr().String()
	}
	return found[0], found[1]
}

// Caddyfile returns the configuration.
func (g *Gateway) Caddyfile() string {
	if g.File != "" {
		return g.File
	}
	site := strings.ReplaceAll(g.Site, "{upstream}", g.Upstream.Addr)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(g.URL, "https://"), "http://"))
	return fmt.Sprintf("{\nadmin %s\nhttp_port %s\nskip_install_trust\nlocal_certs\ngrace_period 5s\n%s\nsigra {\n%s\n}\n}\n%s {\n%s\n}\n",
		g.Admin, map[bool]string{true: "0", false: port}[g.TLS], g.Servers, g.Global, g.URL, site)
}

// Start starts the process and waits until it answers.
func (g *Gateway) Start() {
	g.t.Helper()
	g.Launch()
	g.Await(func() error {
		r, err := http.Get("http://" + g.Admin + "/config/")
		if err != nil {
			return err
		}
		return r.Body.Close()
	})
}

// Launch starts the process and does not wait.
func (g *Gateway) Launch() {
	g.t.Helper()
	file := g.ConfigFile()
	g.command = exec.Command(g.binary, "run", "--config", file, "--adapter", "caddyfile")
	g.command.Env = g.environment()
	g.command.Stdout, g.command.Stderr = g.log, g.log
	if err := g.command.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.exited = make(chan struct{})
	go func(command *exec.Cmd, exited chan struct{}) {
		_ = command.Wait() // the tests look at what it did, not at its status
		close(exited)
	}(g.command, g.exited)
	g.t.Cleanup(func() {
		g.Kill()
		if strings.Contains(g.Log(), "WARNING: DATA RACE") { // by a program built with -race
			g.t.Errorf("the gateway has a data race:\n%s", g.Log())
		}
	})
}

// ConfigFile writes the configuration and returns its path.
func (g *Gateway) ConfigFile() string {
	g.t.Helper()
	file := filepath.Join(g.dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(g.Caddyfile()), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return file
}

func (g *Gateway) environment() []string {
	env := append(os.Environ(), "XDG_DATA_HOME="+g.dir, "XDG_CONFIG_HOME="+g.dir, "HOME="+g.dir, "CADDY_ADMIN="+g.Admin)
	return append(env, g.Env...)
}

// Await waits until a condition holds, fifteen seconds at most.
func (g *Gateway) Await(condition func() error) {
	g.t.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = condition(); err == nil {
			return
		}
		select {
		case <-g.exited:
			g.t.Fatalf("the gateway has exited: %v\n%s", err, g.Log())
		default:
		}
	}
	g.t.Fatalf("in vain: %v\n%s", err, g.Log())
}

// Kill ends the process as kill -9 does.
func (g *Gateway) Kill() { g.end(syscall.SIGKILL) }

// Stop ends the process gracefully.
func (g *Gateway) Stop() { g.end(syscall.SIGTERM) }

func (g *Gateway) end(signal os.Signal) {
	select {
	case <-g.exited:
		return
	default:
	}
	_ = g.command.Process.Signal(signal) // it may have exited just now
	<-g.exited
}

// Exited waits until the process has ended by itself and reports whether it
// did.
func (g *Gateway) Exited(within time.Duration) bool {
	select {
	case <-g.exited:
		return true
	case <-time.After(within):
		return false
	}
}

// Reload posts a configuration to the running process, and returns the error
// that Caddy answers.
func (g *Gateway) Reload(caddyfile string) error {
	r, err := http.Post("http://"+g.Admin+"/load", "text/caddyfile", strings.NewReader(caddyfile))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if body, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusOK {
		return fmt.Errorf("%d: %s", r.StatusCode, body)
	}
	return nil
}

// CLI runs a `caddy sigra` command with a line of input, and returns what it
// printed.
func (g *Gateway) CLI(input string, args ...string) (string, error) {
	command := exec.Command(g.binary, append([]string{"sigra"}, args...)...)
	command.Env, command.Dir = g.environment(), g.dir
	command.Args = append(command.Args, "--address", g.Admin, "--config", g.ConfigFile(), "--adapter", "caddyfile")
	command.Stdin = strings.NewReader(input + "\n")
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, errs.String())
	}
	return out.String(), nil
}

// Log returns what the process has written so far.
func (g *Gateway) Log() string { return g.log.String() }

// logBuffer is a buffer that two goroutines may use.
type logBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// PID returns the id of the process.
func (g *Gateway) PID() int { return g.command.Process.Pid }

// Binary returns the path of the program.
func (g *Gateway) Binary() string { return g.binary }
