package servers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisClusterServer is a Redis Cluster of three masters, without replicas at
// first.
type RedisClusterServer struct {
	// URL is the redis-cluster:// URL.
	URL string
	// Nodes are the masters; the slots are spread over them evenly.
	Nodes [3]*RedisServer
	buses [3]int
}

const slots = 16384

// RedisCluster starts a cluster for the test.
func RedisCluster(t testing.TB) *RedisClusterServer {
	t.Helper()
	s := new(RedisClusterServer)
	addrs := make([]string, len(s.Nodes))
	for i := range s.Nodes {
		s.Nodes[i], s.buses[i] = startClusterNode(t, fmt.Sprintf("node%d", i))
		addrs[i] = s.Nodes[i].Addr
	}
	for i, node := range s.Nodes {
		first, next := i*slots/len(s.Nodes), (i+1)*slots/len(s.Nodes)
		err := node.do(func(ctx context.Context, c *redis.Client) error {
			if err := c.ClusterAddSlotsRange(ctx, first, next-1).Err(); err != nil {
				return err
			}
			return c.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err()
		})
		if err != nil {
			t.Fatalf("giving out the slots: %v", err)
		}
		s.join(t, node)
	}
	for _, node := range s.Nodes {
		await(t, "the cluster to form", node.clusterFormed)
	}
	s.URL = "redis-cluster://" + strings.Join(addrs, ",")
	return s
}

func startClusterNode(t testing.TB, name string) (node *RedisServer, bus int) {
	t.Helper()
	bus = freePort(t)
	return startRedis(t, name, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus),
		"--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"), bus
}

// join has a node meet the first one.
func (s *RedisClusterServer) join(t testing.TB, node *RedisServer) {
	t.Helper()
	err := node.do(func(ctx context.Context, c *redis.Client) error {
		return c.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", s.Nodes[0].port, s.buses[0]).Err()
	})
	if err != nil {
		t.Fatalf("forming the cluster: %v", err)
	}
}

// Replica adds a replica of a master that takes over when that one dies.
func (s *RedisClusterServer) Replica(t testing.TB, of *RedisServer) *RedisServer {
	t.Helper()
	replica, _ := startClusterNode(t, "replica"+strconv.Itoa(of.port))
	s.join(t, replica)
	var id string
	err := of.do(func(ctx context.Context, c *redis.Client) (err error) {
		id, err = c.ClusterMyID(ctx).Result()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the replica to know its master", func() error {
		return replica.do(func(ctx context.Context, c *redis.Client) error { return c.ClusterReplicate(ctx, id).Err() })
	})
	await(t, "the replica to be in sync and known", func() error {
		for _, node := range s.Nodes {
			if err := node.knowsReplica(id); err != nil {
				return err
			}
		}
		return of.inSync()
	})
	return replica
}

// MasterOf returns the master that a key belonged to at first.
func (s *RedisClusterServer) MasterOf(t testing.TB, key string) *RedisServer {
	t.Helper()
	var slot int64
	err := s.Nodes[0].do(func(ctx context.Context, c *redis.Client) (err error) {
		slot, err = c.ClusterKeySlot(ctx, key).Result()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for int(slot) >= (i+1)*slots/len(s.Nodes) {
		i++
	}
	return s.Nodes[i]
}

// knowsReplica reports whether a node has heard of a replica of a master.
func (s *RedisServer) knowsReplica(master string) error {
	return s.do(func(ctx context.Context, c *redis.Client) error {
		known, err := c.ClusterNodes(ctx).Result()
		if err == nil && !strings.Contains(known, "slave "+master) {
			err = errors.New("no replica of it is known")
		}
		return err
	})
}

// clusterFormed reports whether a node knows the others and all slots.
func (s *RedisServer) clusterFormed() error {
	return s.do(func(ctx context.Context, c *redis.Client) error {
		info, err := c.ClusterInfo(ctx).Result()
		if err != nil {
			return err
		}
		for _, want := range []string{"cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:3"} {
			if !strings.Contains(info, want) {
				return fmt.Errorf("no %s", want)
			}
		}
		return nil
	})
}
