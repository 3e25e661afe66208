package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

func TestResumeReadsTheStoreOnce(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	for range 5 {
		if live := b.mustResume(t, token); live.ID != opened.ID {
			t.Fatalf("resumed %s, want %s", live.ID, opened.ID)
		}
	}
	if n := b.store.count(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	b.pass(DefaultSettings().CacheTTL)
	b.mustResume(t, token)
	if n := b.store.count(); n != 2 {
		t.Errorf("%d reads after the cache's age, want 2", n)
	}
}

func TestResumeKeepsTheDecodedSessionWhileItIsUnchanged(t *testing.T) {
	b := newBench(t, func(s *Settings) { s.CacheTTL = 0 })
	token, _ := b.open(t, "ada", false)
	first := b.mustResume(t, token)
	built := 0
	for range 3 {
		live := b.mustResume(t, token)
		if live != first {
			t.Fatal("an unchanged session was decoded again")
		}
		live.Memo("key", func() any { built++; return built })
	}
	if built != 1 {
		t.Errorf("the memo was built %d times", built)
	}
	if n := b.store.count(); n != 4 {
		t.Errorf("%d reads with the cache off, want one per request", n)
	}
}

// A page that loads its parts over many connections just after a start asks for
// one session many times at once.
func TestResumeTogetherGivesAllTheSameSession(t *testing.T) {
	b := newBench(t, func(s *Settings) { s.CacheTTL = 0 })
	token, _ := b.open(t, "ada", false)
	lives := make([]*Live, 64)
	var group sync.WaitGroup
	for i := range lives {
		group.Go(func() { lives[i], _ = b.Resume(t.Context(), token) })
	}
	group.Wait()
	for _, live := range lives {
		if live == nil || live != lives[0] {
			t.Fatal("two requests hold different copies of a session")
		}
	}
}

func TestResumeUnknownToken(t *testing.T) {
	b := newBench(t)
	b.mustBeGone(t, NewToken())
}

func TestPlantedTokens(t *testing.T) {
	b := newBench(t)
	hers, _ := b.open(t, "ada", false)
	stranger, _ := b.open(t, "eve", false)
	for name, test := range map[string]struct {
		tokens []Token
		ok     bool
	}{
		"none":               {nil, false},
		"of no session":      {[]Token{NewToken(), hers, NewToken()}, true},
		"twice":              {[]Token{hers, hers}, true},
		"of other sessions":  {[]Token{hers, stranger}, false},
		"the stranger first": {[]Token{stranger, NewToken(), hers}, false},
	} {
		live, err := b.Resume(t.Context(), test.tokens...)
		switch {
		case test.ok && (err != nil || live.Identity.UserID != "ada"):
			t.Errorf("%s: the session is hidden: %v", name, err)
		case !test.ok && !errors.Is(err, authcore.ErrNotFound):
			t.Errorf("%s: %v, want %v", name, err, authcore.ErrNotFound)
		}
	}
	b.store.set(func() { b.store.broken = true })
	if _, err := b.Resume(t.Context(), NewToken(), hers); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("with the store away: %v, want %v", err, authcore.ErrUnavailable)
	}
}

func TestLimits(t *testing.T) {
	d := DefaultSettings()
	for name, test := range map[string]struct {
		remember bool
		step     time.Duration
		steps    int
		gone     bool
	}{
		"idle session":            {step: d.Idle + time.Second, steps: 1, gone: true},
		"session in use":          {step: d.Idle - time.Minute, steps: 5},
		"absolute limit":          {step: d.Idle - time.Minute, steps: 51, gone: true},
		"remembered session":      {remember: true, step: d.Remember - time.Second, steps: 1},
		"remembered session ends": {remember: true, step: d.Remember, steps: 1, gone: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			token, _ := b.open(t, "ada", test.remember)
			var err error
			for range test.steps {
				b.pass(test.step)
				var live *Live
				if live, err = b.Resume(t.Context(), token); err != nil {
					break
				}
				b.Used(live, b.clock(), func() string { return "192.0.2.2" })
				drain(b)
			}
			if gone := errors.Is(err, authcore.ErrNotFound); gone != test.gone {
				t.Errorf("gone: %v (%v), want %v", gone, err, test.gone)
			}
		})
	}
}

// drain writes the touches that wait.
func drain(b *bench) {
	for {
		select {
		case t := <-b.touches:
			b.writeTouch(context.Background(), t)
		default:
			return
		}
	}
}

func TestUseIsNotedOncePerInterval(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	use := func() { b.Used(live, b.clock(), func() string { return "192.0.2.9" }) }
	use()
	b.pass(DefaultSettings().Activity)
	for range 10 {
		use()
	}
	drain(b)
	if n := b.counts.touches.Load(); n != 1 {
		t.Errorf("%d touches, want 1", n)
	}
	list, err := b.List(t.Context(), "ada")
	if err != nil || len(list) != 1 || list[0].Seen.IP != "192.0.2.9" {
		t.Errorf("sessions %v, %v", list, err)
	}
}

