package servers

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Cut ends the replication to a replica that then hangs until it is resumed:
// what the master is told from now on dies with it.
func (s *RedisServer) Cut(t testing.TB, replica *RedisServer) {
	t.Helper()
	await(t, "the replica to be in sync", s.inSync)
	replica.Pause(t)
	err := s.do(func(ctx context.Context, c *redis.Client) error {
		return c.ClientKillByFilter(ctx, "TYPE", "replica").Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

var written = regexp.MustCompile(`master_repl_offset:(\d+)`)

// inSync reports whether all that a master was told has reached its replica.
func (s *RedisServer) inSync() error {
	return s.do(func(ctx context.Context, c *redis.Client) error {
		info, err := c.Info(ctx, "replication").Result()
		if err != nil {
			return err
		}
		offset := written.FindStringSubmatch(info)
		if offset == nil || !strings.Contains(info, "state=online,offset="+offset[1]+",") {
			return fmt.Errorf("not yet: %s", info)
		}
		return nil
	})
}

// AwaitPromotion returns when a replica has become a master.
func (s *RedisServer) AwaitPromotion(t testing.TB) {
	t.Helper()
	await(t, "the replica to be promoted", s.Promoted)
}

// Promoted reports whether a server is a master by now.
func (s *RedisServer) Promoted() error {
	return s.do(func(ctx context.Context, c *redis.Client) error {
		role, err := c.Do(ctx, "ROLE").Slice()
		if err != nil || len(role) == 0 || role[0] != "master" {
			return fmt.Errorf("role %v: %w", role, err)
		}
		return nil
	})
}
