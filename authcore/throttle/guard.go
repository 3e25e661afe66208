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

// Limits are the budgets of the flows that take a secret.
type Limits struct {
	// Account is per account, from browsers it does not know. Default: 5 in
	// 15 minutes.
	Account Limit
	// Device is per browser that an account knows. Default: 10 in 15 minutes.
	Device Limit
	// Network is per client network, whatever the account. Default: 30 in 15
	// minutes.
	Network Limit
	// StepUp is per signed-in user. Default: 5 in 15 minutes.
	StepUp Limit
	// Factor is how many codes of an app, or backup codes, may be tried in a row
	// per user, wherever that is. Default: 5 in 15 minutes.
	Factor Limit
	// Challenge is how many WebAuthn challenges a client network may ask for.
	// Default: 300 in 15 minutes.
	Challenge Limit
	// Mail is per address and kind of mail that strangers can ask for. Default:
	// 3 in 15 minutes.
	Mail Limit
	// MailDay is how many mails strangers can have sent to an address, of all kinds
	// together. Default: 20 in 24 hours.
	MailDay Limit
	// MailNetwork is how many of those a client network may ask for. Default:
	// 20 in 15 minutes.
	MailNetwork Limit
	// Code is how many codes may be tried for a sign-up. Default: 5 in 15
	// minutes.
	Code Limit
	// CodeLife is how many may be tried for a sign-up in all: with six digits,
	// patience must not help. Default: 10 in 48 hours, which is how long it waits.
	CodeLife Limit
	// CodeNetwork is how many a client network may try, for whatever sign-up.
	// Default: 30 in 15 minutes.
	CodeNetwork Limit
	// Change is how often a user may change the password. Each change voids the links
	// of the account, so whoever knows the password could else keep the owner from
	// ever using one. Default: 10 in 24 hours.
	Change Limit
	// Keep is how many forms are kept for a user. Default: 30 in 15 minutes.
	Keep Limit
	// LockMail is how often an owner is told that an account is locked.
	// Default: once in 24 hours.
	LockMail Limit
}

// DefaultLimits returns the defaults.
func DefaultLimits() Limits {
	const window = 15 * time.Minute
	return Limits{
		Account: Limit{"account", 5, window},
		Device:  Limit{"device", 10, window},
		Network: Limit{"network", 30, window},
		StepUp:  Limit{"step_up", 5, window},
		Factor:  Limit{"factor", 5, window}, Challenge: Limit{"challenge", 300, window},
		Mail: Limit{"mail", 3, window}, MailDay: Limit{"mail_day", 20, 24 * time.Hour}, MailNetwork: Limit{"mail_network", 20, window},
		Code: Limit{"code", 5, window}, CodeLife: Limit{"code_life", 10, 48 * time.Hour}, CodeNetwork: Limit{"code_network", 30, window}, LockMail: Limit{"lock_mail", 1, 24 * time.Hour},
		Change: Limit{"change", 10, 24 * time.Hour}, Keep: Limit{"keep", 30, window},
	}
}

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

// Mail counts a request of a stranger for a mail to an address. It fails with
// *Exceeded over the limit of the network; over that of the address it returns
// false, which nobody but its owner may learn: the answer is as ever, and no
// mail is sent.
func (g *Guard) Mail(ctx context.Context, kind, address, ip string) (allowed bool, err error) {
	l := g.limits.Load()
	verdict, err := g.store.Take(ctx, Network(ip), l.MailNetwork)
	if err != nil {
		return false, err
	}
	if !verdict.Allowed {
		return false, &Exceeded{RetryAfter: verdict.RetryAfter}
	}
	if verdict, err = g.store.Take(ctx, kind+"|"+address, l.Mail); err != nil || !verdict.Allowed {
		return false, err
	}
	verdict, err = g.store.Take(ctx, address, l.MailDay)
	return verdict.Allowed, err
}

// Code counts a try at the code of a sign-up; it fails with *Exceeded.
func (g *Guard) Code(ctx context.Context, signUp, ip string) error {
	l := g.limits.Load()
	if err := g.takeNetwork(ctx, ip, l.CodeNetwork); err != nil {
		return err
	}
	if err := g.take(ctx, signUp, l.Code); err != nil {
		return err
	}
	return g.take(ctx, signUp, l.CodeLife)
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
