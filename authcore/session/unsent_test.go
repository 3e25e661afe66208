package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// wire is a Bus to one other node, which can be cut.
type wire struct {
	to   Listener
	cut  bool
	sent int
}

func (w *wire) Publish(_ context.Context, payload []byte) error {
	if w.cut {
		return authcore.ErrUnavailable
	}
	w.sent++
	w.to.Receive(payload)
	return nil
}

func (w *wire) Listen(context.Context, Listener) {}

// pair returns two nodes that share their store and the wire from here to there.
func pair(t *testing.T) (here, there *bench, w *wire) {
	t.Helper()
	here, there = newBench(t), newBench(t)
	there.Manager.store, there.Manager.loader.store, there.log = here.store, here.store, here.log
	w = &wire{to: there.Listener()}
	here.Manager.bus = w
	return here, there, w
}

func promote(id authcore.Identity) authcore.Identity { id.Role = "admin"; return id }

// endingCalls end or change the sessions of ada, or the one given.
var endingCalls = map[string]func(b *bench, live *Live) error{
	"revoke": func(b *bench, live *Live) error {
		if err := b.Revoke(context.Background(), "ada", live.ID); !errors.Is(err, authcore.ErrNotFound) {
			return err
		}
		return nil
	},
	"revoke all": func(b *bench, _ *Live) error {
		_, err := b.RevokeAll(context.Background(), "ada", "")
		return err
	},
	"revoke before": func(b *bench, _ *Live) error {
		return b.RevokeBefore(context.Background(), "ada", "", b.now(), 1)
	},
	"rewrite": func(b *bench, _ *Live) error {
		_, err := b.Rewrite(context.Background(), "ada", func(context.Context) (Change, error) { return promote, nil })
		return err
	},
	"amend": func(b *bench, live *Live) error {
		_, err := b.Amend(context.Background(), live, promote)
		return err
	},
}

// TestRepeatTellsOtherNodes repeats calls that were done but for telling other nodes:
// there is nothing left to do, and yet something to tell.
func TestRepeatTellsOtherNodes(t *testing.T) {
	for name, call := range endingCalls {
		t.Run(name, func(t *testing.T) {
			here, there, w := pair(t)
			token, _ := here.open(t, "ada", false)
			live := there.mustResume(t, token)
			w.cut = true
			for range 2 {
				if err := call(here, live); !errors.Is(err, authcore.ErrUnavailable) {
					t.Fatalf("%v, want unavailable", err)
				}
			}
			w.cut = false
			if err := call(here, live); err != nil {
				t.Fatal(err)
			}
			if again, err := there.Resume(t.Context(), token); err == nil && again.Identity.Role == "" {
				t.Error("another node serves the session as it was")
			}
			if err := call(here, live); err != nil || w.sent != 1 {
				t.Errorf("%d messages, want 1, %v", w.sent, err)
			}
		})
	}
}

// answerless is a store that does what it is asked to, and cannot say so.
type answerless struct{ *memory }

func (s answerless) Delete(ctx context.Context, userID string, hashes ...Hash) error {
	return errors.Join(authcore.ErrUnavailable, s.memory.Delete(ctx, userID, hashes...))
}

func (s answerless) Rewrite(ctx context.Context, h Hash, old, new []byte) error {
	return errors.Join(authcore.ErrUnavailable, s.memory.Rewrite(ctx, h, old, new))
}

// TestWhatMayBeDoneIsTold: the store has done it, but its answer was lost.
func TestWhatMayBeDoneIsTold(t *testing.T) {
	for name, call := range endingCalls {
		t.Run(name, func(t *testing.T) {
			here, there, _ := pair(t)
			token, _ := here.open(t, "ada", false)
			live := there.mustResume(t, token)
			here.Manager.store = answerless{here.store}
			if err := call(here, live); !errors.Is(err, authcore.ErrUnavailable) {
				t.Fatalf("%v, want unavailable", err)
			}
			if err := call(here, live); err != nil {
				t.Fatal(err)
			}
			if again, err := there.Resume(t.Context(), token); err == nil && again.Identity.Role == "" {
				t.Error("another node serves the session as it was")
			}
		})
	}
}

