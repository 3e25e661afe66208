package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
)

// restore puts the session store back to a state that it had, as a fail-over to a
// replica that lagged does, and connects again.
func (b *bench) restore(t *testing.T, state map[Hash]Record) {
	t.Helper()
	b.Listener().Down()
	b.store.set(func() {
		clear(b.store.records)
		for h, r := range state {
			b.store.records[h] = &r
		}
	})
	b.linkUp(t)
}

// state returns what the session store holds.
func (b *bench) state() map[Hash]Record {
	state := make(map[Hash]Record)
	b.store.set(func() {
		for h, r := range maps.All(b.store.records) {
			state[h] = *r
		}
	})
	return state
}

func (b *bench) setRole(t *testing.T, userID, role string) {
	t.Helper()
	if err := b.rewrite(t, userID, func(id authcore.Identity) authcore.Identity { id.Role = role; return id }); err != nil {
		t.Fatal(err)
	}
}

// TestLostRightsStayLost: what an account has lost does not come back with an older
// state of the session store.
func TestLostRightsStayLost(t *testing.T) {
	b := newBench(t)
	b.RefreshWith(func(_ context.Context, userID string) error {
		if userID == "gone" {
			return authcore.ErrNotFound
		}
		b.setRole(t, userID, "")
		return nil
	})
	token, _ := b.open(t, "ada", true)
	b.open(t, "gone", true)
	b.setRole(t, "ada", "admin")
	b.setRole(t, "gone", "admin")
	before := b.state()
	b.setRole(t, "ada", "")
	b.restore(t, before)
	if role := b.mustResume(t, token).Identity.Role; role != "" {
		t.Errorf("the user is %q again", role)
	}
}

func TestTheLinkIsNotTrustedBeforeRightsAreRefreshed(t *testing.T) {
	b := newBench(t)
	fails := errBroken
	b.RefreshWith(func(context.Context, string) error { return fails })
	b.open(t, "ada", true)
	b.setRole(t, "ada", "admin")
	b.Listener().Down()
	b.link.up(b.clock())
	if b.reconcile(t.Context()); b.link.trusted.Load() {
		t.Error("trusted, though the accounts could not be read")
	}
	fails = nil
	if b.reconcile(t.Context()); !b.link.trusted.Load() {
		t.Error("not trusted when they can")
	}
}

// TestReplayGoesThroughALongLog ends what is back of more notes than are read at once,
// and nothing else: neither the session that a noted one was rotated to, nor others.
func TestReplayGoesThroughALongLog(t *testing.T) {
	b := newBench(t)
	var ended []Token
	ids := map[Token]string{}
	for range 40 {
		token, s := b.open(t, "ada", false)
		ended, ids[token] = append(ended, token), s.ID
	}
	all, _ := b.open(t, "bob", false)
	rotated, _ := b.open(t, "ada", false)
	next, _, err := b.Rotate(t.Context(), b.mustResume(t, rotated), func(*Session) {})
	if err != nil {
		t.Fatal(err)
	}
	before := b.state()
	for _, token := range ended {
		if err := b.Revoke(t.Context(), "ada", ids[token]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range replayPage + 7 {
		user := fmt.Sprint("other ", i)
		if err := b.log.Record(t.Context(), Revocation{Hash: NewToken().Hash(), UserID: user, At: b.clock(), ExpiresAt: b.clock().Add(DefaultSettings().Remember)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.RevokeAll(t.Context(), "bob", ""); err != nil {
		t.Fatal(err)
	}
	b.restore(t, before)
	for _, token := range append(ended, all) {
		b.mustBeGone(t, token)
	}
	if _, err := b.Resume(t.Context(), next); errors.Is(err, authcore.ErrNotFound) {
		t.Error("the session that was rotated is gone")
	}
}
