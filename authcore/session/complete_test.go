package session

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// half opens a pending session.
func half(t *testing.T, m *bench, remember bool) *Live {
	t.Helper()
	grant := Grant{Identity: authcore.Identity{UserID: "u", Pending: true}, Remember: remember}
	token, _, err := m.Open(t.Context(), grant, func(context.Context, *Session) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	live, err := m.Resume(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return live
}

func TestPendingSessionsAreShort(t *testing.T) {
	for _, remember := range []bool{false, true} {
		m := newBench(t)
		live := half(t, m, remember)
		if life := live.ExpiresAt.Sub(m.now()); life != 5*time.Minute || live.Idle != 0 {
			t.Errorf("remembered %v: it lives for %s", remember, life)
		}
		m.pass(5 * time.Minute)
		if _, _, err := m.Complete(t.Context(), live, func(*Session) {}); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("remembered %v: completed too late: %v", remember, err)
		}
	}
}

func TestComplete(t *testing.T) {
	for _, remember := range []bool{false, true} {
		m := newBench(t)
		live := half(t, m, remember)
		m.pass(time.Minute)
		token, whole, err := m.Complete(t.Context(), live, func(next *Session) { next.Identity.Name = "Ada" })
		if err != nil {
			t.Fatal(err)
		}
		if whole.Identity.Pending || whole.Identity.Name != "Ada" || whole.ID != live.ID || !whole.CreatedAt.Equal(m.now()) {
			t.Errorf("%+v", whole)
		}
		life, idle := 24*time.Hour, 30*time.Minute
		if remember {
			life, idle = 60*24*time.Hour, 0
		}
		if whole.ExpiresAt.Sub(m.now()) != life || whole.Idle != idle {
			t.Errorf("remembered %v: it lives until %s, idle %s", remember, whole.ExpiresAt, whole.Idle)
		}
		if again, err := m.Resume(t.Context(), token); err != nil || again.Identity.Pending {
			t.Errorf("resumed: %v", err)
		}
	}
}

func TestCompleteOnce(t *testing.T) {
	m := newBench(t)
	live := half(t, m, false)
	var group sync.WaitGroup
	var passed atomic.Int64
	for range 50 {
		group.Go(func() {
			if _, _, err := m.Complete(context.Background(), live, func(*Session) {}); err == nil {
				passed.Add(1)
			} else if !errors.Is(err, authcore.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d of 50 completed it", passed.Load())
	}
}

// TestCompleteOnceThoughItChanges changes the pending session between the two who
// complete it.
func TestCompleteOnceThoughItChanges(t *testing.T) {
	m := newBench(t)
	live := half(t, m, false)
	describe := func(id authcore.Identity) authcore.Identity { id.Name = "Ada"; return id }
	if err := m.rewrite(t, "u", describe); err != nil {
		t.Fatal(err)
	}
	raced := false
	_, _, err := m.Complete(t.Context(), live, func(*Session) {
		if !raced {
			raced = true
			if _, whole, err := m.Complete(t.Context(), live, func(*Session) {}); err != nil || whole.Identity.Name != "Ada" {
				t.Errorf("%+v, %v", whole, err)
			}
		}
	})
	if !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("completed twice: %v", err)
	}
	if len(m.store.records) != 1 {
		t.Errorf("%d sessions came of one", len(m.store.records))
	}
}
