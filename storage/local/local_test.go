package local_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/local"
	"github.com/sigra-auth/sigra/storage/storetest"
)

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestThrottle(t *testing.T) {
	storetest.Throttle(t, func(testing.TB) storetest.Counter {
		c := &clock{now: time.Now()}
		return storetest.Counter{Store: local.NewThrottle(c.Now), Pass: c.Pass}
	})
}

// TestThrottleIsBounded floods the throttle with keys, as an attacker with many
// addresses does: memory stays bounded, and what was counted last is kept.
func TestThrottleIsBounded(t *testing.T) {
	ctx := context.Background()
	s := local.NewThrottle(time.Now)
	limit := throttle.Limit{Name: "signin", Max: 1, Window: time.Hour}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	const keys = 400_000
	for i := range keys {
		if _, err := s.Take(ctx, fmt.Sprint(i), limit); err != nil {
			t.Fatal(err)
		}
	}
	if used := int64(heap()) - int64(before); used > 50<<20 {
		t.Errorf("%d keys use %d MiB", keys, used>>20)
	}
	if v, _ := s.Take(ctx, fmt.Sprint(keys-1), limit); v.Allowed {
		t.Error("the last key was forgotten")
	}
	if v, _ := s.Take(ctx, "0", limit); !v.Allowed {
		t.Error("the first key is still kept")
	}
}

// TestNetworksForgetNoAccounts floods the throttle with networks, as whoever holds a
// large block of IPv6 addresses can: the limit of an account stays.
func TestNetworksForgetNoAccounts(t *testing.T) {
	s := local.NewThrottle(time.Now)
	account, network := throttle.Limit{Name: "account", Max: 1, Window: time.Hour}, throttle.Limit{Name: "network", Max: 1, Window: time.Hour}
	if v, err := s.Take(t.Context(), "ada", account); err != nil || !v.Allowed {
		t.Fatal(v, err)
	}
	for i := range 200_000 {
		if _, err := s.Take(t.Context(), fmt.Sprint(i), network); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := s.Take(t.Context(), "ada", account); err != nil || v.Allowed {
		t.Errorf("the account was forgotten: %+v, %v", v, err)
	}
}

func TestBus(t *testing.T) {
	storetest.Bus(t, func(testing.TB) storetest.Nodes {
		bus := new(local.Bus)
		return func() session.Bus { return bus }
	})
}

// heard is what a bus tells.
type heard struct{ up, down atomic.Int64 }

func (h *heard) Up()            { h.up.Add(1) }
func (h *heard) Down()          { h.down.Add(1) }
func (*heard) Beat()            {}
func (*heard) Receive(_ []byte) {}

// TestBusBesideAnotherProcess starts beside one, outlives it, and meets another.
func TestBusBesideAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var alone, away atomic.Bool
		bus := local.NewBus(func(context.Context) (bool, error) {
			if away.Load() {
				return false, errors.New("the database is away")
			}
			return alone.Load(), nil
		}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		h := new(heard)
		var group sync.WaitGroup
		group.Go(func() { bus.Listen(ctx, h) })
		want := func(when string, up, down int64) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if h.up.Load() != up || h.down.Load() != down {
				t.Errorf("%s: %d times up and %d times down, want %d and %d", when, h.up.Load(), h.down.Load(), up, down)
			}
		}
		want("beside another", 0, 0)
		alone.Store(true)
		want("alone", 1, 0)
		away.Store(true)
		want("when nobody can tell for long", 1, 1)
		away.Store(false)
		want("alone again", 2, 1)
		alone.Store(false)
		want("beside another again", 2, 2)
		cancel()
		group.Wait()
	})
}

func BenchmarkThrottle(b *testing.B) {
	ctx := context.Background()
	s := local.NewThrottle(time.Now)
	limit := throttle.Limit{Name: "signin", Max: 10, Window: time.Minute}
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			s.Take(ctx, "203.0.113.7", limit)
		}
	})
}
