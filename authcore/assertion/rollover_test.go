package assertion

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/secret"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// app is a verifier that keeps the key set for as long as it may.
type app struct {
	keys    bench
	fetched time.Time
}

// verify verifies with a key set that is up to five minutes old.
func (a *app) verify(from bench, token string, at time.Time) error {
	if a.keys.Signer == nil || at.Sub(a.fetched) >= 5*time.Minute {
		a.keys, a.fetched = bench{Signer: NewSigner(from.o)}, at
		a.keys.ring.Store(from.ring.Load())
	}
	_, err := a.keys.verify(token, at)
	return err
}

// TestNoVerifierEverFails runs two nodes and an app through two rotations, a
// minute at a time. Each node looks for changes at another second, the app
// caches, and what was signed is shown again until it expires.
func TestNoVerifierEverFails(t *testing.T) {
	at := start
	shared := new(shelf)
	rotate := func(o *Options) { o.Rotate = time.Hour }
	nodes := []bench{newBench(t, shared, &at, rotate), newBench(t, shared, &at, rotate)}
	verifier := new(app)
	var alive []Minted
	kids := make(map[any]bool)
	for minute := range 3 * 60 {
		node := nodes[minute%2]
		at = start.Add(time.Duration(minute)*time.Minute + time.Duration(minute%2)*29*time.Second)
		if err := node.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, signer := range nodes { // the other one has not heard of changes yet
			minted := signer.mint(t, ada)
			alive = append(alive, minted)
			token, _, err := jwt.NewParser().ParseUnverified(minted.Token, jwt.MapClaims{})
			if err != nil {
				t.Fatal(err)
			}
			kids[token.Header["kid"]] = true
		}
		left := alive[:0]
		for _, minted := range alive {
			if !at.Before(minted.ExpiresAt) {
				continue
			}
			left = append(left, minted)
			if err := verifier.verify(nodes[(minute+1)%2], minted.Token, at); err != nil {
				t.Fatalf("minute %d: an assertion that is valid until %s: %v", minute, minted.ExpiresAt, err)
			}
		}
		alive = left
	}
	if len(kids) != 3 {
		t.Errorf("%d keys have signed in three hours, want 3", len(kids))
	}
	if n := len(shared.keys); n > 2 {
		t.Errorf("%d keys are left", n)
	}
}

// TestRenewalNeverCrossesAChangeOfKeys mints at each second around a change.
func TestRenewalNeverCrossesAChangeOfKeys(t *testing.T) {
	at := start
	b := newBench(t, new(shelf), &at, nil)
	if _, err := b.Rotate(t.Context(), audit.New(at, audit.KeyRotate, authcore.Client{})); err != nil {
		t.Fatal(err)
	}
	change := b.Keys()[0].ActiveAt
	for second := -400; second <= 400; second++ {
		at = change.Add(time.Duration(second) * time.Second)
		m := b.mint(t, ada)
		if at.Before(change) && m.RenewAt.After(change) {
			t.Errorf("minted %d s before the change, renewed at %s", -second, m.RenewAt)
		}
		if !m.RenewAt.After(at) || m.RenewAt.After(at.Add(150*time.Second)) || !m.ExpiresAt.Equal(at.Add(300*time.Second)) {
			t.Errorf("at %d s: %+v", second, m)
		}
	}
}

// meeting is a shelf where two nodes have both read the keys before either adds
// one.
type meeting struct {
	*shelf
	arrive sync.WaitGroup
}

func (m *meeting) AddKey(ctx context.Context, key StoredKey, newest string, event audit.Event) error {
	m.arrive.Done()
	m.arrive.Wait()
	return m.shelf.AddKey(ctx, key, newest, event)
}

func TestTwoNodesRotateAtOnce(t *testing.T) {
	at := start
	shared := new(shelf)
	meet := &meeting{shelf: shared}
	meet.arrive.Add(2)
	behind := func(o *Options) { o.Store = meet }
	a := newBench(t, shared, &at, nil)
	nodes := []bench{newBench(t, shared, &at, behind), newBench(t, shared, &at, behind)}
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() { _, errs[i] = node.Rotate(t.Context(), audit.New(at, audit.KeyRotate, authcore.Client{})) })
	}
	all.Wait()
	lost := 0
	for _, err := range errs {
		if errors.Is(err, authcore.ErrConflict) {
			lost++
		} else if err != nil {
			t.Error(err)
		}
	}
	if lost != 1 || len(shared.keys) != 2 {
		t.Fatalf("%d lost, %d keys", lost, len(shared.keys))
	}
	at = at.Add(16 * time.Minute)
	for _, node := range append([]bench{a}, nodes...) {
		if err := node.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.verify(node.mint(t, ada).Token, at); err != nil {
			t.Error(err)
		}
	}
}

