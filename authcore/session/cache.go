package session

import (
	"bytes"
	"math/rand/v2"
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

// cacheShard finds its entries by a map without pointers, which the garbage
// collector need not look into however large it is.
type cacheShard struct {
	mu            sync.RWMutex
	index         map[Hash]int32 // into entries
	entries       []*entry       // without gaps
	invalidations uint64
	hits          atomic.Uint64
}

// entry is a cached session.
type entry struct {
	hash      Hash
	live      *Live
	confirmed atomic.Pointer[confirmation]
	usedAt    atomic.Int64 // nanoseconds since cache.base, for eviction
}

// confirmation says when the store held a session as it is cached.
type confirmation struct {
	linkEpoch uint64 // the link epoch under which it was read
	at        time.Time
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
		c.shards[i].index = make(map[Hash]int32, c.perShard)
	}
	return c
}

// shard picks by the first byte: a hash is uniform by construction.
func (c *cache) shard(h Hash) *cacheShard { return &c.shards[h[0]] }

// get returns an entry and notes its use, by the second: if every request wrote
// it, the processors would contend for the entry.
func (c *cache) get(h Hash, now time.Time) *entry {
	e := c.peek(h)
	if e == nil {
		return nil
	}
	if at := now.Sub(c.base); at-time.Duration(e.usedAt.Load()) >= time.Second {
		e.usedAt.Store(int64(at))
	}
	return e
}

// peek returns an entry.
func (c *cache) peek(h Hash) *entry {
	s := c.shard(h)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if i, ok := s.index[h]; ok {
		return s.entries[i]
	}
	return nil
}

func (c *cache) ticket(h Hash) ticket {
	s := c.shard(h)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return ticket{hash: h, invalidations: s.invalidations}
}

// put stores a session unless the shard was invalidated since the ticket was
// taken. It returns what is cached then, nil when nothing was stored: of many
// requests that read a session at once, all get the one that came first, or
// each would replace the one that the others are about to be tracked by.
func (c *cache) put(t ticket, live *Live, read *confirmation) *Live {
	s := c.shard(t.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invalidations != t.invalidations {
		return nil
	}
	if i, ok := s.index[t.hash]; ok && bytes.Equal(s.entries[i].live.data, live.data) {
		s.entries[i].confirmed.Store(read)
		return s.entries[i].live
	}
	e := &entry{hash: t.hash, live: live}
	e.confirmed.Store(read)
	e.usedAt.Store(int64(read.at.Sub(c.base)))
	s.remove(t.hash)
	if len(s.entries) >= c.perShard {
		s.evict()
	}
	s.index[t.hash] = int32(len(s.entries))
	s.entries = append(s.entries, e)
	live.cached.Store(true)
	return live
}

// evict removes the least recently used of a few entries.
func (s *cacheShard) evict() {
	victim := s.entries[rand.IntN(len(s.entries))]
	for range evictSamples - 1 {
		if e := s.entries[rand.IntN(len(s.entries))]; e.usedAt.Load() < victim.usedAt.Load() {
			victim = e
		}
	}
	s.remove(victim.hash)
}

// remove takes an entry out, if it is there, and moves the last into its place.
func (s *cacheShard) remove(h Hash) {
	i, ok := s.index[h]
	if !ok {
		return
	}
	last := len(s.entries) - 1
	s.entries[i].live.cached.Store(false)
	moved := s.entries[last]
	s.entries[i], s.entries[last] = moved, nil
	s.entries = s.entries[:last]
	s.index[moved.hash] = i
	delete(s.index, h)
}

// invalidate forgets a session and defeats fills that are under way.
func (c *cache) invalidate(h Hash) {
	s := c.shard(h)
	s.mu.Lock()
	s.invalidations++
	s.remove(h)
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
