package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestLogOfRedis: an operator learns once that Redis is away, why, and that it is back,
// from lines that a program can read.
func TestLogOfRedis(t *testing.T) {
	r := servers.Redis(t)
	r.Stop(t)
	g := gateway.Start(t, gateway.Config{Global: "sessions redis {env.REDIS}", Env: []string{"REDIS=redis://:wrong-secret@" + r.Addr}})
	c := g.NewClient()
	wantTold := func(away, back int, why string) {
		t.Helper()
		g.Await(func() error {
			if told(g, "error", "cannot reach its session store") < away || told(g, "info", "has reached its session store") < back {
				return errNotYet
			}
			return nil
		})
		for range 5 {
			c.Get("/")
		}
		time.Sleep(3 * time.Second) // it is asked meanwhile
		if n := told(g, "error", "cannot reach its session store"); n != away {
			t.Errorf("%d times away, %d lines", away, n)
		}
		if out, _ := g.CLI("", "status"); !strings.Contains(out, why) {
			t.Errorf("the status does not say %q: %s", why, out)
		}
	}
	wantTold(1, 0, "connection refused")
	r.Start(t)
	admin := redis.NewClient(&redis.Options{Addr: r.Addr})
	defer admin.Close()
	admin.ConfigSet(context.Background(), "maxmemory-policy", "allkeys-lru")
	admin.ConfigSet(context.Background(), "requirepass", "wrong-secret")
	wantTold(1, 1, "session_store=ok")
	if told(g, "warn", "maxmemory-policy to noeviction") != 1 {
		t.Error("nothing warns of the eviction policy")
	}
	g.AddUser(ada)
	c = g.SignedIn(ada)
	admin.ConfigSet(context.Background(), "requirepass", "another")
	admin.Do(context.Background(), "CLIENT", "KILL", "TYPE", "normal")
	wantTold(2, 1, "WRONGPASS")
	for line := range strings.Lines(g.Log()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line without structure: %s", line)
		}
	}
	if strings.Contains(g.Log(), "wrong-secret") {
		t.Error("the log tells the password")
	}
}

// told counts the lines of a level that contain a text.
func told(g *gateway.Gateway, level, text string) (n int) {
	for line := range strings.Lines(g.Log()) {
		if strings.Contains(line, `"level":"`+level+`"`) && strings.Contains(line, text) {
			n++
		}
	}
	return n
}
