package session

import (
	"context"
	"log/slog"
	"time"
)

// touchQueue bounds the uses that wait to be noted; more are dropped and come
// again with the next request.
const touchQueue = 1024

type touch struct {
	hash Hash
	seen Seen
}

// Used notes that a session is being used from an address, at most once per
// Settings.Activity. It never blocks; clientIP is called only when needed.
func (m *Manager) Used(live *Live, now time.Time, clientIP func() string) {
	last := live.usedAt.Load()
	if now.Sub(time.UnixMicro(last)) < m.settings.Load().Activity {
		return
	}
	if !live.usedAt.CompareAndSwap(last, now.UnixMicro()) {
		return // another request of the session notes it
	}
	select {
	case m.touches <- touch{live.Hash, Seen{At: now.UTC(), IP: clientIP()}}:
	default:
		live.usedAt.Store(last)
	}
}

func (m *Manager) writeTouches(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-m.touches:
			m.writeTouch(ctx, t)
		}
	}
}

func (m *Manager) writeTouch(ctx context.Context, t touch) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	m.counts.touches.Add(1)
	if err := m.store.Touch(ctx, t.hash, t.seen); err != nil {
		m.logger.Warn("session activity not noted", slog.Any("error", err))
	}
}
