package session

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// watched is a response writer that notes how often its deadlines were passed.
type watched struct {
	*httptest.ResponseRecorder
	mu    sync.Mutex
	times int
}

func (w *watched) SetReadDeadline(time.Time) error { return nil }

func (w *watched) SetWriteDeadline(time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times++
	return nil
}

func (w *watched) closed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times > 0
}

// track opens a stream of a session as it is now.
func (b *bench) track(t *testing.T, token Token) (*Stream, *watched) {
	t.Helper()
	w := &watched{ResponseRecorder: httptest.NewRecorder()}
	return b.mustTrack(t, b.mustResume(t, token), w), w
}

// member makes a session of a member of two organizations, who acts in the first.
func (b *bench) member(t *testing.T) Token {
	t.Helper()
	token, _ := b.open(t, "ada", false)
	if err := b.rewrite(t, "ada", func(id authcore.Identity) authcore.Identity {
		id.Email, id.EmailVerified, id.Role = "ada@example.com", true, "admin"
		id.Orgs = []authcore.Org{{ID: "1", Slug: "acme", Name: "Acme", Role: "owner"}, {ID: "2", Slug: "initech", Role: "member"}}
		id.Org = id.Orgs[0]
		return id
	}); err != nil {
		t.Fatal(err)
	}
	return token
}

// orgs changes a copy of the organizations of an identity.
func orgs(id authcore.Identity, change func(orgs []authcore.Org) []authcore.Org) authcore.Identity {
	id.Orgs = change(append([]authcore.Org(nil), id.Orgs...))
	return id
}

func TestStreamsEndWithTheRightsTheyWereOpenedBy(t *testing.T) {
	type all = []authcore.Org
	for name, test := range map[string]struct {
		change Change
		ends   bool
	}{
		"platform role": {func(id authcore.Identity) authcore.Identity { id.Role = ""; return id }, true},
		"address":       {func(id authcore.Identity) authcore.Identity { id.Email = "countess@example.com"; return id }, true},
		"unproven":      {func(id authcore.Identity) authcore.Identity { id.EmailVerified = false; return id }, true},
		"held":          {func(id authcore.Identity) authcore.Identity { id.Held = authcore.HoldConfirm; return id }, true},
		"left an organization": {func(id authcore.Identity) authcore.Identity {
			return orgs(id, func(o all) all { return o[1:] })
		}, true},
		"joined one": {func(id authcore.Identity) authcore.Identity {
			return orgs(id, func(o all) all { return append(o, authcore.Org{ID: "3", Slug: "umbrella"}) })
		}, true},
		"role in one": {func(id authcore.Identity) authcore.Identity {
			return orgs(id, func(o all) all { o[0].Role = "member"; return o })
		}, true},
		"slug of one": {func(id authcore.Identity) authcore.Identity {
			return orgs(id, func(o all) all { o[0].Slug = "acme-inc"; return o })
		}, true},
		"one asks for more": {func(id authcore.Identity) authcore.Identity {
			return orgs(id, func(o all) all { o[0].Rules.Methods = []authcore.FactorKind{authcore.FactorPasskey}; return o })
		}, true},
		"name":     {func(id authcore.Identity) authcore.Identity { id.Name = "Countess"; return id }, false},
		"language": {func(id authcore.Identity) authcore.Identity { id.Language = "de"; return id }, false},
		"profile":  {func(id authcore.Identity) authcore.Identity { id.Profile = map[string]string{"team": "a"}; return id }, false},
		"name of an organization": {func(id authcore.Identity) authcore.Identity {
			id = orgs(id, func(o all) all { o[0].Name = "Acme Inc"; return o })
			id.Org = id.Orgs[0]
			return id
		}, false},
		"own choice": {func(id authcore.Identity) authcore.Identity { return id.In("initech") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				token := b.member(t)
				st, w := b.track(t, token)
				if err := b.rewrite(t, "ada", test.change); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if w.closed() != test.ends {
					t.Errorf("closed within a second: %v, want %v", w.closed(), test.ends)
				}
				if st.Done() != test.ends {
					t.Errorf("it may keep its connection: %v", test.ends)
				}
			})
		})
	}
}

