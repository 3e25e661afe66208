package throttle_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/local"
)

// clock is a time that the test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newGuard(change func(*throttle.Limits)) (*throttle.Guard, *clock) {
	c := &clock{at: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	l := throttle.DefaultLimits()
	if change != nil {
		change(&l)
	}
	return throttle.NewGuard(local.NewThrottle(c.now), l), c
}

// try makes an attempt and says what became of it.
func try(t *testing.T, g *throttle.Guard, a throttle.Attempt) (*throttle.Ticket, *throttle.Exceeded) {
	t.Helper()
	ticket, err := g.Attempt(t.Context(), a)
	var exceeded *throttle.Exceeded
	if err != nil && !errors.As(err, &exceeded) {
		t.Fatal(err)
	}
	return ticket, exceeded
}

func TestAccountLimitSlidesAndReArms(t *testing.T) {
	g, c := newGuard(nil)
	a := throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.1"}
	for range 3 { // it locks again, each time
		last := 0
		for range 5 {
			ticket, exceeded := try(t, g, a)
			if exceeded != nil {
				t.Fatalf("refused: %v", exceeded)
			}
			if ticket.Last {
				last++
			}
		}
		if last != 1 {
			t.Errorf("%d attempts were told to be the last", last)
		}
		_, exceeded := try(t, g, a)
		if exceeded == nil || !exceeded.Account || exceeded.RetryAfter <= 0 || exceeded.RetryAfter > 15*time.Minute {
			t.Fatalf("the sixth: %+v", exceeded)
		}
		c.pass(15*time.Minute + time.Second)
	}
}

func TestKnownDeviceHasItsOwnBudget(t *testing.T) {
	g, _ := newGuard(nil)
	stranger := throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.1"}
	owner := throttle.Attempt{Account: "ada@example.com", IP: "198.51.100.1", Device: "laptop"}
	for range 6 {
		try(t, g, stranger)
	}
	ticket, exceeded := try(t, g, owner)
	if exceeded != nil {
		t.Fatalf("the owner is locked out: %+v", exceeded)
	}
	if err := ticket.Succeed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, exceeded := try(t, g, stranger); exceeded == nil {
		t.Error("the owner's success re-armed the stranger")
	}
	refused := 0
	for range 15 {
		if _, exceeded := try(t, g, owner); exceeded != nil {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of 15 wrong passwords from a known browser were refused, want 5", refused)
	}
}

func TestSuccessResetsTheAccountAlone(t *testing.T) {
	g, _ := newGuard(func(l *throttle.Limits) { l.Network.Max = 8 })
	a := throttle.Attempt{Account: "ada@example.com", IP: "192.0.2.1"}
	for range 2 {
		var ticket *throttle.Ticket
		for range 4 {
			ticket, _ = try(t, g, a)
		}
		if err := ticket.Succeed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, exceeded := try(t, g, throttle.Attempt{Account: "bob@example.com", IP: a.IP}); exceeded == nil || exceeded.Account {
		t.Errorf("who has one account can guess others without end: %+v", exceeded)
	}
}

func TestNetworkLimit(t *testing.T) {
	g, c := newGuard(nil)
	refused := 0
	for i := range 40 {
		address := "2001:db8:1:2::" + strconv.Itoa(i) // one customer
		if _, exceeded := try(t, g, throttle.Attempt{Account: strconv.Itoa(i), IP: address}); exceeded != nil {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d of 40 attempts were refused, want 10", refused)
	}
	if _, exceeded := try(t, g, throttle.Attempt{Account: "x", IP: "2001:db8:1:3::1"}); exceeded != nil {
		t.Error("a neighbour was refused")
	}
	c.pass(15*time.Minute + time.Second)
	if _, exceeded := try(t, g, throttle.Attempt{Account: "x", IP: "2001:db8:1:2::1"}); exceeded != nil {
		t.Error("the limit does not re-arm")
	}
}

func TestParallelAttemptsDoNotSlipThrough(t *testing.T) {
	g, _ := newGuard(nil)
	var mu sync.Mutex
	allowed := 0
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			_, exceeded := try(t, g, throttle.Attempt{Account: "ada@example.com", IP: "192.0.2." + strconv.Itoa(i)})
			mu.Lock()
			defer mu.Unlock()
			if exceeded == nil {
				allowed++
			}
		})
	}
	all.Wait()
	if allowed != 5 {
		t.Errorf("%d of 100 at once were allowed, want 5", allowed)
	}
}

func TestStepUpLimit(t *testing.T) {
	g, _ := newGuard(nil)
	for range 2 {
		for range 5 {
			if err := g.StepUp(t.Context(), "u"); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.StepUp(t.Context(), "u"); err == nil {
			t.Fatal("a sixth attempt was allowed")
		}
		if err := g.StepUp(t.Context(), "v"); err != nil {
			t.Errorf("another user: %v", err)
		}
		if err := g.StepUpSucceeded(t.Context(), "u"); err != nil {
			t.Fatal(err)
		}
		if err := g.StepUpSucceeded(t.Context(), "v"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"64:ff9b::192.0.2.1": "192.0.2.1", "64:ff9b::c633:6407": "198.51.100.7", "64:ff9b:1::1": "64:ff9b:1::/64",
		"2002:c000:201:5::1": "192.0.2.1", "2003:c000:201:5::1": "2003:c000:201:5::/64",
		"fe80::1%eth0": "fe80::/64", "": "unknown", "nonsense": "unknown", "192.0.2.1:80": "unknown",
	} {
		if got := throttle.Network(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSecondFactorLimits(t *testing.T) {
	now := time.Now()
	g := throttle.NewGuard(local.NewThrottle(func() time.Time { return now }), throttle.DefaultLimits())
	for want := 4; want >= 0; want-- {
		if left, err := g.Factor(t.Context(), "u"); err != nil || left != want {
			t.Errorf("%d left, %v, want %d", left, err, want)
		}
	}
	var exceeded *throttle.Exceeded
	if _, err := g.Factor(t.Context(), "u"); !errors.As(err, &exceeded) || !exceeded.Account {
		t.Errorf("%v", err)
	}
	if _, err := g.Factor(t.Context(), "v"); err != nil {
		t.Errorf("another user: %v", err)
	}
	if err := g.FactorSucceeded(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	if left, err := g.Factor(t.Context(), "u"); err != nil || left != 4 {
		t.Errorf("after a success: %d, %v", left, err)
	}
	for range 300 {
		if err := g.Challenge(t.Context(), "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Challenge(t.Context(), "192.0.2.1"); !errors.As(err, &exceeded) || exceeded.Account {
		t.Errorf("%v", err)
	}
}
