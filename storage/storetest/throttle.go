package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/throttle"
)

// Counter is a throttle with a way to let its time pass.
type Counter struct {
	throttle.Store
	// Pass waits until the store's clock has moved on by so much.
	Pass func(time.Duration)
}

// Throttle tests throttle.Store.
func Throttle(t *testing.T, open func(testing.TB) Counter) {
	cases(t, open, map[string]func(context.Context, *testing.T, Counter){
		"allows the maximum":    testTake,
		"slides and re-arms":    testSlide,
		"keys are apart":        testApart,
		"reset":                 testReset,
		"lowered maximum":       testLowered,
		"never over, at once":   testTakeRace,
		"never over, over time": testTakeLong,
	})
}

func take(ctx context.Context, t testing.TB, c Counter, key string, l throttle.Limit) throttle.Verdict {
	t.Helper()
	v, err := c.Take(ctx, key, l)
	must(t, err)
	return v
}

func testTake(ctx context.Context, t *testing.T, c Counter) {
	limit := throttle.Limit{Name: "signin", Max: 3, Window: time.Minute}
	for i := range 3 {
		v := take(ctx, t, c, "k", limit)
		if !v.Allowed || v.Remaining != 2-i {
			t.Errorf("event %d: %+v", i+1, v)
		}
		if (v.RetryAfter > 0) != (v.Remaining == 0) {
			t.Errorf("event %d: retry after %s with %d remaining", i+1, v.RetryAfter, v.Remaining)
		}
	}
	v := take(ctx, t, c, "k", limit)
	if v.Allowed || v.Remaining != 0 || v.RetryAfter <= 50*time.Second || v.RetryAfter > time.Minute {
		t.Errorf("the event over the limit: %+v", v)
	}
}

func testSlide(ctx context.Context, t *testing.T, c Counter) {
	limit := throttle.Limit{Name: "signin", Max: 2, Window: time.Second}
	take(ctx, t, c, "k", limit)
	c.Pass(600 * time.Millisecond)
	take(ctx, t, c, "k", limit)
	v := take(ctx, t, c, "k", limit)
	if v.Allowed || v.RetryAfter > 400*time.Millisecond {
		t.Fatalf("over the limit: %+v, want to wait for the first event alone", v)
	}
	c.Pass(v.RetryAfter + 50*time.Millisecond)
	if v := take(ctx, t, c, "k", limit); !v.Allowed {
		t.Errorf("after the first event was forgotten: %+v", v)
	}
	if v := take(ctx, t, c, "k", limit); v.Allowed {
		t.Errorf("the second event was forgotten as well: %+v", v)
	}
	c.Pass(limit.Window + 50*time.Millisecond)
	if v := take(ctx, t, c, "k", limit); !v.Allowed || v.Remaining != 1 {
		t.Errorf("after a whole window: %+v", v)
	}
}

func testApart(ctx context.Context, t *testing.T, c Counter) {
	limit := throttle.Limit{Name: "signin", Max: 1, Window: time.Minute}
	other := limit
	other.Name = "reset"
	take(ctx, t, c, "k", limit)
	for _, v := range []throttle.Verdict{take(ctx, t, c, "other", limit), take(ctx, t, c, "k", other), take(ctx, t, c, "", limit)} {
		if !v.Allowed {
			t.Errorf("another key or limit: %+v", v)
		}
	}
}

func testReset(ctx context.Context, t *testing.T, c Counter) {
	limit := throttle.Limit{Name: "signin", Max: 1, Window: time.Minute}
	for _, key := range []string{"a", "b", "c"} {
		take(ctx, t, c, key, limit)
	}
	must(t, c.Reset(ctx, limit))
	must(t, c.Reset(ctx, limit, "a", "b", "unknown"))
	for key, want := range map[string]bool{"a": true, "b": true, "c": false} {
		if v := take(ctx, t, c, key, limit); v.Allowed != want {
			t.Errorf("%s after the reset: %+v", key, v)
		}
	}
}

// testLowered is a reload that makes a limit stricter.
func testLowered(ctx context.Context, t *testing.T, c Counter) {
	limit := throttle.Limit{Name: "signin", Max: 3, Window: time.Second}
	for range 2 {
		take(ctx, t, c, "k", limit)
	}
	c.Pass(300 * time.Millisecond)
	take(ctx, t, c, "k", limit)
	limit.Max = 1
	v := take(ctx, t, c, "k", limit)
	if v.Allowed || v.Remaining != 0 || v.RetryAfter <= 700*time.Millisecond {
		t.Errorf("under the lower limit: %+v, want to wait for the last event", v)
	}
	c.Pass(v.RetryAfter + 50*time.Millisecond)
	if v := take(ctx, t, c, "k", limit); !v.Allowed {
		t.Errorf("after the wait: %+v", v)
	}
}

func testTakeRace(ctx context.Context, t *testing.T, c Counter) {
	limit := throttle.Limit{Name: "signin", Max: 10, Window: time.Minute}
	var allowed atomic.Int64
	errs := concurrently(100, func(int) error {
		v, err := c.Take(ctx, "k", limit)
		if v.Allowed {
			allowed.Add(1)
		}
		return err
	})
	wantWinners(t, errs, 100)
	if n := allowed.Load(); n != 10 {
		t.Errorf("%d events were allowed, want 10", n)
	}
}

// testTakeLong tries all the time and checks every window that there was, by
// the clock of the test: windows a little shorter than the limit's must never
// hold more than the maximum.
func testTakeLong(ctx context.Context, t *testing.T, c Counter) {
	limit := throttle.Limit{Name: "signin", Max: 3, Window: 500 * time.Millisecond}
	var events []time.Duration
	for at := time.Duration(0); at < 3*limit.Window; at += 40 * time.Millisecond {
		if take(ctx, t, c, "k", limit).Allowed {
			events = append(events, at)
		}
		c.Pass(40 * time.Millisecond)
	}
	if len(events) < 6 {
		t.Errorf("only %d events were allowed", len(events))
	}
	for i := limit.Max; i < len(events); i++ {
		// The steps of the test are no shorter than 40 ms in truth, maybe longer.
		if apart := events[i] - events[i-limit.Max]; apart < limit.Window/2 {
			t.Errorf("more than %d events within %s: %s", limit.Max, apart, fmt.Sprint(events))
		}
	}
}
