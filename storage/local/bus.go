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
	// trustFor is how long the last look counts when nobody can tell.
	trustFor = 2 * lookEvery
	// warnAfter is longer than a process is remembered that is gone.
	warnAfter = 15 * time.Second
)

// Bus carries invalidations within the process. What other processes do does not come
// over it, so the link counts as lost while there are any: then every request reads
// the store, and a session that was revoked on another node does not get in on this
// one. It takes lookEvery to notice one that has just started.
// The zero value serves a store that no other process uses.
type Bus struct {
	alone  func(context.Context) (bool, error)
	logger *slog.Logger

	mu        sync.Mutex // also keeps the calls to a listener sequential
	linked    bool
	listeners []session.Listener
	lookedAt  time.Time // when there was an answer
	shared    time.Time // since when there are others; zero for none
	warned    bool
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
	b.look(ctx)
	b.locked(func() {
		b.listeners = append(b.listeners, l)
		if b.linked {
			l.Up()
			l.Beat()
		}
	})
	defer b.locked(func() {
		b.listeners = slices.DeleteFunc(b.listeners, func(other session.Listener) bool { return other == l })
		l.Down()
	})
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { every(ctx, lookEvery, func() { b.look(ctx) }) })
	every(ctx, beatEvery, func() {
		b.locked(func() {
			if b.linked {
				l.Beat()
			}
		})
	})
}

// every does something again and again until the context ends.
func every(ctx context.Context, period time.Duration, do func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// look asks whether there are other processes. When nobody can tell for long, there
// may be: the store may be away for this process alone.
func (b *Bus) look(ctx context.Context) {
	alone, err := true, error(nil)
	if b.alone != nil {
		alone, err = b.alone(ctx)
	}
	b.locked(func() {
		now := time.Now()
		if err != nil {
			b.logger.Debug("other nodes not looked for", slog.Any("error", err))
			b.link(b.linked && now.Sub(b.lookedAt) < trustFor)
			return
		}
		b.lookedAt = now
		b.link(alone)
		if alone {
			b.shared, b.warned = time.Time{}, false
			return
		}
		if b.shared.IsZero() {
			b.shared = now
		}
		if !b.warned && now.Sub(b.shared) >= warnAfter { // it was no restart
			b.warned = true
			b.logger.Warn("another node uses this database: every request reads its session there until this one is alone again, " +
				"and each node counts sign-in attempts by itself; several nodes want `sessions redis`")
		}
	})
}

// link tells the listeners that the link is there, or lost.
func (b *Bus) link(linked bool) {
	if b.linked == linked {
		return
	}
	b.linked = linked
	for _, l := range b.listeners {
		if linked {
			l.Up()
			l.Beat()
		} else {
			l.Down()
		}
	}
}

func (b *Bus) locked(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

var _ session.Bus = (*Bus)(nil)
