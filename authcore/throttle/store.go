package throttle

import (
	"context"
	"time"
)

// Limit allows Max events in any Window. It slides: an event is forgotten one
// window after it happened, so a limit re-arms by itself.
type Limit struct {
	// Name tells limits apart in keys and metrics.
	Name   string
	Max    int
	Window time.Duration
}

// Verdict is the answer to one event.
type Verdict struct {
	// Allowed is false when the event is over the limit; it is not counted then.
	Allowed bool
	// Remaining is how many more events are allowed now.
	Remaining int
	// RetryAfter is how long to wait until one event is allowed again.
	RetryAfter time.Duration
}

// Store counts events. Counting and judging are one atomic step on every node
// that shares the store, by the store's own clock.
type Store interface {
	// Take counts one event under a key, unless the limit is reached.
	Take(ctx context.Context, key string, limit Limit) (Verdict, error)
	// Reset forgets the events under the keys.
	Reset(ctx context.Context, limit Limit, keys ...string) error
}
