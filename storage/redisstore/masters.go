package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// masters names the servers of a Cluster that hold the sessions now, and
// refreshes what the client knows of them, which would take it ten seconds
// else. Elsewhere there is one, and its loss is that of the subscription.
func (c *Client) masters(ctx context.Context) (string, error) {
	cluster, ok := c.rdb.(*redis.ClusterClient)
	if !ok {
		return "", nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	var mu sync.Mutex
	var names []string
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		info, err := node.InfoMap(ctx, "server").Result()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		// A server that was restarted may have lost what it was told last.
		names = append(names, node.Options().Addr+"="+info["Server"]["run_id"])
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("asking every master: %w", err)
	}
	slices.Sort(names)
	return strings.Join(names, " "), nil
}
