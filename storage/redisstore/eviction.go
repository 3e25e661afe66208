package redisstore

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	evictionSetting = "maxmemory-policy"
	noEviction      = "noeviction"
)

// Eviction returns the policy by which Redis throws keys away when its memory is full:
// empty when it throws none away, and when it does not tell, as where CONFIG is forbidden.
func (c *Client) Eviction(ctx context.Context) string {
	ctx, cancel := bounded(ctx)
	defer cancel()
	cluster, ok := c.rdb.(*redis.ClusterClient)
	if !ok {
		return evictionOf(ctx, c.rdb)
	}
	var mu sync.Mutex
	var found string
	_ = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { // none of it fails
		if policy := evictionOf(ctx, node); policy != "" {
			mu.Lock()
			defer mu.Unlock()
			found = policy
		}
		return nil
	})
	return found
}

func evictionOf(ctx context.Context, server redis.Cmdable) string {
	settings, err := server.ConfigGet(ctx, evictionSetting).Result()
	if err != nil || settings[evictionSetting] == noEviction {
		return ""
	}
	return settings[evictionSetting]
}
