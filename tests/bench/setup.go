package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	email    = "ada@example.com"
	password = "correct horse battery staple"
)

// bench is everything that runs during a measurement.
type bench struct {
	caddy, dir string
	app        string // address
	redis      *child
	redisAddr  string
	children   []*child
	gateways   []*gateway
}

// child is a process that the bench started.
type child struct{ *exec.Cmd }

// gateway is a Caddy under test.
type gateway struct {
	name, address, admin string
	child                *child
	cookie               string
	// signedIn says that requests of a session are sent; else Status is what
	// an anonymous one gets.
	signedIn bool
	status   int
	// baseline is the index of what its figures are compared with.
	baseline int
}

func newBench(caddy string) (*bench, error) {
	dir, err := os.MkdirTemp("", "sigra-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{caddy: caddy, dir: dir, app: freeAddress(), redisAddr: freeAddress()}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if _, err := b.start(self, roleApp, b.app); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(b.redisAddr)
	b.redis, err = b.start("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir)
	if err != nil {
		return nil, fmt.Errorf("starting Redis (make deps installs it): %w", err)
	}
	return b, await(b.redisAddr)
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // no machine to measure on
	}
	defer l.Close()
	return l.Addr().String()
}

func await(address string) error {
	var err error
	for range 200 {
		var conn net.Conn
		if conn, err = net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func (b *bench) start(name string, args ...string) (*child, error) {
	c := &child{exec.Command(name, args...)}
	c.Env = append(os.Environ(), "XDG_DATA_HOME="+filepath.Join(b.dir, strconv.Itoa(len(b.children))), "XDG_CONFIG_HOME="+b.dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return nil, err
	}
	b.children = append(b.children, c)
	return c, nil
}

func (b *bench) close() {
	for _, c := range b.children {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	_ = os.RemoveAll(b.dir)
}

// run starts a Caddy with a site.
func (b *bench) run(name, global, site string) (*gateway, error) {
	g := &gateway{name: name, address: freeAddress(), admin: freeAddress(), status: http.StatusOK}
	_, port, _ := net.SplitHostPort(g.address)
	file := filepath.Join(b.dir, strings.ReplaceAll(name, " ", "-")+".caddy")
	text := fmt.Sprintf("{\nadmin %s\nlog {\nlevel ERROR\n}\n%s\n}\nhttp://localhost:%s {\n%s\n}\n", g.admin, global, port, strings.ReplaceAll(site, "{app}", b.app))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	var err error
	if g.child, err = b.start(b.caddy, "run", "--config", file, "--adapter", "caddyfile"); err != nil {
		return nil, fmt.Errorf("starting %s (make build makes it): %w", b.caddy, err)
	}
	if err := await(g.address); err != nil {
		return nil, err
	}
	b.gateways = append(b.gateways, g)
	return g, nil
}

// signIn makes an account and a session of it.
func (g *gateway) signIn() error {
	body, err := json.Marshal(map[string]string{"email": email, "name": "Ada Lovelace", "password": password})
	if err != nil {
		return err
	}
	answer, err := http.Post("http://"+g.admin+"/sigra/users", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if said, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		return fmt.Errorf("making an account: %s", said)
	}
	_, port, _ := net.SplitHostPort(g.address)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err = client.PostForm("http://localhost:"+port+"/_auth/login", url.Values{"email": {email}, "password": {password}})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	for _, c := range answer.Cookies() {
		if c.Name == "sigra" {
			g.cookie = c.Value
		}
	}
	if g.cookie == "" {
		return fmt.Errorf("signing in: %d", answer.StatusCode)
	}
	return nil
}

// request builds the bytes of a page load with a session cookie.
func (g *gateway) request(cookie string) []byte {
	_, port, _ := net.SplitHostPort(g.address)
	text := "GET / HTTP/1.1\r\nHost: localhost:" + port + "\r\nUser-Agent: bench\r\nAccept: text/html\r\n"
	if cookie != "" {
		text += "Cookie: sigra=" + cookie + "\r\n"
	}
	return []byte(text + "\r\n")
}
