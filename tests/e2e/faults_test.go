package e2e

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// until waits for an answer with a status, at most as long as it may take.
func until(t *testing.T, c *gateway.Client, path string, status int, within time.Duration) gateway.Answer {
	t.Helper()
	var answer gateway.Answer
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		start := time.Now()
		answer = c.Get(path)
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("%s took %s", path, took)
		}
		if answer.StatusCode == status {
			return answer
		}
	}
	t.Fatalf("%s: %d after %s, want %d", path, answer.StatusCode, within, status)
	return answer
}

func TestRedisAway(t *testing.T) {
	p := newPair(t, "")
	for name, fault := range map[string]struct{ lose, restore func(testing.TB) }{
		"killed": {p.redis.Stop, p.redis.Start},
		"hung":   {p.redis.Pause, p.redis.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			c := p.a.SignedIn(ada)
			until(t, c, "/", http.StatusOK, 15*time.Second)
			lost := time.Now()
			fault.lose(t)
			answer := until(t, c, "/", http.StatusServiceUnavailable, 12*time.Second)
			if took := time.Since(lost); took > 11*time.Second {
				t.Errorf("a cached session served for %s", took)
			}
			if answer.Header.Get("Retry-After") == "" || !strings.Contains(answer.Text, "Back in a moment") {
				t.Errorf("the 503 page: %v\n%s", answer.Header, answer.Text)
			}
			if answer := c.Get("/public/x"); answer.StatusCode != http.StatusOK || p.a.Upstream.Last().Header.Get("Remote-User") != "" {
				t.Errorf("a public path: %d as %q", answer.StatusCode, p.a.Upstream.Last().Header.Get("Remote-User"))
			}
			if answer := p.a.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}}); answer.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("sign-in: %d", answer.StatusCode)
			}
			fault.restore(t)
			until(t, c, "/", http.StatusOK, 15*time.Second)
		})
	}
}

func TestRedisFlushed(t *testing.T) {
	p := newPair(t, "session {\ncache 1s\n}")
	c := p.a.SignedIn(ada)
	until(t, c, "/", http.StatusOK, 5*time.Second)
	client := redis.NewClient(&redis.Options{Addr: p.redis.Addr})
	defer client.Close()
	if err := client.FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	until(t, c, "/", http.StatusSeeOther, 5*time.Second)
	c.SignIn(ada)
	until(t, c, "/", http.StatusOK, 5*time.Second)
}

func TestPostgresAway(t *testing.T) {
	p := newPair(t, "")
	for name, fault := range map[string]struct{ lose, restore func(testing.TB) }{
		"killed": {p.postgres.Kill, p.postgres.Start},
		"hung":   {p.postgres.Pause, p.postgres.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			c := p.a.SignedIn(ada)
			fault.lose(t)
			for range 30 {
				if answer := c.Get("/"); answer.StatusCode != http.StatusOK || p.a.Upstream.Last().Header.Get("Sigra-Assertion") == "" {
					t.Fatalf("a session in Redis: %d", answer.StatusCode)
				}
				time.Sleep(10 * time.Millisecond)
			}
			start := time.Now()
			answer := p.a.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}})
			if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(answer.Text, "try again shortly") || time.Since(start) > 8*time.Second {
				t.Errorf("sign-in: %d after %s", answer.StatusCode, time.Since(start))
			}
			fault.restore(t)
			p.a.Await(func() error {
				return expect(p.a.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}}), http.StatusSeeOther)
			})
		})
	}
}

func TestStartingWithoutPostgres(t *testing.T) {
	postgres := servers.DedicatedPostgres(t)
	g := gateway.New(t, gateway.Config{Global: "storage postgres {env.DSN}", Env: []string{"DSN=" + postgres.DSN}})
	postgres.Stop(t)
	g.Start()
	if answer := g.NewClient().Get("/_auth/login"); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("sign-in page: %d", answer.StatusCode)
	}
	if out, err := g.CLI("", "status"); err == nil || !strings.Contains(out, "ready=false") || !strings.Contains(out, "database=unavailable") || !strings.Contains(out, "trouble=") {
		t.Errorf("the status says %s, %v", out, err)
	}
	postgres.Start(t)
	until(t, g.NewClient(), "/_auth/login", http.StatusOK, 15*time.Second)
	g.AddUser(ada)
	until(t, g.SignedIn(ada), "/", http.StatusOK, 5*time.Second)
}

func TestAnotherMasterSecretIsRefused(t *testing.T) {
	postgres := servers.DedicatedPostgres(t)
	config := func(key byte) gateway.Config {
		secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(key)), 32)))
		return gateway.Config{Global: "storage postgres {env.DSN}\nsecret {env.SECRET}", Env: []string{"DSN=" + postgres.DSN, "SECRET=" + secret}}
	}
	gateway.Start(t, config('a'))
	other := gateway.New(t, config('b'))
	other.Launch()
	if !other.Exited(15 * time.Second) {
		t.Fatal("a node with another master secret runs")
	}
	if !strings.Contains(other.Log(), "made with another master secret") {
		t.Errorf("it does not say why:\n%s", other.Log())
	}
	// One that could not see the database at first says so too, and never serves.
	postgres.Stop(t)
	late := gateway.New(t, config('b'))
	late.Launch()
	late.Await(func() error {
		if !strings.Contains(late.Log(), "cannot reach its stores") {
			return errNotYet
		}
		return nil
	})
	postgres.Start(t)
	late.Await(func() error {
		if !strings.Contains(late.Log(), "made with another master secret") {
			return errNotYet
		}
		return nil
	})
	if err := expect(late.NewClient().Fetch("/_auth/login"), http.StatusServiceUnavailable); err != nil {
		t.Error(err)
	}
}
