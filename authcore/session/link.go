package session

import (
	"sync"
	"sync/atomic"
	"time"
)

// link is what is known of the invalidation link. While it is up, every
// revocation arrives within moments and the cache can be trusted; after a gap
// anything may have been missed.
type link struct {
	mu         sync.Mutex
	connected  bool
	reconciled bool

	// trusted is connected and reconciled, for readers without the lock.
	trusted atomic.Bool
	epoch   atomic.Uint64 // counts the times that the link came up
	beatAt  atomic.Int64  // nanoseconds since base
	base    time.Time
}

// trusts reports whether an entry can be used without reading the store.
func (l *link) trusts(read *confirmation, now time.Time) bool {
	return l.fresh(now) && read.linkEpoch == l.epoch.Load()
}

// fresh reports whether the link is up and was seen to work just now.
func (l *link) fresh(now time.Time) bool {
	return l.trusted.Load() && now.Sub(l.base)-time.Duration(l.beatAt.Load()) <= beatWindow
}

// knownGood returns the last moment at which a session was certainly not
// revoked: when it was read or, if the link has not been interrupted since,
// when the link was last seen to work.
func (l *link) knownGood(read *confirmation) time.Time {
	good := read.at
	if read.linkEpoch == l.epoch.Load() {
		if beat := l.base.Add(time.Duration(l.beatAt.Load())); beat.After(good) {
			good = beat
		}
	}
	return good
}

func (l *link) up(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected, l.reconciled = true, false
	l.trusted.Store(false)
	l.epoch.Add(1)
	l.beatAt.Store(int64(now.Sub(l.base)))
}

func (l *link) beat(now time.Time) {
	l.beatAt.Store(int64(now.Sub(l.base)))
}

func (l *link) down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected, l.reconciled = false, false
	l.trusted.Store(false)
}

// distrust says that something was missed though the link was up.
func (l *link) distrust() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reconciled = false
	l.trusted.Store(false)
	l.epoch.Add(1)
}

// needsReconcile returns the epoch that waits for reconciliation, if any.
func (l *link) needsReconcile() (epoch uint64, needed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch.Load(), l.connected && !l.reconciled
}

// reconciledAt says that the store was brought up to date after the link had
// come up for the given time; a later interruption makes it void.
func (l *link) reconciledAt(epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connected && l.epoch.Load() == epoch {
		l.reconciled = true
		l.trusted.Store(true)
	}
}
