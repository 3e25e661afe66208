package servers

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisClusterServer is a Redis Cluster of three masters without replicas.
type RedisClusterServer struct {
	// URL is the redis-cluster:// URL.
	URL string
	// Nodes are the masters; the slots are spread over them evenly.
	Nodes [3]*RedisServer
}

const slots = 16384

// RedisCluster starts a cluster for the test.
func RedisCluster(t testing.TB) *RedisClusterServer {
	t.Helper()
	s := new(RedisClusterServer)
	addrs := make([]string, len(s.Nodes))
	buses := make([]int, len(s.Nodes))
	for i := range s.Nodes {
		buses[i] = freePort(t)
		s.Nodes[i] = startRedis(t, fmt.Sprintf("node%d", i), "--cluster-enabled", "yes",
			"--cluster-port", strconv.Itoa(buses[i]), "--cluster-node-timeout", "2000")
		addrs[i] = s.Nodes[i].Addr
	}
	for i, node := range s.Nodes {
		first, next := i*slots/len(s.Nodes), (i+1)*slots/len(s.Nodes)
		err := node.do(func(ctx context.Context, c *redis.Client) error {
			if err := c.ClusterAddSlotsRange(ctx, first, next-1).Err(); err != nil {
				return err
			}
			if err := c.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
				return err
			}
			return c.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", s.Nodes[0].port, buses[0]).Err()
		})
		if err != nil {
			t.Fatalf("forming the cluster: %v", err)
		}
	}
	for _, node := range s.Nodes {
		await(t, "the cluster to form", node.clusterFormed)
	}
	s.URL = "redis-cluster://" + strings.Join(addrs, ",")
	return s
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