func demote(id authcore.Identity) authcore.Identity { id.Role = ""; return id }

func TestLaterStreamsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		token := b.member(t)
		_, before := b.track(t, token)
		if err := b.rewrite(t, "ada", demote); err != nil {
			t.Fatal(err)
		}
		later, after := b.track(t, token)
		time.Sleep(5 * time.Second) // longer than the repeats
		synctest.Wait()
		if !before.closed() || before.times < 2 {
			t.Errorf("the earlier stream was closed %d times, and is still there", before.times)
		}
		if after.closed() || later.Done() {
			t.Error("a stream that was opened after the change was closed too")
		}
	})
}

func TestRequestsThatAreOverSoonFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		token := b.member(t)
		st, w := b.track(t, token)
		if err := b.rewrite(t, "ada", demote); err != nil {
			t.Fatal(err)
		}
		time.Sleep(settleTime / 2)
		if st.Done() || w.closed() {
			t.Error("a request was cut that ended by itself")
		}
	})
}

func TestRevocationDoesNotWaitForAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		token := b.member(t)
		_, w := b.track(t, token)
		if err := b.rewrite(t, "ada", demote); err != nil {
			t.Fatal(err)
		}
		if _, err := b.RevokeAll(t.Context(), "ada", ""); err != nil {
			t.Fatal(err)
		}
		if !w.closed() {
			t.Error("a stream of a session that has ended is open")
		}
	})
}

// A step-up that carries a demotion into the session must end what the session was
// let through for, or nothing would: the refresh that follows finds no difference.
func TestRotationThatTakesRightsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		token := b.member(t)
		_, w := b.track(t, token)
		next, _, err := b.Rotate(t.Context(), b.mustResume(t, token), func(s *Session) { s.Identity = demote(s.Identity) })
		if err != nil {
			t.Fatal(err)
		}
		_, after := b.track(t, next)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !w.closed() || after.closed() {
			t.Errorf("closed: before %v, after %v", w.closed(), after.closed())
		}
	})
}

// toNode passes what one node publishes to another.
type toNode struct {
	silent
	to **Manager
}

func (l toNode) Publish(_ context.Context, payload []byte) error {
	(*l.to).Listener().Receive(payload)
	return nil
}

func TestStreamsEndOnOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		token := b.member(t)
		_, w := b.track(t, token)
		other := New(Options{
			Store: b.store, Bus: toNode{to: &b.Manager}, Log: b.log, Settings: DefaultSettings(), Clock: b.clock, Logger: slog.New(slog.DiscardHandler),
		})
		rename := func(id authcore.Identity) authcore.Identity { id.Name = "Countess"; return id }
		for _, change := range []Change{rename, demote} {
			if w.closed() {
				t.Fatal("another name closed a stream")
			}
			if _, err := other.Rewrite(t.Context(), "ada", func(context.Context) (Change, error) { return change, nil }); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if !w.closed() {
			t.Error("the stream is open")
		}
		if live := b.mustResume(t, token); live.Identity.Role != "" || live.Identity.Name != "Countess" {
			t.Errorf("the next request carries %+v", live.Identity)
		}
	})
}

// A node that has missed the message finds the change by its regular check.
func TestChangeThatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		token := b.member(t)
		_, w := b.track(t, token)
		deaf := New(Options{Store: b.store, Bus: silent{}, Settings: DefaultSettings(), Clock: b.clock, Logger: slog.New(slog.DiscardHandler)})
		rename := func(id authcore.Identity) authcore.Identity { id.Name = "Countess"; return id }
		for _, change := range []Change{rename, demote} {
			if w.closed() {
				t.Fatal("another name closed a stream")
			}
			if _, err := deaf.Rewrite(t.Context(), "ada", func(context.Context) (Change, error) { return change, nil }); err != nil {
				t.Fatal(err)
			}
			b.checkStreams(t.Context())
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if !w.closed() {
			t.Error("the stream is open")
		}
	})
}
