package session

import (
	"testing"
	"time"
)

func hashOf(shard, n byte) Hash {
	h := Hash{shard}
	h[1] = n
	return h
}

func TestCacheIsBounded(t *testing.T) {
	now := time.Now()
	c := newCache(cacheShards*4, now)
	for n := range byte(100) {
		h := hashOf(7, n)
		now = now.Add(time.Millisecond)
		if !c.put(c.ticket(h), &entry{live: &Live{Hash: h}}, now) {
			t.Fatal("an undisturbed fill was refused")
		}
		if c.size() > 4 {
			t.Fatalf("%d entries in a shard of 4", c.size())
		}
	}
}

func TestCacheEvictsWhatIsNotUsed(t *testing.T) {
	now := time.Now()
	c := newCache(cacheShards*evictSamples, now)
	kept := hashOf(1, 0)
	c.put(c.ticket(kept), &entry{live: &Live{Hash: kept}}, now)
	for n := byte(1); n < 200; n++ {
		now = now.Add(time.Millisecond)
		if c.get(kept, now) == nil {
			t.Fatalf("the entry in constant use was evicted after %d others", n)
		}
		h := hashOf(1, n)
		c.put(c.ticket(h), &entry{live: &Live{Hash: h}}, now)
	}
}

func TestInvalidationVoidsTickets(t *testing.T) {
	c := newCache(cacheEntries, time.Now())
	h, neighbour := hashOf(3, 1), hashOf(4, 1)
	ticket, other := c.ticket(h), c.ticket(neighbour)
	c.invalidate(h)
	if c.put(ticket, &entry{live: &Live{}}, time.Now()) {
		t.Error("a fill from before the invalidation was accepted")
	}
	if !c.put(other, &entry{live: &Live{}}, time.Now()) {
		t.Error("an invalidation disturbed another shard")
	}
}

func TestMemosAreBounded(t *testing.T) {
	l := new(Live)
	for i := range 100 {
		l.Memo(i, func() any { return i })
		if n := len(*l.memos.Load()); n > maxMemos {
			t.Fatalf("%d memos", n)
		}
	}
	if v := l.Memo(99, func() any { return -1 }); v != 99 {
		t.Errorf("the latest memo is %v", v)
	}
}
