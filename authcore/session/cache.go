package session

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	cacheShards  = 256
	evictSamples = 5
)

// cache is a bounded map of decoded sessions in shards. Each shard counts its
// invalidations, so that a fill which raced with one is dropped: a session
// that was revoked while it was being read never gets in.
type cache struct {
	base     time.Time // what mono is measured from
	perShard int
	shards   [cacheShards]cacheShard
}

type cacheShard struct {
	mu            sync.RWMutex
	entries       map[Hash]*entry
	invalidations uint64
	hits          atomic.Uint64
}

// entry is a cached session with what is known of its freshness.
type entry struct {
	live      *Live
	linkEpoch uint64       // the link epoch under which it was read
	checkedAt time.Time    // when the store last confirmed it
	usedAt    atomic.Int64 // nanoseconds since cache.base, for eviction
}

// ticket is taken before the store is read and shown when the answer is put
// into the cache.
type ticket struct {
	hash          Hash
	invalidations uint64
}

func newCache(entries int, now time.Time) *cache {
	c := &cache{base: now, perShard: max(entries/cacheShards, 1)}
	for i := range c.shards {
		// Made to size, so that no request pays for growing it.
		c.shards[i].entries = make(map[Hash]*entry, c.perShard)
	}
	return c
}

// shard picks by the first byte: a hash is uniform by construction.
func (c *cache) shard(h Hash) *cacheShard { return &c.shards[h[0]] }

// get returns an entry and notes its use.
func (c *cache) get(h Hash, now time.Time) *entry {
	e := c.peek(h)
	if e != nil {
		e.usedAt.Store(int64(now.Sub(c.base)))
	}
	return e
}

// peek returns an entry.
func (c *cache) peek(h Hash) *entry {
	s := c.shard(h)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.entries[h]
}

func (c *cache) ticket(h Hash) ticket {
	s := c.shard(h)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return ticket{hash: h, invalidations: s.invalidations}
}

// put stores an entry unless the shard was invalidated since the ticket was
// taken; it reports whether it did.
func (c *cache) put(t ticket, e *entry, now time.Time) bool {
	e.usedAt.Store(int64(now.Sub(c.base)))
	s := c.shard(t.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invalidations != t.invalidations {
		return false
	}
	if _, present := s.entries[t.hash]; !present && len(s.entries) >= c.perShard {
		s.evict()
	}
	s.entries[t.hash] = e
	return true
}

// evict removes the least recently used of a few entries that Go's random map
// iteration samples.
func (s *cacheShard) evict() {
	var victim Hash
	oldest, seen := int64(0), 0
	for h, e := range s.entries {
		if used := e.usedAt.Load(); seen == 0 || used < oldest {
			victim, oldest = h, used
		}
		if seen++; seen == evictSamples {
			break
		}
	}
	delete(s.entries, victim)
}

// invalidate forgets a session and defeats fills that are under way.
func (c *cache) invalidate(h Hash) {
	s := c.shard(h)
	s.mu.Lock()
	s.invalidations++
	delete(s.entries, h)
	s.mu.Unlock()
}

func (c *cache) size() (n int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += len(s.entries)
		s.mu.RUnlock()
	}
	return n
}

func (c *cache) hits() (n uint64) {
	for i := range c.shards {
		n += c.shards[i].hits.Load()
	}
	return n
}
