package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/authcore/throttle"
)

// Throttle counts events in Redis, by its clock.
type Throttle struct {
	c *Client
}

// Throttle returns the throttle in Redis.
func (c *Client) Throttle() *Throttle { return &Throttle{c} }

// takeScript keeps the times of the events of one window, oldest first, which
// is exact and bounded, because events over the limit are not counted. KEYS
// list; ARGV maximum, window in microseconds. It returns whether the event was
// allowed, how many more are, and the microseconds until one is.
var takeScript = redis.NewScript(`
	local max, window = tonumber(ARGV[1]), tonumber(ARGV[2])
	local time = redis.call('TIME')
	local now = time[1] * 1000000 + time[2]
	local last = redis.call('LINDEX', KEYS[1], -1)
	if last then now = math.max(now, tonumber(last)) end
	local first = redis.call('LINDEX', KEYS[1], 0)
	while first and tonumber(first) <= now - window do
		redis.call('LPOP', KEYS[1])
		first = redis.call('LINDEX', KEYS[1], 0)
	end
	local used, allowed = redis.call('LLEN', KEYS[1]), 0
	if used < max then
		redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
		redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
		used, allowed = used + 1, 1
	end
	local wait = 0
	if used >= max then
		local frees = redis.call('LINDEX', KEYS[1], used - max)
		if frees then wait = frees + window - now end
	end
	return {allowed, math.max(max - used, 0), wait}`)

// Take implements throttle.Store.
func (t *Throttle) Take(ctx context.Context, key string, limit throttle.Limit) (throttle.Verdict, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	answer, err := takeScript.Run(ctx, t.c.rdb, []string{t.key(limit, key)}, limit.Max, limit.Window.Microseconds()).Int64Slice()
	if err == nil && len(answer) != 3 {
		err = fmt.Errorf("unexpected answer of %d values", len(answer))
	}
	if err != nil {
		return throttle.Verdict{}, unavailable("counting an event", err)
	}
	return throttle.Verdict{
		Allowed: answer[0] == 1, Remaining: int(answer[1]), RetryAfter: time.Duration(answer[2]) * time.Microsecond,
	}, nil
}

// Reset implements throttle.Store.
func (t *Throttle) Reset(ctx context.Context, limit throttle.Limit, keys ...string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	pipe := t.c.rdb.Pipeline()
	for _, key := range keys {
		pipe.Del(ctx, t.key(limit, key))
	}
	_, err := pipe.Exec(ctx)
	return unavailable("forgetting events", err)
}

// key hides what is counted: addresses and accounts do not stand in Redis.
func (t *Throttle) key(limit throttle.Limit, key string) string {
	hash := sha256.Sum256([]byte(key))
	return t.c.prefix + "t:" + limit.Name + ":" + base64.RawURLEncoding.EncodeToString(hash[:])
}

var _ throttle.Store = (*Throttle)(nil)
