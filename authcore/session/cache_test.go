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
		if c.put(c.ticket(h), &Live{Hash: h}, &confirmation{at: now}) == nil {
			t.Fatal("an undisturbed fill was refused")
		}
		if c.size() > 4 {
			t.Fatalf("%d entries in a shard of 4", c.size())
		}
	}
}

func TestCacheEvictsWhatIsNotUsed(t *testing.T) {
	now := time.Now()
	c := newCache(cacheShards*64, now)
	kept := hashOf(1, 0)
	c.put(c.ticket(kept), &Live{Hash: kept}, &confirmation{at: now})
	for n := byte(1); n < 200; n++ {
		now = now.Add(time.Second)
		if c.get(kept, now) == nil {
			t.Fatalf("the entry in constant use was evicted after %d others", n)
		}
		h := hashOf(1, n)
		c.put(c.ticket(h), &Live{Hash: h}, &confirmation{at: now})
	}
}

func TestCacheFindsWhatIsLeft(t *testing.T) {
	now := time.Now()
	c := newCache(cacheShards*8, now)
	for n := range byte(8) {
		h := hashOf(1, n)
		c.put(c.ticket(h), &Live{Hash: h}, &confirmation{at: now})
	}
	for _, gone := range []byte{7, 0, 3, 3} {
		c.invalidate(hashOf(1, gone))
	}
	for n := range byte(8) {
		e := c.peek(hashOf(1, n))
		switch left := n != 7 && n != 0 && n != 3; {
		case left && (e == nil || e.live.Hash != hashOf(1, n)):
			t.Errorf("entry %d is lost", n)
		case !left && e != nil:
			t.Errorf("entry %d is still there", n)
		}
	}
	if c.size() != 5 {
		t.Errorf("%d entries are left of 8 without 3", c.size())
	}
}

func TestInvalidationVoidsTickets(t *testing.T) {
	c := newCache(cacheEntries, time.Now())
	h, neighbour := hashOf(3, 1), hashOf(4, 1)
	ticket, other := c.ticket(h), c.ticket(neighbour)
	c.invalidate(h)
	if c.put(ticket, &Live{}, &confirmation{at: time.Now()}) != nil {
		t.Error("a fill from before the invalidation was accepted")
	}
	if c.put(other, &Live{}, &confirmation{at: time.Now()}) == nil {
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
