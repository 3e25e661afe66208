package local

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
)

// beatEvery is how often listeners are told that the link works.
const beatEvery = 500 * time.Millisecond

// Bus carries invalidations within the process. The zero value is ready for
// use.
type Bus struct {
	mu        sync.Mutex // also keeps the calls to a listener sequential
	listeners []session.Listener
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
	b.locked(func() {
		b.listeners = append(b.listeners, l)
		l.Up()
		l.Beat()
	})
	defer b.locked(func() {
		b.listeners = slices.DeleteFunc(b.listeners, func(other session.Listener) bool { return other == l })
		l.Down()
	})
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.locked(l.Beat)
		}
	}
}

func (b *Bus) locked(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

var _ session.Bus = (*Bus)(nil)
