package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/authcore/session"
)

const (
	// beatEvery is how often a node sends itself a message.
	beatEvery = 500 * time.Millisecond
	// beatFresh is how old such a message may be to count: one that waited in
	// a buffer while the node or Redis hung proves nothing about now.
	beatFresh = time.Second
	// silence is how long without a beat the link counts as lost.
	silence = 1500 * time.Millisecond
	// minBackOff and maxBackOff bound the pause before connecting again.
	minBackOff = 50 * time.Millisecond
	maxBackOff = time.Second
)

// Listen implements session.Bus.
func (b *Bus) Listen(ctx context.Context, l session.Listener) {
	backOff := minBackOff
	for ctx.Err() == nil {
		link := &link{bus: b, listener: l}
		err := link.run(ctx)
		if link.up {
			backOff = minBackOff
			l.Down()
			b.logger.LogAttrs(ctx, lossLevel(ctx), "session invalidation link lost", slog.Any("error", err))
		}
		b.leave(ctx)
		if sleep(ctx, backOff) != nil {
			return
		}
		backOff = min(2*backOff, maxBackOff)
	}
}

// lossLevel tells a loss from the end of listening.
func lossLevel(ctx context.Context) slog.Level {
	if ctx.Err() != nil {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// link is one connection of a node to the bus, from subscribing until the
// first doubt. Its methods run on one goroutine, except where said.
type link struct {
	bus        *Bus
	listener   session.Listener
	masters    string // that hold the sessions
	subscribed int    // to how many channels
	up         bool
	heard      time.Time // when the last beat came in time
	events     chan any  // what came over the subscription
	failed     chan error
}

// run listens until the context ends or the link is lost.
func (k *link) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if k.masters, err = k.bus.c.masters(ctx); err != nil {
		return err
	}
	k.events, k.failed = make(chan any), make(chan error, 1)
	k.heard = time.Now()
	k.startReading(ctx)
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-k.failed:
			return err
		case event := <-k.events:
			k.handle(ctx, event)
		case <-tick.C:
			if time.Since(k.heard) > silence {
				return errors.New("no beat came back")
			}
			if k.subscribed == 2 {
				go k.sendBeat(ctx)
			}
		}
	}
}

// fail ends the link, from any goroutine.
func (k *link) fail(err error) {
	select {
	case k.failed <- err:
	default: // it has failed already
	}
}

// startReading subscribes and passes on what comes, on goroutines of their own:
// a connection that hangs must not keep the link from being declared lost.
func (k *link) startReading(ctx context.Context) {
	go func() {
		sub := k.bus.c.rdb.Subscribe(ctx, k.bus.channel(), k.bus.ownChannel())
		defer sub.Close()
		stop := context.AfterFunc(ctx, func() { sub.Close() })
		defer stop()
		for {
			event, err := sub.Receive(ctx)
			if err != nil {
				k.fail(fmt.Errorf("receiving: %w", err))
				return
			}
			select {
			case k.events <- event:
			case <-ctx.Done():
				return
			}
		}
	}()
}

// handle takes what came over the subscription. The link is up with the first
// beat that comes back: only then do publishers wait for this node.
func (k *link) handle(ctx context.Context, event any) {
	switch event := event.(type) {
	case *redis.Subscription:
		if k.subscribed = event.Count; k.subscribed == 2 {
			go k.sendBeat(ctx)
		}
	case *redis.Message:
		if event.Channel == k.bus.ownChannel() {
			k.handleBeat(event.Payload)
		} else if len(event.Payload) >= idLength {
			k.listener.Receive([]byte(event.Payload[idLength:]))
			go k.bus.acknowledge(ctx, event.Payload[:idLength])
		}
	}
}

func (k *link) handleBeat(payload string) {
	sent, err := strconv.ParseInt(payload, 10, 64)
	if age := time.Since(k.bus.born) - time.Duration(sent); err != nil || age > beatFresh {
		return
	}
	k.heard = time.Now()
	if !k.up {
		k.up = true
		k.listener.Up()
	}
	k.listener.Beat()
}

// beatScript renews a lease and sends a message: KEYS nodes; ARGV node, its
// channel, message. It returns the number of receivers.
var beatScript = redis.NewScript(`
	local time = redis.call('TIME')
	redis.call('ZADD', KEYS[1], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), ARGV[1])
	redis.call('PEXPIRE', KEYS[1], 60000)
	return redis.call('PUBLISH', ARGV[2], ARGV[3])`)

// sendBeat sends this node a message the way that publications come. It runs on
// a goroutine of its own. Without a receiver, the subscription is on a server
// that publishers do not use any more, as after a fail-over.
func (k *link) sendBeat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, beatFresh)
	defer cancel()
	b := k.bus
	if err := k.checkMasters(ctx); err != nil {
		if ctx.Err() == nil {
			k.fail(err)
		}
		return
	}
	receivers, err := beatScript.Run(ctx, b.c.rdb, []string{b.nodes()}, b.node, b.ownChannel(), int64(time.Since(b.born))).Int()
	if err == nil && receivers == 0 {
		err = errors.New("the subscription is not where messages are published")
	}
	if err != nil && ctx.Err() == nil { // a late one is noticed by its absence
		k.fail(fmt.Errorf("beating: %w", err))
	}
}

// checkMasters fails when a server of a Cluster is away or was replaced: its
// successor may not have heard of the latest revocations, while the bus is
// on another server and goes on.
func (k *link) checkMasters(ctx context.Context) error {
	masters, err := k.bus.c.masters(ctx)
	if err == nil && masters != k.masters {
		err = errors.New("a server of the cluster was replaced")
	}
	return err
}

// leave gives up the lease, so that nobody waits for this node.
func (b *Bus) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	b.c.rdb.ZRem(ctx, b.nodes(), b.node)
}
