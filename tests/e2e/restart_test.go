package e2e

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// pingPong exchanges a message over a WebSocket.
func pingPong(ws *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageText, []byte("ping")); err != nil {
		return err
	}
	_, _, err := ws.Read(ctx)
	return err
}

func TestSessionsSurviveARestart(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for name, end := range map[string]func(){"kill -9": g.Kill, "SIGTERM": g.Stop} {
		end()
		g.Start()
		if answer := c.Get("/"); answer.StatusCode != http.StatusOK || g.Upstream.Last().Header.Get("Remote-User") != ada {
			t.Errorf("after %s: %d", name, answer.StatusCode)
		}
	}
}

var setUpLink = regexp.MustCompile(`http://localhost:\d+(/_auth/setup/[\w-]{43})`)

func TestSetUpLinkMakesOneAccount(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.Await(func() error {
		if !setUpLink.MatchString(g.Log()) {
			return errStatus(0)
		}
		return nil
	})
	path := setUpLink.FindStringSubmatch(g.Log())[1]
	if answer := g.NewClient().Get(path); answer.StatusCode != 200 || !strings.Contains(answer.Text, "Create the first account") {
		t.Fatalf("the link: %d", answer.StatusCode)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			form := url.Values{"email": {string(rune('a'+i)) + "@example.com"}, "password": {gateway.Password}}
			if answer := g.NewClient().Post(path, form); answer.StatusCode == http.StatusSeeOther {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("%d first accounts were made", made.Load())
	}
	out, err := g.CLI("", "user", "list")
	if err != nil || strings.Count(out, "role=admin") != 1 || strings.Count(out, "id=") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	if answer := g.NewClient().Get(path); answer.StatusCode != http.StatusNotFound {
		t.Errorf("the used link: %d", answer.StatusCode)
	}
	g.Kill()
	g.Start()
	if n := len(setUpLink.FindAllString(g.Log(), -1)); n != 1 {
		t.Errorf("the log shows %d links, want 1", n)
	}
}
