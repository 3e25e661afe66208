package local

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
)

const (
	// beatEvery is how often listeners are told that the link works.
	beatEvery = 500 * time.Millisecond
	// lookEvery is how often another process is looked for.
	lookEvery = 3 * time.Second
)

// Bus carries invalidations within the process. What other processes do does not come
// over it, so the link counts as lost while there are any: then every request reads
// the store, and nobody whose session was revoked on another node gets in on this one.
// The zero value serves a store that no other process uses.
type Bus struct {
	alone  func(context.Context) (bool, error)
	logger *slog.Logger

	mu        sync.Mutex // also keeps the calls to a listener sequential
	shared    bool       // with other processes
	listeners []session.Listener
}

// NewBus returns a bus that asks, now and then, whether this is the only process that
// uses the store.
func NewBus(alone func(context.Context) (bool, error), logger *slog.Logger) *Bus {
	return &Bus{alone: alone, logger: logger}
}

// Publish implements session.Bus. It cannot fail.
func (b *Bus) Publish(_ context.Context, payload []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.listeners {
		l.Receive(payload)
	}
	return nil
}

// Listen implements session.Bus.
func (b *Bus) Listen(ctx context.Context, l session.Listener) {
	if b.alone != nil {
		b.look(ctx)
	}
	b.locked(func() {
		b.listeners = append(b.listeners, l)
		if !b.shared {
			l.Up()
			l.Beat()
		}
	})
	defer b.locked(func() {
		b.listeners = slices.DeleteFunc(b.listeners, func(other session.Listener) bool { return other == l })
		l.Down()
	})
	if b.alone != nil {
		go b.keepLooking(ctx)
	}
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.locked(func() {
				if !b.shared {
					l.Beat()
				}
			})
		}
	}
}

func (b *Bus) keepLooking(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.look(ctx)
		}
	}
}

// look asks whether there are other processes. While nobody can tell, nobody can
// revoke anything in that store either.
func (b *Bus) look(ctx context.Context) {
	alone, err := b.alone(ctx)
	if err != nil {
		b.logger.Debug("other nodes not looked for", slog.Any("error", err))
		return
	}
	b.locked(func() {
		if b.shared == !alone {
			return
		}
		b.shared = !alone
		for _, l := range b.listeners {
			if b.shared {
				l.Down()
			} else {
				l.Up()
				l.Beat()
			}
		}
		if !b.shared {
			b.logger.Info("this is the only node again that uses this database")
			return
		}
		b.logger.Warn("another node uses this database: every request reads its session there until this one is alone again, " +
			"and each node counts sign-in attempts by itself; several nodes want `sessions redis`")
	})
}

func (b *Bus) locked(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

var _ session.Bus = (*Bus)(nil)
