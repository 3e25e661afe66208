package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// memory is a Store whose reads can be counted, held up and made to fail,
// which no real server does on command. The real stores run the conformance
// suite in storage/storetest.
type memory struct {
	mu      sync.Mutex
	records map[Hash]*Record
	reads   int
	deletes int
	broken  bool
	// afterFind runs outside of the lock with the answer already taken.
	afterFind func()
}

var errBroken = errors.New("broken")

func newMemory() *memory { return &memory{records: make(map[Hash]*Record)} }

func (m *memory) Find(_ context.Context, hashes []Hash) ([]*Record, error) {
	m.mu.Lock()
	m.reads++
	found := make([]*Record, len(hashes))
	for i, h := range hashes {
		if r := m.records[h]; r != nil {
			copied := *r
			found[i] = &copied
		}
	}
	broken, after := m.broken, m.afterFind
	m.mu.Unlock()
	if after != nil {
		after()
	}
	if broken {
		return nil, errBroken
	}
	return found, nil
}

func (m *memory) Create(_ context.Context, h Hash, r *Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[h] = r
	return nil
}

func (m *memory) Replace(_ context.Context, old, next Hash, data []byte, r *Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch found := m.records[old]; {
	case found == nil:
		return authcore.ErrNotFound
	case !bytes.Equal(found.Data, data):
		return authcore.ErrConflict
	}
	delete(m.records, old)
	m.records[next] = r
	return nil
}

func (m *memory) Rewrite(_ context.Context, h Hash, old, new []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[h]
	if r == nil || !bytes.Equal(r.Data, old) {
		return authcore.ErrConflict
	}
	changed := *r
	changed.Data = new
	m.records[h] = &changed
	return nil
}

func (m *memory) Touch(_ context.Context, h Hash, seen Seen) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.records[h]; r != nil {
		r.Seen = seen
	}
	return nil
}

func (m *memory) Delete(_ context.Context, _ string, hashes ...Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deletes++
	for _, h := range hashes {
		delete(m.records, h)
	}
	return nil
}

func (m *memory) OfUser(_ context.Context, userID string) ([]Owned, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, errBroken
	}
	var owned []Owned
	for h, r := range m.records {
		if r.UserID == userID {
			owned = append(owned, Owned{h, *r})
		}
	}
	slices.SortFunc(owned, func(a, b Owned) int { return -compare(a.ID, b.ID) })
	return owned, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

// silent is a Bus without other nodes.
type silent struct{}

func (silent) Publish(context.Context, []byte) error { return nil }
func (silent) Listen(context.Context, Listener)      {}

// notes is a RevocationLog in memory.
type notes struct {
	mu      sync.Mutex
	list    []Revocation
	changed []string
	broken  bool
}

func (n *notes) Record(_ context.Context, r Revocation) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken {
		return errBroken
	}
	n.list = append(n.list, r)
	return nil
}

func (n *notes) Active(_ context.Context, _ time.Time, after Revocation, limit int) ([]Revocation, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken {
		return nil, errBroken
	}
	order := func(a, b Revocation) int {
		return cmp.Or(bytes.Compare(a.Hash[:], b.Hash[:]), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Except, b.Except), a.At.Compare(b.At))
	}
	left := slices.DeleteFunc(slices.Clone(n.list), func(r Revocation) bool { return order(r, after) <= 0 })
	slices.SortFunc(left, order)
	return left[:min(len(left), limit)], nil
}

func (n *notes) NoteChange(_ context.Context, userID string, _ time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken {
		return errBroken
	}
	n.changed = append(n.changed, userID)
	return nil
}

func (n *notes) Changed(_ context.Context, _ time.Time, after string, limit int) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken {
		return nil, errBroken
	}
	left := slices.DeleteFunc(slices.Clone(n.changed), func(id string) bool { return id <= after })
	slices.Sort(left)
	left = slices.Compact(left)
	return left[:min(len(left), limit)], nil
}

func (n *notes) Revoked(_ context.Context, h Hash, id, user string, created time.Time, epoch int64) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken {
		return false, errBroken
	}
	return slices.ContainsFunc(n.list, func(r Revocation) bool {
		return r.Hash == h || r.Hash == Hash{} && r.UserID == user && r.covers(&Session{ID: id, CreatedAt: created, AuthEpoch: epoch})
	}), nil
}

// bench is a manager with a clock that the test sets and a link that it
// controls.
type bench struct {
	*Manager
	store *memory
	log   *notes
	mu    sync.Mutex
	at    time.Time
}

func newBench(t *testing.T, change ...func(*Settings)) *bench {
	t.Helper()
	b := &bench{store: newMemory(), log: &notes{}, at: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	settings := DefaultSettings()
	for _, f := range change {
		f(&settings)
	}
	b.Manager = New(Options{
		Store: b.store, Bus: silent{}, Log: b.log, Settings: settings,
		Clock: b.clock, Logger: slog.New(slog.DiscardHandler),
	})
	b.linkUp(t)
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

// pass lets time go by with a link that keeps working.
func (b *bench) pass(d time.Duration) {
	b.passUnlinked(d)
	b.Listener().Beat()
}

func (b *bench) passUnlinked(d time.Duration) {
	b.mu.Lock()
	b.at = b.at.Add(d)
	b.mu.Unlock()
}

func (b *bench) linkUp(t *testing.T) {
	t.Helper()
	b.link.up(b.clock())
	b.reconcile(t.Context())
	if !b.link.trusted.Load() {
		t.Fatal("the link is not trusted after it came up")
	}
}

// open makes a session of a user.
func (b *bench) open(t *testing.T, userID string, remember bool) (Token, *Session) {
	t.Helper()
	token, s, err := b.Open(t.Context(), Grant{
		Identity: authcore.Identity{UserID: userID, Level: authcore.AAL1},
		Remember: remember, Client: authcore.Client{IP: "192.0.2.1", UserAgent: "test"},
	}, func(context.Context, *Session) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

func (b *bench) mustResume(t *testing.T, token Token) *Live {
	t.Helper()
	live, err := b.Resume(t.Context(), token)
	if err != nil {
		t.Fatalf("Resume: %v", err)
	}
	return live
}

func (b *bench) mustBeGone(t *testing.T, token Token) {
	t.Helper()
	if _, err := b.Resume(t.Context(), token); !errors.Is(err, authcore.ErrNotFound) {
		t.Fatalf("Resume: %v, want not found", err)
	}
}