// TestNodesThatDisagreeAboutTheAlgorithm is a change of the configuration that
// has reached one node alone.
func TestNodesThatDisagreeAboutTheAlgorithm(t *testing.T) {
	at := start
	shared := new(shelf)
	old := newBench(t, shared, &at, nil)
	changed := newBench(t, shared, &at, func(o *Options) { o.Algorithm = "EdDSA" })
	most := 0
	for range 60 {
		for _, node := range []bench{changed, old} {
			if err := node.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := changed.verify(changed.mint(t, ada).Token, at); err != nil {
				t.Fatal(err)
			}
		}
		most = max(most, len(shared.keys))
		at = at.Add(time.Minute)
	}
	if most > 3 {
		t.Errorf("there were %d keys at once", most)
	}
	for range 60 { // the change has reached both
		if err := changed.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Minute)
	}
	if keys := changed.Keys(); len(keys) != 1 || keys[0].Algorithm != "EdDSA" {
		t.Errorf("in the end: %+v", keys)
	}
}

// TestTamperedKeys keeps what works when the stored keys cannot be trusted.
func TestTamperedKeys(t *testing.T) {
	at := start
	box, err := secret.NewBox(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	shared := new(shelf)
	b := newBench(t, shared, &at, func(o *Options) { o.Box = box })
	whole := shared.keys[0]
	if bytes.Contains(whole.Sealed, []byte(whole.ID)) || whole.CreatedAt.IsZero() || len(whole.ID) != kidLength {
		t.Errorf("%+v", whole)
	}
	for name, tamper := range map[string]func(*StoredKey){
		"bit":       func(k *StoredKey) { k.Sealed = bytes.Clone(k.Sealed); k.Sealed[len(k.Sealed)/2] ^= 1 },
		"cut":       func(k *StoredKey) { k.Sealed = k.Sealed[:20] },
		"empty":     func(k *StoredKey) { k.Sealed = nil },
		"other row": func(k *StoredKey) { k.ID = "AAAAAAAAAAAAAAAA" },
		"algorithm": func(k *StoredKey) { k.Algorithm = "EdDSA" },
		"none":      func(k *StoredKey) { k.Algorithm = "none" },
		"no key":    func(k *StoredKey) { k.Sealed = box.Seal(keyPurpose, []byte("x"), []byte(k.ID)) },
		"elsewhere": func(k *StoredKey) { k.Sealed = box.Seal("mail", []byte("x"), []byte(k.ID)) },
	} {
		shared.keys[0] = whole
		tamper(&shared.keys[0])
		if err := b.Maintain(t.Context()); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := b.verify(b.mint(t, ada).Token, at); err != nil {
			t.Errorf("%s: the keys in memory were dropped: %v", name, err)
		}
	}
	shared.keys = nil
	if err := b.Maintain(t.Context()); err == nil {
		t.Error("no keys at all were accepted")
	}
	if _, err := b.verify(b.mint(t, ada).Token, at); err != nil {
		t.Errorf("an emptied table: %v", err)
	}
}

// TestForgedAssertions tries what verifiers have fallen to (RFC 8725 section 2)
// against what we publish.
func TestForgedAssertions(t *testing.T) {
	at := start
	b := newBench(t, new(shelf), &at, nil)
	foreign := newBench(t, new(shelf), &at, nil)
	if _, err := b.verify(foreign.mint(t, ada).Token, at); err == nil {
		t.Error("a foreign key was accepted")
	}
	other, err := b.Mint(ada, For{Audience: "https://other.example", Issuer: "https://app.example/_auth"}, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.verify(other.Token, at); err == nil {
		t.Error("an assertion for another app was accepted")
	}
	published, _, _ := b.JWKS()
	claims := jwt.MapClaims{"sub": "u", "aud": "https://app.example", "iss": "https://app.example/_auth", "exp": at.Add(time.Minute).Unix()}
	for method, key := range map[jwt.SigningMethod]any{jwt.SigningMethodNone: jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodHS256: published} {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = b.Keys()[0].ID
		forged, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.verify(forged, at); err == nil {
			t.Errorf("%s was accepted", method.Alg())
		}
	}
	seen := make(map[any]bool)
	for range 100 {
		token, err := b.verify(b.mint(t, ada).Token, at)
		if err != nil {
			t.Fatal(err)
		}
		seen[token.Claims.(jwt.MapClaims)["jti"]] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d ids of 100 assertions", len(seen))
	}
}
