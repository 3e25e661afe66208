package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const masterName = "sigra-test"

// RedisSentinelServer is a Redis master with one replica, watched by one
// Sentinel that promotes the replica when the master is gone.
type RedisSentinelServer struct {
	// URL is the redis-sentinel:// URL of database 0.
	URL string
	// Nodes are the two Redis servers; the first one is the master at first.
	Nodes    [2]*RedisServer
	sentinel *RedisServer
}

// RedisSentinel starts a master, a replica and a Sentinel for the test.
func RedisSentinel(t testing.TB) *RedisSentinelServer {
	t.Helper()
	master := startRedis(t, "master")
	replica := startRedis(t, "replica", "--replicaof", "127.0.0.1 "+strconv.Itoa(master.port), "--repl-diskless-sync-delay", "0")
	s := &RedisSentinelServer{Nodes: [2]*RedisServer{master, replica}, sentinel: startSentinel(t, master)}
	s.URL = "redis-sentinel://" + s.sentinel.Addr + "/" + masterName + "/0"
	await(t, "the replica to be in sync and known", s.replicaKnown)
	return s
}

func startSentinel(t testing.TB, master *RedisServer) *RedisServer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sentinel")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	// Sentinel rewrites its own configuration file.
	config := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf(`port %d
bind 127.0.0.1
sentinel monitor %[2]s 127.0.0.1 %d 1
sentinel down-after-milliseconds %[2]s 500
sentinel failover-timeout %[2]s 3000
`, port, masterName, master.port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &RedisServer{Addr: address(port), port: port}
	s.process = process{
		name: "sentinel", path: binary(t, "redis-server", "redis-server"), dir: dir, ready: s.answers,
		args: []string{config, "--sentinel"},
	}
	s.Start(t)
	t.Cleanup(func() { s.Kill(t) })
	return s
}

func (s *RedisSentinelServer) replicaKnown() error {
	return s.sentinel.do(func(ctx context.Context, c *redis.Client) error {
		replicas, err := c.Do(ctx, "SENTINEL", "REPLICAS", masterName).Slice()
		if err != nil {
			return err
		}
		if text := fmt.Sprint(replicas); len(replicas) != 1 || !strings.Contains(text, "master-link-status:ok") {
			return fmt.Errorf("replicas: %s", text)
		}
		return nil
	})
}

// Master returns the server that Sentinel names as the master.
func (s *RedisSentinelServer) Master() (*RedisServer, error) {
	var addr []string
	err := s.sentinel.do(func(ctx context.Context, c *redis.Client) (err error) {
		addr, err = c.Do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName).StringSlice()
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, node := range s.Nodes {
		if len(addr) == 2 && addr[1] == strconv.Itoa(node.port) {
			return node, nil
		}
	}
	return nil, fmt.Errorf("unknown master %v", addr)
}

// AwaitReplica returns when all that the master was told has reached the replica.
func (s *RedisSentinelServer) AwaitReplica(t testing.TB) {
	t.Helper()
	master, err := s.Master()
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the replica to be in sync", master.inSync)
}

// Failover kills the master and returns when the other server has taken over.
func (s *RedisSentinelServer) Failover(t testing.TB) {
	t.Helper()
	old, err := s.Master()
	if err != nil {
		t.Fatal(err)
	}
	old.Kill(t)
	for _, node := range s.Nodes {
		if node != old {
			node.AwaitPromotion(t)
		}
	}
	await(t, "Sentinel to name the new master", func() error {
		now, err := s.Master()
		if err == nil && now == old {
			err = errors.New("not yet")
		}
		return err
	})
}

// await polls until a condition holds.
func await(t testing.TB, what string, condition func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = condition(); err == nil {
			return
		}
	}
	t.Fatalf("waiting for %s: %v", what, err)
}
