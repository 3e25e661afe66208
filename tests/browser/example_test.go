package browser

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// What a newcomer sees after `make run`: the file that it serves, on other ports.
func TestExampleFirstRun(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(root, "Caddyfile.example"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	g := gateway.New(t, gateway.Config{})
	g.File = strings.NewReplacer("http://localhost:8080", g.URL, "8081", port, "root tests/demo", "root "+filepath.Join(root, "tests/demo")).Replace(string(example))
	g.Start()
	g.Await(func() error {
		if !setUpLink.MatchString(g.Log()) {
			return fmt.Errorf("no set-up link")
		}
		return nil
	})
	b := New(t)
	b.Open(g.URL + "/about")
	b.await("the public page", says("nobody is signed in"))
	b.Open(setUpLink.FindString(g.Log()))
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.Open(g.URL + "/_auth/logout")
	b.Press(".primary")
	b.Open(g.URL + "/")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.await("the app", says("told that you are ada@example.com"))
	b.await("the verdict of the app", says("verified: signed by the gateway, for this app, still valid"))
	b.mustBeAt(g.URL + "/")
}

// says is the condition that a visitor reads a text.
func says(text string) string {
	return fmt.Sprintf("document.body && document.body.innerText.replace(/\\s+/g, ' ').includes(%q)", text)
}
