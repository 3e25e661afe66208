package session

import (
	"errors"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
)

func TestRewriteChangesEverySessionOfTheUser(t *testing.T) {
	b := newBench(t)
	first, _ := b.open(t, "ada", false)
	second, _ := b.open(t, "ada", true)
	foreign, _ := b.open(t, "bob", false)
	for _, token := range []Token{first, second, foreign} {
		b.mustResume(t, token) // into the cache
	}
	rename := func(id authcore.Identity) authcore.Identity {
		id.Name = "Countess"
		return id
	}
	if err := b.Rewrite(t.Context(), "ada", rename); err != nil {
		t.Fatal(err)
	}
	for _, token := range []Token{first, second} {
		if live := b.mustResume(t, token); live.Identity.Name != "Countess" || live.Identity.UserID != "ada" {
			t.Errorf("the session says %+v", live.Identity)
		}
	}
	if live := b.mustResume(t, foreign); live.Identity.Name != "" {
		t.Errorf("somebody else is %q", live.Identity.Name)
	}
	reads := b.store.count()
	if err := b.Rewrite(t.Context(), "ada", rename); err != nil {
		t.Fatal(err)
	}
	b.mustResume(t, first)
	if b.store.count() != reads {
		t.Error("a change that changes nothing threw the cache away")
	}
}

func TestRewriteTriesAgainWhenASessionChanges(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	tries := 0
	rename := func(id authcore.Identity) authcore.Identity {
		if tries++; tries < 3 { // somebody else is faster
			for h, r := range b.store.records {
				changed := *r
				changed.Data = append([]byte(" "), r.Data...)
				b.store.records[h] = &changed
			}
		}
		id.Name = "Countess"
		return id
	}
	if err := b.Rewrite(t.Context(), "ada", rename); err != nil {
		t.Fatal(err)
	}
	if live := b.mustResume(t, token); live.Identity.Name != "Countess" || tries != 3 {
		t.Errorf("%q after %d tries", live.Identity.Name, tries)
	}
	tries = -100
	if err := b.Rewrite(t.Context(), "ada", func(id authcore.Identity) authcore.Identity {
		id.Name = "Ada"
		return rename(id).Describe(authcore.User{ID: "ada", Name: "Ada"})
	}); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("sessions that never rest: %v", err)
	}
}
