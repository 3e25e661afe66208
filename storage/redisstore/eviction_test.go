package redisstore_test

import (
	"context"
	"testing"

	"github.com/sigra-auth/sigra/tests/servers"
)

func TestEviction(t *testing.T) {
	s := servers.Redis(t)
	wantEviction := func(when, want string) {
		t.Helper()
		if got := openURL(t, s.URL).Eviction(context.Background()); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	wantEviction("by default", "")
	command(t, s, "CONFIG", "SET", "maxmemory-policy", "volatile-lru")
	wantEviction("with volatile-lru", "volatile-lru")
	command(t, s, "ACL", "SETUSER", "default", "-config")
	wantEviction("where CONFIG is forbidden", "")
	s.Stop(t)
	wantEviction("while it is away", "")
}

func TestEvictionOfCluster(t *testing.T) {
	c := openURL(t, servers.RedisCluster(t).URL)
	if got := c.Eviction(context.Background()); got != "" {
		t.Errorf("by default: %q", got)
	}
}
