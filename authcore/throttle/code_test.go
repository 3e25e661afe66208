package throttle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/throttle"
)

// tries counts the tries at a code that are allowed, and whether codes are spent.
func tries(t *testing.T, g *throttle.Guard, try throttle.Try, n int) (allowed int, spent bool) {
	t.Helper()
	for range n {
		err := g.Code(t.Context(), try)
		var exceeded *throttle.Exceeded
		switch {
		case err == nil:
			allowed++
		case !errors.As(err, &exceeded):
			t.Fatal(err)
		case exceeded.Spent:
			spent = true
		}
	}
	return allowed, spent
}

// TestCodesOfASignUp: neither patience nor many sign-ups help to guess a code.
func TestCodesOfASignUp(t *testing.T) {
	g, c := newGuard(nil)
	for window, want := range []int{5, 5, 0} {
		if got, _ := tries(t, g, throttle.Try{SignUp: "one", Address: ada, IP: "192.0.2.1"}, 20); got != want {
			t.Errorf("window %d: %d tries, want %d", window, got, want)
		}
		c.pass(16 * time.Minute)
	}
	total := 0
	for i := range 20 {
		got, _ := tries(t, g, throttle.Try{SignUp: fmt.Sprint("sign-up ", i), Address: fmt.Sprint(i, "@example.com"), IP: "192.0.2.2"}, 5)
		total += got
	}
	if total != 30 {
		t.Errorf("one network tries %d codes", total)
	}
}

// TestCodesOfAnAddress makes sign-ups for a month, from many networks.
func TestCodesOfAnAddress(t *testing.T) {
	for name, want := range map[string]int{"": 20, "example.com": 500} {
		g, c := newGuard(nil)
		total, spent := 0, false
		for i := range 29 * 24 {
			try := throttle.Try{SignUp: fmt.Sprint(i), Address: fmt.Sprintf("ada+%d@example.com", i), Domain: name, IP: fmt.Sprintf("192.0.2.%d", i%200)}
			if name != "" {
				try.Address = fmt.Sprint(i, "@example.com")
			}
			got, s := tries(t, g, try, 5)
			total, spent = total+got, spent || s
			c.pass(time.Hour)
		}
		if total != want || !spent {
			t.Errorf("domain %q: %d tries in a month, want %d; spent %v", name, total, want, spent)
		}
		c.pass(30 * 24 * time.Hour)
		if got, _ := tries(t, g, throttle.Try{SignUp: "x", Address: "ada@example.com", Domain: name, IP: "192.0.2.1"}, 1); got != 1 {
			t.Errorf("domain %q: codes are spent for good", name)
		}
	}
}
