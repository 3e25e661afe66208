package servers

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisServer is a running Redis server.
type RedisServer struct {
	process
	// Addr is host and port.
	Addr string
	// URL is the redis:// URL of database 0.
	URL  string
	port int
}

// Redis starts a server of its own for the test. It keeps its data over Stop
// and Start, and nothing over Kill and Start but what was saved.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	return startRedis(t, "redis")
}

func startRedis(t testing.TB, name string, options ...string) *RedisServer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	s := &RedisServer{Addr: address(port), URL: "redis://" + address(port) + "/0", port: port}
	s.process = process{
		name: name, path: binary(t, "redis-server", "redis-server"), dir: dir, ready: s.answers,
		args: append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir,
			// One save rule that never strikes: data is saved on Stop alone.
			"--save", "86400", "1000000000", "--appendonly", "no", "--stop-writes-on-bgsave-error", "no"}, options...),
	}
	s.Start(t)
	t.Cleanup(func() { s.Kill(t) })
	return s
}

func (s *RedisServer) answers() error {
	return s.do(func(ctx context.Context, c *redis.Client) error { return c.Ping(ctx).Err() })
}

// do runs commands on a connection of its own.
func (s *RedisServer) do(commands func(context.Context, *redis.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true})
	defer c.Close()
	return commands(ctx, c)
}
