package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/sigra-auth/sigra/authcore"
)

// DefaultPrefix begins every key and channel, unless another one is chosen.
const DefaultPrefix = "sigra:"

// The deadlines, unless the options set others. A server that hangs is given
// up after callTimeout at the latest.
const (
	dialTimeout = time.Second
	ioTimeout   = 700 * time.Millisecond
	callTimeout = 1400 * time.Millisecond
)

// Client is a connection pool to Redis. It is safe for concurrent use.
type Client struct {
	rdb    redis.UniversalClient
	prefix string
	db     int
}

// Open returns a client. It does not connect. An empty prefix means
// [DefaultPrefix]; gateways that share sessions share the prefix.
func Open(options *redis.UniversalOptions, prefix string) *Client {
	o := *options
	o.DialTimeout = cmp.Or(o.DialTimeout, dialTimeout)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, ioTimeout)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, ioTimeout)
	o.PoolTimeout = cmp.Or(o.PoolTimeout, ioTimeout)
	o.MaxRetries = cmp.Or(o.MaxRetries, 1)
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
	// RESP3 makes go-redis look for push messages around every command, and
	// nothing here uses them: pub/sub has a connection of its own.
	o.Protocol = 2
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Client{rdb: redis.NewUniversalClient(&o), prefix: cmp.Or(prefix, DefaultPrefix), db: o.DB}
}

// Ping reports whether Redis answers. It connects when there is no connection
// yet.
func (c *Client) Ping(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return unavailable("reaching Redis", c.rdb.Ping(ctx).Err())
}

// Close closes all connections.
func (c *Client) Close() error { return c.rdb.Close() }

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}

// unavailable translates an error of Redis. Whatever it is (no connection, a
// timeout, a server that is loading, read-only or out of memory), the answer
// is not known.
func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %w", doing, authcore.ErrUnavailable, err)
}
