package assertion

import (
	"testing"
	"time"
)

// The clock of the gateway is set right, forward or back, while an assertion is
// kept for reuse. The app, whose clock was right all the time, is given one that
// it takes.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Minute, -5 * time.Minute, time.Minute, -time.Minute, 10 * time.Second, -10 * time.Second} {
		t.Run(jump.String(), func(t *testing.T) {
			at := start
			b := newBench(t, new(shelf), &at, nil)
			minted := b.mint(t, ada)
			if !minted.Current(at) {
				t.Fatal("a new assertion is not current")
			}
			at = at.Add(jump)
			if !minted.Current(at) {
				minted = b.mint(t, ada)
			}
			if _, err := b.verify(minted.Token, at); err != nil {
				t.Errorf("the app says %v", err)
			}
			if err := b.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if again := b.mint(t, ada); !again.Current(at) {
				t.Error("a new assertion is not current after the jump")
			} else if _, err := b.verify(again.Token, at); err != nil {
				t.Errorf("a new one: %v", err)
			}
		})
	}
}

// What is kept is judged by the time that apps see, which a jump changes, not by
// how long the process has had it.
func TestClockJumpsAreSeen(t *testing.T) {
	at := time.Now() // with a monotonic reading
	minted := newBench(t, new(shelf), &at, nil).mint(t, ada)
	if minted.RenewAt != minted.RenewAt.Round(0) || minted.IssuedAt != minted.IssuedAt.Round(0) {
		t.Errorf("compared by the monotonic clock: %s, %s", minted.IssuedAt, minted.RenewAt)
	}
}
