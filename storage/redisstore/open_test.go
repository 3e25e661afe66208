package redisstore_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/redisstore"
	"github.com/sigra-auth/sigra/storage/storetest"
	"github.com/sigra-auth/sigra/tests/servers"
)

var quiet = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) {
	redisstore.LogTo(quiet)
	os.Exit(m.Run())
}

// openURL returns a client that shares its prefix with no other test.
func openURL(t testing.TB, url string) *redisstore.Client {
	t.Helper()
	return openShared(t, url, rand.Text()+":")
}

func openShared(t testing.TB, url, prefix string) *redisstore.Client {
	t.Helper()
	options, err := redisstore.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redisstore.Open(options, prefix)
	t.Cleanup(func() { c.Close() })
	return c
}

// onEach runs a test on each kind of Redis.
func onEach(t *testing.T, test func(t *testing.T, url string)) {
	kinds := map[string]func(testing.TB) string{
		"single":   func(t testing.TB) string { return servers.Redis(t).URL },
		"sentinel": func(t testing.TB) string { return servers.RedisSentinel(t).URL },
		"cluster":  func(t testing.TB) string { return servers.RedisCluster(t).URL },
	}
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func TestConformance(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		t.Run("sessions", func(t *testing.T) {
			storetest.Sessions(t, func(t testing.TB) session.Store { return openURL(t, url).Sessions() })
		})
		t.Run("throttle", func(t *testing.T) {
			storetest.Throttle(t, func(t testing.TB) storetest.Counter {
				return storetest.Counter{Store: openURL(t, url).Throttle(), Pass: time.Sleep}
			})
		})
		t.Run("ceremonies", func(t *testing.T) { storetest.Ceremonies(t, openURL(t, url).Ceremonies(), time.Sleep) })
		t.Run("bus", func(t *testing.T) {
			storetest.Bus(t, func(t testing.TB) storetest.Nodes {
				prefix := rand.Text() + ":"
				return func() session.Bus { return openShared(t, url, prefix).Bus(quiet) }
			})
		})
	})
}

// command runs a command on a server, past the store.
func command(t testing.TB, s *servers.RedisServer, args ...any) any {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer c.Close()
	answer, err := c.Do(context.Background(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return answer
}
