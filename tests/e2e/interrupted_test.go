package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// A change after which sessions must end ends them, though whoever asked for it
// is gone before the session store has answered, and though the gateway dies.
func TestSessionsEndThoughTheRequestIsCutShort(t *testing.T) {
	server := servers.Redis(t)
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	control := redis.NewClient(options)
	defer control.Close()
	for name, kill := range map[string]bool{"client goes away": false, "gateway dies": true} {
		g := gateway.Start(t, gateway.Config{Global: "sessions redis " + server.URL + " {\nprefix " + strings.ReplaceAll(name, " ", "-") + ":\n}"})
		g.AddUser(ada)
		c := g.SignedIn(ada)
		if err := control.Do(t.Context(), "CLIENT", "PAUSE", "800", "ALL").Err(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+g.Admin+"/sigra/users/"+ada+"/disable", nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
			t.Errorf("%s: answered %d at once", name, answer.StatusCode)
		}
		cancel()
		if kill {
			g.Kill()
			time.Sleep(time.Second)
			g.Start()
		}
		g.Await(func() error {
			if answer := c.Fetch("/"); answer.StatusCode != http.StatusUnauthorized {
				return fmt.Errorf("%s: the session gets %d", name, answer.StatusCode)
			}
			return nil
		})
	}
}
