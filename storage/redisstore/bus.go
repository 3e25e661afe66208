package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/authcore/session"
)

// Bus carries invalidations over Redis pub/sub, with acknowledgement. All its
// keys and channels are in one slot, so that on a Cluster publishers and
// subscribers meet on one server.
//
// A node that listens proves it every beatEvery by a message to itself, which
// renews its lease. A publication is complete when every subscriber that got it
// has acknowledged it, or every node with a lease has: a node that died is no
// subscriber any more, and one that hangs loses its lease.
type Bus struct {
	c      *Client
	logger *slog.Logger
	node   string
	born   time.Time // what the times in beats are measured from
}

// Bus returns a node of the invalidation bus. Each process has its own.
func (c *Client) Bus(logger *slog.Logger) *Bus {
	return &Bus{c: c, logger: logger, node: rand.Text(), born: time.Now()}
}

const (
	// publishTimeout bounds Publish, as session.Bus demands.
	publishTimeout = 500 * time.Millisecond
	// ackLife is how long acknowledgements that nobody collects are kept.
	ackLife = 5 * time.Second
	// lease is how long a node counts after its last beat. It is longer than
	// a node trusts its cache: a beat counts for a listener when it is at most
	// beatFresh old, and is trusted for two seconds then.
	lease = 4 * time.Second
	// idLength is the length of the message id that precedes a payload.
	idLength = 26
)

// name is a channel or key of the bus. Channels are shared by all databases of
// a server, so the number of the database is part of the name.
func (b *Bus) name(part string) string {
	return b.c.prefix + "{bus" + strconv.Itoa(b.c.db) + "}:" + part
}

func (b *Bus) channel() string       { return b.name("all") }
func (b *Bus) ownChannel() string    { return b.name("node:" + b.node) }
func (b *Bus) nodes() string         { return b.name("nodes") }
func (b *Bus) acks(id string) string { return b.name("acks:" + id) }

// publishScript sends a message: KEYS nodes; ARGV channel, message, lease in
// milliseconds. It returns the number of receivers and the nodes with a lease.
var publishScript = redis.NewScript(`
	local time = redis.call('TIME')
	local now = time[1] * 1000 + math.floor(time[2] / 1000)
	redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[3]))
	local nodes = redis.call('ZRANGE', KEYS[1], 0, -1)
	return {redis.call('PUBLISH', ARGV[1], ARGV[2]), nodes}`)

// Publish implements session.Bus. It works also on a node that does not listen.
func (b *Bus) Publish(ctx context.Context, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	id := rand.Text()
	receivers, leased, err := b.send(ctx, id+string(payload))
	if err != nil {
		return unavailable("publishing", err)
	}
	acked := make(map[string]bool)
	for !complete(receivers, leased, acked) {
		// The context ends the wait; a second is the shortest that can be asked for.
		answer, err := b.c.rdb.BLPop(ctx, time.Second, b.acks(id)).Result()
		if err != nil {
			return unavailable(fmt.Sprintf("publishing: %d of %d nodes have answered", len(acked), receivers), err)
		}
		acked[answer[1]] = true
	}
	return nil
}

func (b *Bus) send(ctx context.Context, message string) (receivers int, leased []string, err error) {
	answer, err := publishScript.Run(ctx, b.c.rdb, []string{b.nodes()}, b.channel(), message, lease.Milliseconds()).Slice()
	if err != nil {
		return 0, nil, err
	}
	if len(answer) != 2 {
		return 0, nil, fmt.Errorf("unexpected answer of %d values", len(answer))
	}
	n, _ := answer[0].(int64)
	nodes, _ := answer[1].([]any)
	for _, node := range nodes {
		name, _ := node.(string)
		leased = append(leased, name)
	}
	return int(n), leased, nil
}

func complete(receivers int, leased []string, acked map[string]bool) bool {
	if len(acked) >= receivers {
		return true
	}
	return len(leased) > 0 && !slices.ContainsFunc(leased, func(node string) bool { return !acked[node] })
}

// acknowledge says that this node has applied a message.
func (b *Bus) acknowledge(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	pipe := b.c.rdb.Pipeline()
	pipe.RPush(ctx, b.acks(id), b.node)
	pipe.PExpire(ctx, b.acks(id), ackLife)
	pipe.Exec(ctx) // without it, the publisher says that it cannot tell
}

var _ session.Bus = (*Bus)(nil)