// TestUnsentMessagesAreSentAgain with the next message, whomever that is about, and
// by Run.
func TestUnsentMessagesAreSentAgain(t *testing.T) {
	ways := map[string]func(t *testing.T, b *bench){
		"with the next": func(t *testing.T, b *bench) {
			b.open(t, "bob", false)
			if _, err := b.RevokeAll(t.Context(), "bob", ""); err != nil {
				t.Error(err)
			}
		},
		"by and by": func(t *testing.T, b *bench) { b.resend(t.Context()) },
	}
	for name, again := range ways {
		t.Run(name, func(t *testing.T) {
			here, there, w := pair(t)
			token, _ := here.open(t, "ada", false)
			there.mustResume(t, token)
			w.cut = true
			if _, err := here.RevokeAll(t.Context(), "ada", ""); err == nil {
				t.Fatal("another node was not told, and nobody says so")
			}
			if _, err := here.RevokeAll(t.Context(), "carol", ""); err != nil {
				t.Errorf("a user of whom there is nothing to tell: %v", err)
			}
			w.cut = false
			again(t, here)
			there.mustBeGone(t, token)
			here.resend(t.Context())
			if w.sent != 1 {
				t.Errorf("%d messages, want 1", w.sent)
			}
		})
	}
}

// TestRunSendsAgain waits for a tick.
func TestRunSendsAgain(t *testing.T) {
	here, there, w := pair(t)
	token, _ := here.open(t, "ada", false)
	there.mustResume(t, token)
	w.cut = true
	if _, err := here.RevokeAll(t.Context(), "ada", ""); err == nil {
		t.Fatal("another node was not told, and nobody says so")
	}
	w.cut = false
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	here.Run(ctx)
	there.mustBeGone(t, token)
}

// TestTooManyUnsent makes other nodes trust nothing, for want of the details.
func TestTooManyUnsent(t *testing.T) {
	here, there, w := pair(t)
	w.cut = true
	var tokens []Token
	for i := range maxUnsent + 1 {
		user := fmt.Sprint("user", i)
		token, _ := here.open(t, user, false)
		there.mustResume(t, token)
		if _, err := here.RevokeAll(t.Context(), user, ""); err == nil {
			t.Fatal("another node was not told, and nobody says so")
		}
		tokens = append(tokens, token)
	}
	if n := len(here.unsent.list); n != 1 {
		t.Errorf("%d messages are kept, want 1", n)
	}
	if _, err := here.RevokeAll(t.Context(), "user0", ""); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("%v, want unavailable", err)
	}
	w.cut = false
	if _, err := here.RevokeAll(t.Context(), "user0", ""); err != nil {
		t.Fatal(err)
	}
	for _, token := range tokens {
		there.mustBeGone(t, token)
	}
	if here.unsent.concerns("user0") {
		t.Error("it is owed still")
	}
}

// TestRepeatWaitsForTheFirst: who repeats a call while the first is still telling
// other nodes learns only from their answer that they know.
func TestRepeatWaitsForTheFirst(t *testing.T) {
	here, there, w := pair(t)
	token, _ := here.open(t, "ada", false)
	there.mustResume(t, token)
	w.cut = true
	first := here.unsent.begin("ada", &message{Revoked: []sessionRef{{Hash: token.Hash()}}})
	if _, err := here.RevokeAll(t.Context(), "nobody", ""); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if err := here.told(t.Context(), "ada"); err == nil {
		t.Error("no other node has answered")
	}
	w.cut = false
	if err := here.told(t.Context(), "ada"); err != nil {
		t.Error(err)
	}
	here.unsent.end(first, errBroken)
	if len(here.unsent.list) != 0 {
		t.Error("what was told by the second is owed still")
	}
}
