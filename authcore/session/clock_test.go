package session

import (
	"testing"
	"time"
)

// The clock is set forward or back by minutes, and again: nobody is signed out
// who is in time, and nobody is signed in again.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		t.Run(jump.String(), func(t *testing.T) {
			b := newBench(t)
			stays, opened := b.open(t, "ada", false)
			ended, other := b.open(t, "ada", false)
			b.mustResume(t, stays)
			b.mustResume(t, ended)
			if err := b.Revoke(t.Context(), "ada", other.ID); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				b.pass(jump)
				jump = -jump
				if live := b.mustResume(t, stays); live.ID != opened.ID || live.Identity.UserID != "ada" {
					t.Errorf("resumed %s of %s", live.ID, live.Identity.UserID)
				}
				b.mustBeGone(t, ended)
				late, _ := b.open(t, "bob", false)
				b.mustResume(t, late)
				b.linkUp(t) // which replays the revocations
				b.mustResume(t, stays)
				b.mustResume(t, late)
				b.mustBeGone(t, ended)
			}
			n, err := b.RevokeAll(t.Context(), "ada", "")
			if err != nil || n != 1 {
				t.Fatalf("%d sessions, %v", n, err)
			}
			b.pass(jump)
			b.mustBeGone(t, stays)
			b.passUnlinked(DefaultSettings().Idle + 6*time.Minute)
			b.linkUp(t)
			b.mustBeGone(t, stays)
		})
	}
}