func TestRevocationDefeatsAFillUnderWay(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	// The store has answered, but the answer is not in the cache yet.
	b.store.set(func() {
		b.store.afterFind = sync.OnceFunc(func() {
			if err := b.Revoke(context.Background(), "ada", opened.ID); err != nil {
				t.Error(err)
			}
		})
	})
	_, _ = b.Resume(t.Context(), token)
	if b.cache.size() != 0 {
		t.Fatal("a revoked session is in the cache")
	}
	b.mustBeGone(t, token)
}

func TestStoreAway(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	b.mustResume(t, token)
	other, _ := b.open(t, "bob", false)

	b.store.set(func() { b.store.broken = true })
	b.Listener().Down()
	b.passUnlinked(4 * time.Second)
	b.mustResume(t, token)
	if _, err := b.Resume(t.Context(), other); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("a session that is not cached: %v, want unavailable", err)
	}
	b.passUnlinked(time.Second)
	if _, err := b.Resume(t.Context(), token); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("after the staleness bound: %v, want unavailable", err)
	}

	b.store.set(func() { b.store.broken = false })
	b.linkUp(t)
	b.mustResume(t, token)
}

func TestStrictRefusesAtOnce(t *testing.T) {
	b := newBench(t, func(s *Settings) { s.MaxStaleness = 0 })
	token, _ := b.open(t, "ada", false)
	b.mustResume(t, token)
	b.store.set(func() { b.store.broken = true })
	b.Listener().Down()
	if _, err := b.Resume(t.Context(), token); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("%v, want unavailable", err)
	}
}

func TestLinkDownReadsEveryTime(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	b.mustResume(t, token)
	for name, lose := range map[string]func(){
		"down":   func() { b.Listener().Down() },
		"silent": func() { b.passUnlinked(beatWindow + time.Millisecond) },
	} {
		b.linkUp(t)
		b.mustResume(t, token)
		before := b.store.count()
		lose()
		b.mustResume(t, token)
		b.mustResume(t, token)
		if n := b.store.count() - before; n != 2 {
			t.Errorf("link %s: %d reads for two requests", name, n)
		}
	}
}

func TestMissedRevocationIsFoundWhenTheLinkIsBack(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	b.Listener().Down()
	b.store.set(func() { delete(b.store.records, live.Hash) }) // by another node
	b.linkUp(t)
	b.mustBeGone(t, token)
}

func TestFailOverToAnOlderState(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	record := *b.store.records[live.Hash]
	if err := b.Revoke(t.Context(), "ada", opened.ID); err != nil {
		t.Fatal(err)
	}
	b.Listener().Down()
	b.store.set(func() { b.store.records[live.Hash] = &record }) // the replica had not heard of it
	b.mustBeGone(t, token)

	b.log.broken = true
	if _, err := b.Resume(t.Context(), token); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("without the log: %v, want unavailable", err)
	}
	b.log.broken = false
	b.linkUp(t)
	if b.store.records[live.Hash] != nil {
		t.Error("the revoked session is still in the store")
	}
	b.mustBeGone(t, token)
}

// TestRevocationsDoNotHangOnClocks: a session that a node whose clock is ahead has opened
// before the account was disabled ends with it.
func TestRevocationsDoNotHangOnClocks(t *testing.T) {
	b := newBench(t)
	open := func(epoch int64) (Token, *Session) {
		token, s, err := b.Open(t.Context(), Grant{Identity: authcore.Identity{UserID: "ada"}, AuthEpoch: epoch}, func(context.Context, *Session) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return token, s
	}
	disabled := b.now()
	b.pass(5 * time.Minute)
	ahead, _ := open(3)
	again, _ := open(4)
	if err := b.RevokeBefore(t.Context(), "ada", "", disabled, 4); err != nil {
		t.Fatal(err)
	}
	b.mustBeGone(t, ahead)
	b.mustResume(t, again)
}

// TestManyRevocationsAreReplayed: user by user, not one by one.
func TestManyRevocationsAreReplayed(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "user-7", false)
	live := b.mustResume(t, token)
	const users, each = 200, 500
	for u := range users {
		for range each {
			b.log.list = append(b.log.list, Revocation{Hash: NewToken().Hash(), UserID: fmt.Sprint("user-", u), At: b.now(), ExpiresAt: b.now().Add(time.Hour)})
		}
	}
	b.log.list = append(b.log.list, Revocation{UserID: "user-7", At: opened.CreatedAt, ExpiresAt: b.now().Add(time.Hour)})
	b.Listener().Down()
	b.linkUp(t)
	if b.store.deletes > users+1 || b.store.records[live.Hash] != nil {
		t.Errorf("%d deletions for %d users, and the session %v", b.store.deletes, users, b.store.records[live.Hash])
	}
}

func TestCoalescedReads(t *testing.T) {
	b := newBench(t, func(s *Settings) { s.CacheTTL = 0 })
	token, _ := b.open(t, "ada", false)
	gate := make(chan struct{})
	b.store.set(func() { b.store.afterFind = func() { <-gate } })
	const requests = 50
	var done sync.WaitGroup
	for range requests {
		done.Go(func() {
			if _, err := b.Resume(context.Background(), token); err != nil {
				t.Error(err)
			}
		})
	}
	for b.counts.reads.Load() < requests {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // the last ones join the waiting batch
	close(gate)
	done.Wait()
	if n := b.store.count(); n > batchesInFlight+2 {
		t.Errorf("%d store reads for %d concurrent requests", n, requests)
	}
}
