package session

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
)

// rewrite applies a change to the sessions of a user.
func (b *bench) rewrite(t *testing.T, userID string, change Change) error {
	t.Helper()
	_, err := b.Rewrite(t.Context(), userID, func(context.Context) (Change, error) { return change, nil })
	return err
}

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
	if err := b.rewrite(t, "ada", rename); err != nil {
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
	if err := b.rewrite(t, "ada", rename); err != nil {
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
	if err := b.rewrite(t, "ada", rename); err != nil {
		t.Fatal(err)
	}
	if live := b.mustResume(t, token); live.Identity.Name != "Countess" || tries != 3 {
		t.Errorf("%q after %d tries", live.Identity.Name, tries)
	}
	tries = -100
	if err := b.rewrite(t, "ada", func(id authcore.Identity) authcore.Identity {
		id.Name = "Ada"
		return rename(id).Describe(authcore.User{ID: "ada", Name: "Ada"})
	}); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("sessions that never rest: %v", err)
	}
}

func TestRewriteTellsWhatHasChanged(t *testing.T) {
	b := newBench(t)
	b.open(t, "ada", false)
	b.open(t, "ada", false)
	done, err := b.Rewrite(t.Context(), "ada", func(context.Context) (Change, error) {
		return func(id authcore.Identity) authcore.Identity { id.Role = "admin"; return id }, nil
	})
	if err != nil || len(done) != 2 || done[0].Before.Role != "" || done[0].After.Role != "admin" || done[0].After.SessionID == done[1].After.SessionID {
		t.Errorf("%+v, %v", done, err)
	}
	asked := false
	done, err = b.Rewrite(t.Context(), "nobody", func(context.Context) (Change, error) { asked = true; return nil, errBroken })
	if err != nil || asked || done != nil {
		t.Errorf("without sessions: asked %v, %v, %v", asked, done, err)
	}
	if _, err := b.Rewrite(t.Context(), "ada", func(context.Context) (Change, error) { return nil, errBroken }); !errors.Is(err, errBroken) {
		t.Errorf("%v, want the error of the source", err)
	}
}

// TestOlderStateLoses lets a refresh pause between its read of the account and its
// write, while the account changes there and back.
func TestOlderStateLoses(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	role, paused := "member", false
	var current func(context.Context) (Change, error)
	current = func(ctx context.Context) (Change, error) {
		read := role
		if !paused {
			paused = true
			for _, role = range []string{"owner", "member", ""} { // "" is what the session says now
				if _, err := b.Rewrite(ctx, "ada", current); err != nil {
					t.Error(err)
				}
			}
		}
		return func(id authcore.Identity) authcore.Identity { id.Role = read; return id }, nil
	}
	if _, err := b.Rewrite(t.Context(), "ada", current); err != nil {
		t.Fatal(err)
	}
	if live := b.mustResume(t, token); live.Identity.Role != "" {
		t.Errorf("the session says %q, the account says nothing", live.Identity.Role)
	}
}

// TestRewritesConverge changes an account and the choice of a session from many
// sides at once: the sessions end up with the newest.
func TestRewritesConverge(t *testing.T) {
	b := newBench(t)
	tokens := make([]Token, 3)
	for i := range tokens {
		tokens[i], _ = b.open(t, "ada", false)
	}
	var version atomic.Int64
	current := func(context.Context) (Change, error) {
		read := strconv.FormatInt(version.Load(), 10)
		return func(id authcore.Identity) authcore.Identity { id.Role = read; return id }, nil
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 20 {
				version.Add(1)
				for {
					if _, err := b.Rewrite(context.Background(), "ada", current); err == nil {
						break
					} else if !errors.Is(err, authcore.ErrUnavailable) {
						t.Error(err)
						return
					}
				}
			}
		})
		all.Go(func() {
			live, err := b.Resume(context.Background(), tokens[i%len(tokens)])
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				_, err := b.Amend(context.Background(), live, func(id authcore.Identity) authcore.Identity { id.Org.Slug += "x"; return id })
				if err != nil && !errors.Is(err, authcore.ErrUnavailable) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, token := range tokens {
		if live := b.mustResume(t, token); live.Identity.Role != "320" || live.Identity.Org.Slug == "" {
			t.Errorf("a session says %q in %q", live.Identity.Role, live.Identity.Org.Slug)
		}
	}
}

func TestAmend(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	other, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	into := func(id authcore.Identity) authcore.Identity { id.Org = authcore.Org{ID: "1", Slug: "acme"}; return id }
	id, err := b.Amend(t.Context(), live, into)
	if err != nil || id.Org.Slug != "acme" || id.UserID != "ada" {
		t.Fatalf("%+v, %v", id, err)
	}
	if now := b.mustResume(t, token); now.Identity.Org.Slug != "acme" || live.Identity.Org.Slug != "" {
		t.Errorf("the session acts in %q, requests under way in %q", now.Identity.Org.Slug, live.Identity.Org.Slug)
	}
	if now := b.mustResume(t, other); now.Identity.Org.Slug != "" {
		t.Errorf("another session acts in %q", now.Identity.Org.Slug)
	}
	writes := b.mustResume(t, token).Rewrites
	if _, err := b.Amend(t.Context(), live, into); err != nil || b.mustResume(t, token).Rewrites != writes {
		t.Errorf("a choice that changes nothing was written: %v", err)
	}
	if _, _, err := b.Rotate(t.Context(), live, func(*Session) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Amend(t.Context(), live, into); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("by the old token: %v, want not found", err)
	}
	b.store.set(func() { b.store.records[live.Hash] = &Record{Data: []byte("{")} })
	if _, err := b.Amend(t.Context(), live, into); err == nil {
		t.Error("a session that cannot be read was amended")
	}
}

func TestAmendTriesAgain(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	tries, slug := 0, "acme"
	choose := func(id authcore.Identity) authcore.Identity {
		if tries++; tries < 3 {
			if err := b.rewrite(t, "ada", func(id authcore.Identity) authcore.Identity { id.Name += "a"; return id }); err != nil {
				t.Error(err)
			}
		}
		id.Org.Slug = slug
		return id
	}
	if id, err := b.Amend(t.Context(), live, choose); err != nil || id.Name != "aa" || id.Org.Slug != "acme" || tries != 3 {
		t.Errorf("%+v after %d tries, %v", id, tries, err)
	}
	tries, slug = -100, "initech"
	if _, err := b.Amend(t.Context(), live, choose); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("a session that never rests: %v", err)
	}
	if err := b.Revoke(t.Context(), "ada", live.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Amend(t.Context(), live, choose); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("after its end: %v", err)
	}
}
