package throttle_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/local"
)

// flaky is a store that is away for the limits of some names.
type flaky struct {
	throttle.Store
	away  string
	taken []string
}

func (f *flaky) Take(ctx context.Context, key string, limit throttle.Limit) (throttle.Verdict, error) {
	if limit.Name == f.away {
		return throttle.Verdict{}, authcore.ErrUnavailable
	}
	f.taken = append(f.taken, limit.Name+" "+key)
	return f.Store.Take(ctx, key, limit)
}

func (f *flaky) Reset(ctx context.Context, limit throttle.Limit, keys ...string) error {
	if limit.Name == f.away {
		return authcore.ErrUnavailable
	}
	return f.Store.Reset(ctx, limit, keys...)
}

func newFlaky() (*throttle.Guard, *flaky) {
	f := &flaky{Store: local.NewThrottle(time.Now)}
	return throttle.NewGuard(f, throttle.DefaultLimits()), f
}

// TestAwayIsNotAllowed fails closed: who cannot be counted is not let in, and is
// not told that there were too many attempts either.
func TestAwayIsNotAllowed(t *testing.T) {
	known := throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.1", Device: "laptop"}
	stranger := throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.1"}
	for away, attempt := range map[string]throttle.Attempt{"network": stranger, "account": stranger, "device": known} {
		g, f := newFlaky()
		f.away = away
		ticket, err := g.Attempt(t.Context(), attempt)
		var exceeded *throttle.Exceeded
		if ticket != nil || !errors.Is(err, authcore.ErrUnavailable) || errors.As(err, &exceeded) {
			t.Errorf("%s: %v, %v", away, ticket, err)
		}
	}
	g, f := newFlaky()
	ticket, err := g.Attempt(t.Context(), stranger)
	if err != nil {
		t.Fatal(err)
	}
	f.away = "account"
	if err := ticket.Succeed(t.Context()); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("succeeding: %v", err)
	}
	f.away = "step_up"
	if err := g.StepUp(t.Context(), "u"); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("step-up: %v", err)
	}
	if err := g.StepUpSucceeded(t.Context(), "u"); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("step-up that succeeded: %v", err)
	}
}

// TestWhatIsCounted sees to it that a network over its limit costs no account a
// try: else one address could lock all of them.
func TestWhatIsCounted(t *testing.T) {
	g, f := newFlaky()
	l := throttle.DefaultLimits()
	l.Network.Max = 1
	g.SetLimits(l)
	for range 3 {
		_, _ = g.Attempt(t.Context(), throttle.Attempt{Account: "ada@example.com", IP: "::ffff:192.0.2.1"})
	}
	if _, err := g.Attempt(t.Context(), throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.2", Device: "laptop"}); err != nil {
		t.Error(err)
	}
	want := []string{
		"network 192.0.2.1", "account ada@example.com", "network 192.0.2.1", "network 192.0.2.1",
		"device ada@example.com|laptop",
	}
	if !slices.Equal(f.taken, want) {
		t.Errorf("counted %q", f.taken)
	}
}

// TestReloadChangesTheLimits keeps what has been counted.
func TestReloadChangesTheLimits(t *testing.T) {
	g, _ := newGuard(nil)
	a := throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.1"}
	for range 5 {
		try(t, g, a)
	}
	if _, exceeded := try(t, g, a); exceeded == nil {
		t.Fatal("a sixth attempt was allowed")
	}
	l := throttle.DefaultLimits()
	l.Account.Max = 6
	g.SetLimits(l)
	if ticket, exceeded := try(t, g, a); exceeded != nil || !ticket.Last {
		t.Errorf("with a larger limit: %v", exceeded)
	}
	if _, exceeded := try(t, g, a); exceeded == nil {
		t.Error("the larger limit is none")
	}
}

// TestKnownBrowsersNeverLock: the last try of a known browser is no lock, of
// which the owner would be told.
func TestKnownBrowsersNeverLock(t *testing.T) {
	g, _ := newGuard(nil)
	for range 12 {
		ticket, _ := try(t, g, throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.1", Device: "laptop"})
		if ticket != nil && ticket.Last {
			t.Error("a known browser was told that it locks the account")
		}
	}
}

func FuzzNetwork(f *testing.F) {
	for _, seed := range []string{"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "fe80::1%eth0", "::", "1.2.3.4:80", "[::1]", "64:ff9b::1.2.3.4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ip string) {
		network := throttle.Network(ip)
		addr, err := netip.ParseAddr(ip)
		if (err != nil) != (network == "unknown") || len(network) > 45 {
			t.Fatalf("%q counts as %q", ip, network)
		}
		if err != nil {
			return
		}
		if again := throttle.Network(addr.WithZone("").Unmap().String()); again != network {
			t.Fatalf("%q counts as %q and as %q", ip, network, again)
		}
	})
}
