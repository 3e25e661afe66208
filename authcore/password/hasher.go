// Package password hashes and verifies passwords and judges new ones.
//
// Hashes are Argon2id (RFC 9106) as PHC strings. Hashing is costly by intent,
// so it is bounded: fewer hashes at once than processors, a short queue, and
// a refusal beyond that, so that a flood of sign-ins cannot starve the rest of
// the gateway of memory or time.
package password

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Params are the cost of a new hash.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// Valid reports whether a hash may cost so much. What is imported must not be
// able to exhaust the machine: one hash takes three seconds at most, about.
func (p Params) Valid() bool {
	const maxWork = 2 << 20 // KiB times passes
	return p.Threads >= 1 && p.Threads <= maxThreads && p.Time >= 1 && p.Time <= maxTime &&
		p.Memory >= 8*uint32(p.Threads) && p.Memory <= maxMemory && uint64(p.Memory)*uint64(p.Time) <= maxWork
}

// DefaultParams is what OWASP recommends at least: 19 MiB, two passes, one
// thread.
var DefaultParams = Params{Memory: 19 * 1024, Time: 2, Threads: 1}

// Limits bound the work that is under way. Zero values mean the defaults.
type Limits struct {
	// Concurrent is how many hashes run at once. Default: one per processor,
	// less one that is left to everything else.
	Concurrent int
	// Queue is how many may wait. Default: 16 per running one.
	Queue int
	// Wait is how long one may wait. Default: 2 seconds.
	Wait time.Duration
}

// Hasher hashes and verifies within its limits. It is safe for concurrent use.
type Hasher struct {
	params  atomic.Pointer[Params]
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
	shares  shares
}

// NewHasher returns a hasher.
func NewHasher(params Params, l Limits) *Hasher {
	if l.Concurrent == 0 {
		l.Concurrent = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if l.Queue == 0 {
		l.Queue = 16 * l.Concurrent
	}
	if l.Wait == 0 {
		l.Wait = 2 * time.Second
	}
	h := &Hasher{slots: make(chan struct{}, l.Concurrent), queue: int64(l.Queue), wait: l.Wait}
	h.SetParams(params)
	return h
}

// SetParams changes the cost of new hashes. Older ones are reported for an
// upgrade when they are next verified.
func (h *Hasher) SetParams(p Params) { h.params.Store(&p) }

// Result is the outcome of verifying a password.
type Result struct {
	// OK says that the password is right.
	OK bool
	// Upgrade says that it is right but its hash is weaker than a new one
	// would be.
	Upgrade bool
}

// Hash returns the PHC string of a password. It fails with an error that wraps
// authcore.ErrUnavailable when too many hashes are under way.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	normal, ok := normalize(password)
	if !ok {
		return "", fmt.Errorf("hashing password: %w", errTooLong)
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return newArgon2id(*h.params.Load(), []byte(normal)).String(), nil
}

// Verify checks a password against a stored hash: Argon2id, or one from
// elsewhere that [Recognize] knows. An empty or unknown hash, and a password that is too long to be
// one, take as long as a wrong password. Errors are as for [Hasher.Hash].
func (h *Hasher) Verify(ctx context.Context, stored, password string) (Result, error) {
	normal, ok := normalize(password)
	if !ok {
		normal = ""
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return Result{}, err
	}
	defer release()
	params := *h.params.Load()
	if known, err := parse(stored); err == nil && ok {
		right := known.verify(password, normal)
		return Result{OK: right, Upgrade: right && !known.current(params)}, nil
	}
	// As much work as a wrong password is for an account that has one: a password
	// that is typed in another form than the normal one is tried in both.
	newArgon2id(params, []byte(normal))
	if ok && password != normal {
		newArgon2id(params, []byte(password))
	}
	return Result{}, nil
}

// VerifyDummy does the work of verifying a password, for an account that has
// none or must not be tried, so that the answer takes as long as any other.
func (h *Hasher) VerifyDummy(ctx context.Context, password string) error {
	_, err := h.Verify(ctx, "", password)
	return err
}

// acquire waits for a slot, within the limits of the queue and of the share in it.
func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	leave, err := h.shares.enter(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.await(ctx); err != nil {
		leave()
		return nil, err
	}
	return func() {
		<-h.slots
		leave()
	}, nil
}

// await waits for a slot.
func (h *Hasher) await(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	if h.waiting.Add(1) > h.queue {
		h.waiting.Add(-1)
		return fmt.Errorf("too many passwords are being checked: %w", authcore.ErrUnavailable)
	}
	defer h.waiting.Add(-1)
	timer := time.NewTimer(h.wait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return fmt.Errorf("waited too long to check a password: %w", authcore.ErrUnavailable)
	case <-ctx.Done():
		return fmt.Errorf("checking a password: %w: %w", authcore.ErrUnavailable, ctx.Err())
	}
}
