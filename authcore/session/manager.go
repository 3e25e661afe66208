package session

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Options are what a Manager is made of.
type Options struct {
	Store Store
	Bus   Bus
	// Log is nil when sessions live in the identity database.
	Log      RevocationLog
	Settings Settings
	Clock    authcore.Clock
	Logger   *slog.Logger
}

// Manager is the one place where sessions are made, resumed and ended. It is
// safe for concurrent use.
type Manager struct {
	store    Store
	bus      Bus
	log      RevocationLog
	now      authcore.Clock
	logger   *slog.Logger
	settings atomic.Pointer[Settings]
	// reconciling is held by the one run that goes through the log.
	reconciling sync.Mutex
	refresh     atomic.Pointer[Refresh]

	cache   *cache
	loader  *loader
	link    *link
	streams *streams
	unsent  unsent
	touches chan touch
	counts  counts
}

// counts are the counters behind [Stats].
type counts struct {
	reads, stale, failures, touches atomic.Uint64
}

// Stats are counters of a Manager since it was made.
type Stats struct {
	// Hits are requests answered from the cache without a read.
	Hits uint64
	// Reads are requests that read the store.
	Reads uint64
	// Stale are requests answered from the cache because the store was away.
	Stale uint64
	// Failures are requests refused because the store was away.
	Failures uint64
	// Cached is the number of sessions decoded in process now.
	Cached int
}

// New returns a manager. [Manager.Run] must be running for the cache to be
// used and activity to be noted.
func New(o Options) *Manager {
	now := o.Clock()
	m := &Manager{
		store: o.Store, bus: o.Bus, log: o.Log, now: o.Clock, logger: o.Logger,
		cache: newCache(cacheEntries, now), loader: &loader{store: o.Store, logger: o.Logger},
		link: &link{base: now}, streams: newStreams(),
		touches: make(chan touch, touchQueue),
	}
	m.settings.Store(&o.Settings)
	return m
}

// Configure replaces the settings; sessions that exist keep their lifetimes.
func (m *Manager) Configure(s Settings) { m.settings.Store(&s) }

// Stats returns the counters.
func (m *Manager) Stats() Stats {
	return Stats{
		Hits: m.cache.hits(), Reads: m.counts.reads.Load(), Stale: m.counts.stale.Load(),
		Failures: m.counts.failures.Load(), Cached: m.cache.size(),
	}
}

const (
	// checkEvery is how often the sessions of open streams are checked against
	// the store while the link is up: it ends those that have expired.
	checkEvery = 30 * time.Second
	// checkUnlinked is how often that is done while the link is down.
	checkUnlinked = time.Second
	// maxReconcile bounds how long the log may take to be gone through at once.
	maxReconcile = time.Minute
)

// Run keeps the manager in step with the other nodes, notes activity and ends
// the streams of ended sessions, until the context ends.
func (m *Manager) Run(ctx context.Context) {
	go m.bus.Listen(ctx, m.Listener())
	go m.writeTouches(ctx)
	tick := time.NewTicker(checkUnlinked)
	defer tick.Stop()
	var checked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, needed := m.link.needsReconcile(); needed {
			go m.reconcile(ctx) // which takes as long as there are revocations
		}
		now := m.now()
		if !m.link.fresh(now) || now.Sub(checked) >= checkEvery {
			checked = now
			m.checkStreams(ctx)
		}
		m.resend(ctx)
	}
}

// Listener returns what the bus tells about the link and the other nodes.
func (m *Manager) Listener() Listener { return (*listener)(m) }

type listener Manager

func (l *listener) Up() {
	m := (*Manager)(l)
	m.link.up(m.now())
	go m.catchUp()
}

// catchUp makes up for what may have been missed. It must not hold up the link: it
// talks to databases.
func (m *Manager) catchUp() {
	ctx, cancel := context.WithTimeout(context.Background(), maxReconcile)
	defer cancel()
	m.reconcile(ctx)
	m.checkStreams(ctx)
}

func (l *listener) Beat() { l.link.beat((*Manager)(l).now()) }
func (l *listener) Down() { l.link.down() }

func (l *listener) Receive(payload []byte) {
	m := (*Manager)(l)
	msg, err := decodeMessage(payload)
	if err != nil {
		m.logger.Error("session message refused", slog.Any("error", err))
		return
	}
	m.apply(msg)
}

func (m *Manager) apply(msg *message) {
	if msg.All {
		m.link.distrust()
		go m.catchUp()
	}
	for _, ref := range msg.Revoked {
		m.cache.invalidate(ref.Hash)
		m.streams.close(ref.ID)
	}
	for _, ref := range msg.Rotated {
		m.cache.invalidate(ref.Hash)
		m.streams.rehash(ref.ID, ref.Next)
		m.outdate(ref)
	}
	for _, ref := range msg.Changed {
		m.cache.invalidate(ref.Hash)
		m.outdate(ref)
	}
}

// outdate ends the streams of a session that may do something else now. What the
// cache holds was read after it was invalidated, so after the change.
func (m *Manager) outdate(ref sessionRef) {
	if ref.Close {
		m.streams.retire(ref.ID, func(live *Live) bool { return !live.cached.Load() })
	}
}
