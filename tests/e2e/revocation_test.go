package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// open is a signed-in browser with streams at node B.
type open struct {
	*gateway.Client
	ws     *websocket.Conn
	events io.ReadCloser
}

func openAt(t *testing.T, p pair) open {
	t.Helper()
	o := open{Client: p.a.SignedIn(ada).At(p.b)}
	if answer := o.Get("/"); answer.StatusCode != http.StatusOK {
		t.Fatalf("a session of A at B: %d", answer.StatusCode)
	}
	var err error
	if o.ws, err = o.WebSocket(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.ws.CloseNow() })
	if err := o.ws.Write(context.Background(), websocket.MessageText, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := o.ws.Read(context.Background()); err != nil || string(message) != "ping" {
		t.Fatalf("%q, %v", message, err)
	}
	if o.events, err = o.Events(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.events.Close() })
	return o
}

// mustEnd checks that the session is refused at once and its streams end
// within a second.
func (o open) mustEnd(t *testing.T) {
	t.Helper()
	start := time.Now()
	if answer := o.Fetch("/"); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("the next request at B: %d", answer.StatusCode)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if _, _, err := o.ws.Read(ctx); ctx.Err() != nil || err == nil {
		t.Errorf("the WebSocket at B is open: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, o.events)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		t.Error("the event stream at B is open")
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestRevocationOnEveryNode(t *testing.T) {
	p := newPair(t, "")
	for name, revoke := range map[string]func(open) error{
		"sign-out": func(o open) error {
			return expect(o.At(p.a).Post("/_auth/logout", nil), http.StatusSeeOther)
		},
		"sign out everywhere else": func(o open) error {
			other := p.a.SignedIn(ada)
			return expect(other.Post("/_auth/account/sessions/revoke-others", nil), http.StatusSeeOther)
		},
		"revoked by the operator": func(open) error {
			_, err := p.a.CLI("", "session", "revoke", ada)
			return err
		},
		"new password": func(open) error {
			_, err := p.a.CLI(gateway.Password, "user", "set-password", ada)
			return err
		},
		"disabled": func(open) error {
			_, err := p.a.CLI("", "user", "disable", ada)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := openAt(t, p)
			if err := revoke(o); err != nil {
				t.Fatal(err)
			}
			o.mustEnd(t)
		})
		if _, err := p.a.CLI("", "user", "enable", ada); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(answer gateway.Answer, status int) error {
	if answer.StatusCode != status {
		return fmt.Errorf("%d, want %d: %s", answer.StatusCode, status, answer.Text)
	}
	return nil
}

// mustSignOutEverywhere signs out at A, which the next request at B must meet.
func (p pair) mustSignOutEverywhere(t *testing.T) {
	t.Helper()
	c := p.a.SignedIn(ada)
	if answer := c.At(p.b).Fetch("/"); answer.StatusCode != http.StatusOK {
		t.Fatalf("a session of A at B: %d", answer.StatusCode)
	}
	token := c.SessionCookie()
	c.Post("/_auth/logout", url.Values{})
	r := c.At(p.b).Request("GET", "/", "", "Cookie", "sigra="+token)
	if answer := p.b.NewClient().Do(r); answer.StatusCode != http.StatusUnauthorized {
		t.Fatalf("after signing out at A, B answers %d", answer.StatusCode)
	}
}

func TestRevocationAlwaysBeatsTheNextRequest(t *testing.T) {
	p := newPair(t, "throttle {\naccount 1000 15m\nnetwork 1000 15m\n}")
	for range 50 {
		p.mustSignOutEverywhere(t)
	}
}

// TestRevocationWithoutRedis shares a database between nodes that nothing else links:
// each sees that it is not alone, and then asks the database on every request. The
// warning comes later, when it was no restart.
func TestRevocationWithoutRedis(t *testing.T) {
	p := newPairOn(t, "", "throttle {\naccount 1000 15m\nnetwork 1000 15m\n}")
	for _, g := range []*gateway.Gateway{p.a, p.b} {
		g.Await(func() error {
			if !strings.Contains(g.Log(), "another node uses this database") {
				return errNotYet
			}
			return nil
		})
	}
	for range 10 {
		p.mustSignOutEverywhere(t)
	}
	o := openAt(t, p)
	if _, err := p.a.CLI("", "session", "revoke", ada); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, _, err := o.ws.Read(ctx); ctx.Err() != nil || err == nil {
		t.Errorf("the WebSocket at B is open: %v", err)
	}
}

func TestRevocationAfterTheLinkWasCut(t *testing.T) {
	p := newPair(t, "")
	client := redis.NewClient(&redis.Options{Addr: p.redis.Addr})
	defer client.Close()
	for name, cut := range map[string]func(){
		"subscriptions killed": func() {
			if err := client.Do(context.Background(), "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
				t.Fatal(err)
			}
		},
		"redis restarted": func() {
			p.redis.Stop(t)
			time.Sleep(2 * time.Second)
			p.redis.Start(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := openAt(t, p)
			cut()
			o.awaitBack(t, p)
			if _, err := p.a.CLI("", "session", "revoke", ada); err != nil {
				t.Fatal(err)
			}
			o.mustEnd(t)
		})
	}
}

// awaitBack waits until both nodes serve again.
func (o open) awaitBack(t *testing.T, p pair) {
	t.Helper()
	for _, g := range []*gateway.Gateway{p.a, p.b} {
		g.Await(func() error { return expect(o.At(g).Fetch("/"), http.StatusOK) })
	}
}
