package local

import (
	"container/list"
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

const (
	shards = 64
	// maxKeys bounds the keys of each limit, which are a few. When there are more, the
	// one that was counted longest ago is forgotten: of the same limit, since who
	// sends requests from a large block of IPv6 addresses makes as many keys of
	// networks as they like, and must not make those of accounts, users and browsers
	// be forgotten by it. To make an account's be forgotten takes as many other
	// accounts, each tried with a password that is hashed.
	maxKeys = 1 << 15
)

// Throttle counts events in process. It is safe for concurrent use and bounded
// in memory.
type Throttle struct {
	now    authcore.Clock
	seed   maphash.Seed
	shards [shards]shard
}

// shard keeps the events of some keys.
type shard struct {
	mu    sync.Mutex
	byKey map[counterKey]*list.Element // of *counter
	// order has the keys of each limit, by its name, those counted last in front.
	order map[string]*list.List
}

type counterKey struct {
	limit, key string
}

// counter holds the times of the events of one window, oldest first.
type counter struct {
	key    counterKey
	events []time.Time
}

// NewThrottle returns an empty throttle.
func NewThrottle(clock authcore.Clock) *Throttle {
	t := &Throttle{now: clock, seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].byKey, t.shards[i].order = make(map[counterKey]*list.Element), make(map[string]*list.List)
	}
	return t
}

// Take implements throttle.Store.
func (t *Throttle) Take(_ context.Context, key string, limit throttle.Limit) (throttle.Verdict, error) {
	k := counterKey{limit.Name, key}
	s := t.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counter(k).take(t.now(), limit), nil
}

// Reset implements throttle.Store.
func (t *Throttle) Reset(_ context.Context, limit throttle.Limit, keys ...string) error {
	for _, key := range keys {
		k := counterKey{limit.Name, key}
		s := t.shard(k)
		s.mu.Lock()
		if e, ok := s.byKey[k]; ok {
			s.remove(e)
		}
		s.mu.Unlock()
	}
	return nil
}

func (t *Throttle) shard(k counterKey) *shard {
	return &t.shards[maphash.Comparable(t.seed, k)%shards]
}

// counter returns the counter of a key, a new one when there is none.
func (s *shard) counter(k counterKey) *counter {
	order := s.order[k.limit]
	if order == nil {
		order = list.New()
		s.order[k.limit] = order
	}
	if e, ok := s.byKey[k]; ok {
		order.MoveToFront(e)
		return e.Value.(*counter)
	}
	if order.Len() >= maxKeys/shards {
		s.remove(order.Back())
	}
	c := &counter{key: k}
	s.byKey[k] = order.PushFront(c)
	return c
}

func (s *shard) remove(e *list.Element) {
	key := e.Value.(*counter).key
	s.order[key.limit].Remove(e)
	delete(s.byKey, key)
}

func (c *counter) take(now time.Time, limit throttle.Limit) throttle.Verdict {
	gone := 0
	for gone < len(c.events) && now.Sub(c.events[gone]) >= limit.Window {
		gone++
	}
	c.events = append(c.events[:0], c.events[gone:]...)
	v := throttle.Verdict{Allowed: len(c.events) < limit.Max}
	if v.Allowed {
		c.events = append(c.events, now)
	}
	v.Remaining = max(limit.Max-len(c.events), 0)
	if over := len(c.events) - limit.Max; over >= 0 && over < len(c.events) {
		v.RetryAfter = c.events[over].Add(limit.Window).Sub(now)
	}
	return v
}

var _ throttle.Store = (*Throttle)(nil)
