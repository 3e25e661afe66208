package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// TestReadsOutliveAPanic: the requests of a read in which the store panics are refused,
// also those that waited for another one meanwhile, and later ones are answered.
func TestReadsOutliveAPanic(t *testing.T) {
	b := newBench(t, func(s *Settings) { s.CacheTTL = 0 })
	token, _ := b.open(t, "ada", false)
	gate := make(chan struct{})
	b.store.set(func() {
		b.store.afterFind = func() {
			<-gate
			panic("a bug of the driver")
		}
	})
	const requests = 10
	var done sync.WaitGroup
	for range requests {
		done.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("a request panicked: %v", p)
				}
			}()
			if _, err := b.Resume(t.Context(), token); !errors.Is(err, authcore.ErrUnavailable) {
				t.Errorf("%v, want unavailable", err)
			}
		})
	}
	for b.counts.reads.Load() < requests {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // the last ones join the waiting batch
	close(gate)
	done.Wait()

	b.store.set(func() { b.store.afterFind = nil })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := b.Resume(ctx, token); err != nil {
		t.Errorf("after the panic: %v", err)
	}
}
