package password

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// TestFullQueueRefusesAtOnce holds the only slot, fills the queue and counts
// time: in the bubble nothing passes unless somebody waits.
func TestFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, Limits{Concurrent: 1, Queue: 3, Wait: 2 * time.Second})
		h.slots <- struct{}{}
		start := time.Now()
		errs := make([]error, 3)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = h.VerifyDummy(t.Context(), "x") })
		}
		synctest.Wait()
		for range 100 {
			if _, err := h.Verify(t.Context(), "", "x"); !errors.Is(err, authcore.ErrUnavailable) {
				t.Fatalf("with a full queue: %v", err)
			}
		}
		if passed := time.Since(start); passed > 0 {
			t.Errorf("refused after %s", passed)
		}
		all.Wait()
		for _, err := range errs {
			if !errors.Is(err, authcore.ErrUnavailable) || time.Since(start) != 2*time.Second {
				t.Errorf("in the queue: %v after %s", err, time.Since(start))
			}
		}
		<-h.slots
		if err := h.VerifyDummy(t.Context(), "x"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestWhoGivesUpLeavesTheQueue cancels those who wait: their places are free.
func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, Limits{Concurrent: 1, Queue: 2, Wait: time.Minute})
		h.slots <- struct{}{}
		start := time.Now()
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					if _, err := h.Hash(ctx, "x"); !errors.Is(err, authcore.ErrUnavailable) || !errors.Is(err, context.Canceled) {
						t.Errorf("given up: %v", err)
					}
				})
			}
			synctest.Wait()
			cancel()
			all.Wait()
		}
		if time.Since(start) > 0 || h.waiting.Load() != 0 {
			t.Errorf("%d wait after %s", h.waiting.Load(), time.Since(start))
		}
		<-h.slots
	})
}

// TestWaitersGetTheirTurn frees the slot while somebody waits.
func TestWaitersGetTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, Limits{Concurrent: 1, Queue: 8, Wait: time.Minute})
		h.slots <- struct{}{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if stored, err := h.Hash(t.Context(), "correct horse"); err != nil || stored == "" {
					t.Errorf("%q, %v", stored, err)
				}
			})
		}
		synctest.Wait()
		if n := h.waiting.Load(); n != 8 {
			t.Errorf("%d wait", n)
		}
		<-h.slots
		all.Wait()
		if len(h.slots) != 0 || h.waiting.Load() != 0 {
			t.Errorf("%d run and %d wait", len(h.slots), h.waiting.Load())
		}
	})
}

// TestOneUserHasAShare fills the queue as one account in 40 browsers does: others get
// their turn, and so does the user afterwards.
func TestOneUserHasAShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, Limits{Concurrent: 1, Queue: 4, Wait: time.Minute})
		h.slots <- struct{}{}
		eve := For(t.Context(), "eve")
		var all sync.WaitGroup
		var refused atomic.Int64
		for range 40 {
			all.Go(func() {
				if err := h.VerifyDummy(eve, "x"); errors.Is(err, ErrShare) {
					refused.Add(1)
				} else if err != nil {
					t.Errorf("eve: %v", err)
				}
			})
		}
		synctest.Wait()
		if n := h.waiting.Load(); n != 2 || refused.Load() != 38 {
			t.Errorf("%d wait, %d were refused", n, refused.Load())
		}
		for _, ctx := range []context.Context{t.Context(), For(t.Context(), "ada")} {
			all.Go(func() {
				if err := h.VerifyDummy(ctx, "x"); err != nil {
					t.Errorf("somebody else: %v", err)
				}
			})
		}
		synctest.Wait()
		<-h.slots
		all.Wait()
		if _, err := h.Hash(eve, "x"); err != nil || len(h.shares.byUser) != 0 {
			t.Errorf("afterwards: %v, %v", err, h.shares.byUser)
		}
	})
}

// TestLimitsDefault leaves a processor to everything else.
func TestLimitsDefault(t *testing.T) {
	h := NewHasher(cheap, Limits{})
	if n := cap(h.slots); n < 1 || h.queue != int64(16*n) || h.wait != 2*time.Second {
		t.Errorf("%d at once, %d wait for %s", n, h.queue, h.wait)
	}
}
