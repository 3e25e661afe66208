// Package throttle slows down guessing. Limits slide and re-arm, and none of
// them lets a stranger lock an owner out: a browser that has signed in before
// has a budget of its own.
package throttle

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Guard judges attempts. It is safe for concurrent use.
type Guard struct {
	store  Store
	limits atomic.Pointer[Limits]
}

// NewGuard returns a guard that counts in a store.
func NewGuard(store Store, l Limits) *Guard {
	g := &Guard{store: store}
	g.SetLimits(l)
	return g
}

// SetLimits replaces the limits, when a configuration is reloaded.
func (g *Guard) SetLimits(l Limits) { g.limits.Store(&l) }

// Attempt is one attempt to sign in.
type Attempt struct {
	// Account is the canonical address that was given, whether or not there
	// is such an account.
	Account string
	// IP is the client's address, as vouched for by the proxy.
	IP string
	// Device is the id of the browser if the account knows it, else empty.
	Device string
}

// Exceeded says that an attempt is over a limit and must not be tried.
type Exceeded struct {
	RetryAfter time.Duration
	// Account says that it is the account's limit, which only its owner may
	// learn; else it is the network's.
	Account bool
	// Spent says that no code counts for an address for a long time: its link does.
	Spent bool
}

func (e *Exceeded) Error() string {
	return fmt.Sprintf("too many attempts, retry after %s", e.RetryAfter.Round(time.Second))
}

// Ticket is an attempt that has been counted.
type Ticket struct {
	guard   *Guard
	attempt Attempt
	// Last says that it was the last of the account's budget: if it fails, the
	// account is locked for unknown browsers.
	Last bool
}

// Attempt counts an attempt before its answer is known, so that many at once
// cannot all slip through, and fails with *Exceeded when it is over a limit.
func (g *Guard) Attempt(ctx context.Context, a Attempt) (*Ticket, error) {
	l := g.limits.Load()
	limit, key := l.Account, a.Account
	if a.Device != "" {
		// Strangers behind the same address must not use up what known browsers
		// may try; these have a budget of their own, which is small.
		limit, key = l.Device, a.Account+"|"+a.Device
	} else if err := g.takeNetwork(ctx, a.IP, l.Network); err != nil {
		return nil, err
	}
	verdict, err := g.store.Take(ctx, key, limit)
	if err != nil {
		return nil, err
	}
	if !verdict.Allowed {
		return nil, &Exceeded{RetryAfter: verdict.RetryAfter, Account: true}
	}
	return &Ticket{g, a, a.Device == "" && verdict.Remaining == 0}, nil
}

func (g *Guard) takeNetwork(ctx context.Context, ip string, limit Limit) error {
	return g.take(ctx, Network(ip), limit)
}

// Succeed forgets the account's failures. Those of the network stay: whoever
// has one account must not be able to guess others without end.
func (t *Ticket) Succeed(ctx context.Context) error {
	l := t.guard.limits.Load()
	if t.attempt.Device != "" {
		return t.guard.store.Reset(ctx, l.Device, t.attempt.Account+"|"+t.attempt.Device)
	}
	return t.guard.store.Reset(ctx, l.Account, t.attempt.Account)
}

// Forget forgets the failures of an account, when its password was set anew or
// an operator vouches for it.
func (g *Guard) Forget(ctx context.Context, account string) error {
	return g.store.Reset(ctx, g.limits.Load().Account, account)
}

// MayTellOfLock reports whether the owner of an account has not been told of a
// lock lately: whoever keeps an account locked must not fill its mailbox too.
func (g *Guard) MayTellOfLock(ctx context.Context, account string) (bool, error) {
	verdict, err := g.store.Take(ctx, account, g.limits.Load().LockMail)
	return verdict.Allowed, err
}

// StepUp counts an attempt of a signed-in user to prove it is them; it fails
// with *Exceeded.
func (g *Guard) StepUp(ctx context.Context, userID string) error {
	verdict, err := g.store.Take(ctx, userID, g.limits.Load().StepUp)
	if err != nil {
		return err
	}
	if !verdict.Allowed {
		return &Exceeded{RetryAfter: verdict.RetryAfter, Account: true}
	}
	return nil
}

// Change counts a change of the password of a user; it fails with *Exceeded.
func (g *Guard) Change(ctx context.Context, userID string) error {
	return g.take(ctx, userID, g.limits.Load().Change)
}

// Keep counts a form that is kept for a user; it fails with *Exceeded.
func (g *Guard) Keep(ctx context.Context, userID string) error {
	return g.take(ctx, userID, g.limits.Load().Keep)
}

// Factor counts a try at a second factor of a user, and returns how many are
// left; it fails with *Exceeded.
func (g *Guard) Factor(ctx context.Context, userID string) (left int, err error) {
	verdict, err := g.store.Take(ctx, userID, g.limits.Load().Factor)
	if err == nil && !verdict.Allowed {
		err = &Exceeded{RetryAfter: verdict.RetryAfter, Account: true}
	}
	return verdict.Remaining, err
}

// FactorSucceeded forgets the user's failures.
func (g *Guard) FactorSucceeded(ctx context.Context, userID string) error {
	return g.store.Reset(ctx, g.limits.Load().Factor, userID)
}

// Challenge counts a WebAuthn challenge that a stranger asks for; it fails with
// *Exceeded.
func (g *Guard) Challenge(ctx context.Context, ip string) error {
	return g.takeNetwork(ctx, ip, g.limits.Load().Challenge)
}

// Answer counts the answer of a stranger to one; it fails with *Exceeded.
func (g *Guard) Answer(ctx context.Context, ip string) error {
	return g.take(ctx, "answer|"+Network(ip), g.limits.Load().Challenge)
}

// ChallengeOf counts a challenge that a user asks for; it fails with *Exceeded.
func (g *Guard) ChallengeOf(ctx context.Context, userID string) error {
	return g.take(ctx, "user|"+userID, g.limits.Load().Challenge)
}

// take counts an event under a key; it fails with *Exceeded.
func (g *Guard) take(ctx context.Context, key string, limit Limit) error {
	verdict, err := g.store.Take(ctx, key, limit)
	if err == nil && !verdict.Allowed {
		err = &Exceeded{RetryAfter: verdict.RetryAfter}
	}
	return err
}

// StepUpSucceeded forgets the user's failures.
func (g *Guard) StepUpSucceeded(ctx context.Context, userID string) error {
	return g.store.Reset(ctx, g.limits.Load().StepUp, userID)
}
