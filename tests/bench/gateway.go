package main

import (
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
)

const (
	email    = "ada@example.com"
	password = "correct horse battery staple"
)

// configuration is a way to run Caddy.
type configuration struct {
	name string
	// global and site are parts of the Caddyfile; {app} stands for the app.
	global, site string
	// signedIn says that a session is used.
	signedIn bool
	// redirects says that the gateway answers by itself, with a redirect.
	redirects bool
	// baseline is the index of what its figures are compared with.
	baseline int
}

// gateway is a Caddy under test.
type gateway struct {
	configuration
	address, admin string
	client         client
	child          *child
	cookie         string
}

// run starts a Caddy.
func (b *bench) run(c configuration) (*gateway, error) {
	g := &gateway{configuration: c, client: b.client}
	var err error
	if g.address, err = freeAddress(); err != nil {
		return nil, err
	}
	if g.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("{\nadmin %s\nlog {\nlevel ERROR\n}\n%s\n}\nhttp://%s {\n%s\n}\n",
		g.admin, c.global, g.host(), strings.ReplaceAll(c.site, "{app}", b.appAddr))
	file := filepath.Join(b.dir, "Caddyfile."+strconv.Itoa(b.started))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if g.child, err = b.start(b.caddy, "run", "--config", file, "--adapter", "caddyfile"); err != nil {
		return nil, fmt.Errorf("starting %s (make build makes it): %w", b.caddy, err)
	}
	b.gateways = append(b.gateways, g)
	return g, b.await(g.address)
}

// host is the Host header of a request.
func (g *gateway) host() string {
	_, port, _ := net.SplitHostPort(g.address)
	return "localhost:" + port
}

func (g *gateway) status() int {
	if g.redirects {
		return http.StatusSeeOther
	}
	return http.StatusOK
}

// signIn makes an account with the command line and a session of it with the
// sign-in form.
func (b *bench) signIn(g *gateway) error {
	add := exec.CommandContext(b.ctx, b.caddy, "sigra", "user", "add", "--email", email, "--name", "Ada Lovelace", "--address", g.admin)
	add.Stdin = strings.NewReader(password + "\n")
	if said, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("making an account: %w: %s", err, said)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.PostForm("http://"+g.host()+"/_auth/login", url.Values{"email": {email}, "password": {password}})
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
		return fmt.Errorf("signing in: %s", answer.Status)
	}
	return nil
}

// request builds the bytes of a page load, with a session unless the cookie is
// empty.
func (g *gateway) request(cookie string) []byte {
	text := "GET / HTTP/1.1\r\nHost: " + g.host() + "\r\n" + g.client.headers()
	if cookie != "" {
		text += "Cookie: sigra=" + cookie + "\r\n"
	}
	return []byte(text + "\r\n")
}

// ask reads a page of the admin endpoint.
func (g *gateway) ask(path string) ([]byte, error) {
	answer, err := http.Get("http://" + g.admin + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, answer.Status)
	}
	return body, err
}

// metric returns a metric of the gateway.
func (g *gateway) metric(name string) (float64, error) {
	page, err := g.ask("/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(page)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}
