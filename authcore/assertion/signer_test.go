package assertion

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
)

// shelf is a KeyStore in memory; the real ones run the conformance suite.
type shelf struct {
	mu   sync.Mutex
	keys []StoredKey
}

func (s *shelf) Keys(context.Context) ([]StoredKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), nil
}

func (s *shelf) AddKey(_ context.Context, key StoredKey, newest string, event audit.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) > 0 && s.keys[0].ID != newest || len(s.keys) == 0 && newest != "" {
		return authcore.ErrConflict
	}
	if event.Action != audit.KeyRotate || event.TargetID != key.ID {
		return errors.New("the event is not about the key")
	}
	s.keys = slices.Insert(s.keys, 0, key)
	return nil
}

func (s *shelf) RemoveKeys(_ context.Context, ids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.DeleteFunc(s.keys, func(k StoredKey) bool { return slices.Contains(ids, k.ID) })
	return nil
}

// open seals without encrypting, but notices a wrong row; secret.Box is tested
// on its own.
type open struct{}

func (open) Seal(purpose string, plaintext, associated []byte) []byte {
	return []byte(purpose + "|" + string(associated) + "|" + string(plaintext))
}

func (open) Open(purpose string, sealed, associated []byte) ([]byte, error) {
	plain, ok := strings.CutPrefix(string(sealed), purpose+"|"+string(associated)+"|")
	if !ok {
		return nil, errors.New("forged")
	}
	return []byte(plain), nil
}

// bench is a signer with a clock that the test sets.
type bench struct {
	*Signer
	shelf *shelf
	at    *time.Time
}

func newBench(t *testing.T, shelf *shelf, at *time.Time, change func(*Options)) bench {
	t.Helper()
	o := Options{Store: shelf, Box: open{}, Clock: func() time.Time { return *at }, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	b := bench{NewSigner(o), shelf, at}
	if err := b.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

var ada = &authcore.Identity{UserID: "u", SessionID: "s", Email: "ada@example.com", EmailVerified: true, Name: "Ada", Level: authcore.AAL1}

func (b bench) mint(t *testing.T, id *authcore.Identity) Minted {
	t.Helper()
	m, err := b.Mint(id, For{Audience: "https://app.example", Issuer: "https://app.example/_auth"}, *b.at)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// verify verifies by another library than the one that signed, with what is
// published.
func (b bench) verify(token string, at time.Time) (*jwt.Token, error) {
	body, _, _ := b.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	return jwt.Parse(token, func(t *jwt.Token) (any, error) {
		for _, key := range set.Key(t.Header["kid"].(string)) {
			if key.Algorithm == t.Header["alg"] {
				return key.Key, nil
			}
		}
		return nil, errors.New("unknown key")
	}, jwt.WithTimeFunc(func() time.Time { return at }), jwt.WithAudience("https://app.example"), jwt.WithIssuer("https://app.example/_auth"), jwt.WithExpirationRequired())
}

func TestRotation(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newBench(t, new(shelf), &at, nil)
	first := b.mint(t, ada)
	firstKey := b.Keys()[0].ID
	event := audit.New(at, audit.KeyRotate, authcore.Client{})
	kid, err := b.Rotate(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Rotate(t.Context(), event); !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("rotating twice: %v", err)
	}
	states := func() (list []string) {
		for _, k := range b.Keys() {
			list = append(list, string(k.State))
		}
		return list
	}
	if got := states(); !slices.Equal(got, []string{"next", "active"}) {
		t.Errorf("after rotating: %v", got)
	}
	at = at.Add(15*time.Minute - time.Second)
	during := b.mint(t, ada)
	token, err := b.verify(during.Token, at)
	if err != nil || token.Header["kid"] != firstKey {
		t.Errorf("before the overlap is over: %v signed by %v", err, token.Header["kid"])
	}
	if over := at.Add(time.Second); during.RenewAt.After(over) {
		t.Errorf("renewed at %s, after the next key has taken over", during.RenewAt)
	}
	at = at.Add(time.Second)
	after := b.mint(t, ada)
	if token, err := b.verify(after.Token, at); err != nil || token.Header["kid"] != kid {
		t.Errorf("after the overlap: %v signed by %v", err, token.Header["kid"])
	}
	for range 4 { // the old key is published until what it signed is dead
		if err := b.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.verify(during.Token, at); err != nil && at.Before(during.ExpiresAt) {
			t.Errorf("an assertion that is valid still is refused: %v", err)
		}
		at = at.Add(90 * time.Second)
	}
	at = at.Add(5 * time.Minute)
	if err := b.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := states(); !slices.Equal(got, []string{"active"}) {
		t.Errorf("in the end: %v", got)
	}
	if _, err := b.verify(first.Token, at); err == nil {
		t.Error("the first assertion is valid forever")
	}
}

func TestScheduledRotation(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newBench(t, new(shelf), &at, nil)
	first := b.Keys()[0].ID
	seen := map[string]bool{}
	for range 40 {
		at = at.Add(24 * time.Hour)
		for range 2 {
			if err := b.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, k := range b.Keys() {
			seen[k.ID] = true
		}
		if _, err := b.verify(b.mint(t, ada).Token, at); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 2 || b.Keys()[len(b.Keys())-1].ID == first {
		t.Errorf("after 40 days there were %d keys, now %+v", len(seen), b.Keys())
	}
}

func TestTwoNodes(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	shared := new(shelf)
	a, b := newBench(t, shared, &at, nil), newBench(t, shared, &at, nil)
	if a.Keys()[0].ID != b.Keys()[0].ID {
		t.Fatal("two nodes made two first keys")
	}
	if _, err := b.verify(a.mint(t, ada).Token, at); err != nil {
		t.Errorf("an assertion of A at B: %v", err)
	}
	at = at.Add(31 * 24 * time.Hour)
	var all sync.WaitGroup
	for _, node := range []bench{a, b, a, b} {
		all.Go(func() {
			if err := node.Maintain(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(shared.keys); n != 2 {
		t.Errorf("%d keys, want 2", n)
	}
}

func TestAlgorithms(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	shared := new(shelf)
	b := newBench(t, shared, &at, nil)
	if _, ok := keyOf(t, b).(*ecdsa.PublicKey); !ok {
		t.Error("the default is not ES256")
	}
	changed := newBench(t, shared, &at, func(o *Options) { o.Algorithm = "EdDSA" })
	if err := changed.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	at = at.Add(16 * time.Minute)
	token, err := changed.verify(changed.mint(t, ada).Token, at)
	if err != nil || token.Method.Alg() != "EdDSA" {
		t.Errorf("after the change: %v by %v", err, token.Method.Alg())
	}
	if _, ok := keyOf(t, changed).(ed25519.PublicKey); !ok {
		t.Error("the newest key is not EdDSA")
	}
}

func keyOf(t *testing.T, b bench) any {
	t.Helper()
	body, _, _ := b.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	if !set.Keys[0].IsPublic() || strings.Contains(string(body), `"d"`) {
		t.Fatal("a private key is published")
	}
	return set.Keys[0].Key
}

func TestClaims(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newBench(t, new(shelf), &at, nil)
	full := *ada
	full.Role, full.Actor, full.Scopes = "admin", "root", []string{"read", "write"}
	full.Org = authcore.Org{ID: "o", Slug: "acme", Name: "Acme", Role: "owner"}
	unverified := *ada
	unverified.EmailVerified = false
	for name, test := range map[string]struct {
		id     *authcore.Identity
		want   map[string]any
		absent []string
	}{
		"plain":      {ada, map[string]any{"sub": "u", "sid": "s", "email": "ada@example.com", "email_verified": true, "acr": "aal1"}, []string{"groups", "act", "scope", "org_id"}},
		"full":       {&full, map[string]any{"groups": []any{"admin", "acme:owner"}, "org_id": "o", "org_role": "owner", "scope": "read write", "act": map[string]any{"sub": "root"}}, nil},
		"unverified": {&unverified, map[string]any{"name": "Ada"}, []string{"email", "email_verified"}},
	} {
		token, err := b.verify(b.mint(t, test.id).Token, at)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		claims := token.Claims.(jwt.MapClaims)
		for key, want := range test.want {
			if !reflect.DeepEqual(claims[key], want) {
				t.Errorf("%s: %s is %v, want %v", name, key, claims[key], want)
			}
		}
		for _, key := range test.absent {
			if v, ok := claims[key]; ok {
				t.Errorf("%s: %s is %v, want none", name, key, v)
			}
		}
		if token.Header["typ"] != "JWT" || claims["jti"] == "" || claims["exp"].(float64)-claims["iat"].(float64) != 300 {
			t.Errorf("%s: %v %v", name, token.Header, claims)
		}
	}
}

func TestRefusals(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	b := newBench(t, new(shelf), &at, nil)
	m := b.mint(t, ada)
	if !m.RenewAt.Equal(at.Add(150*time.Second)) || !m.ExpiresAt.Equal(at.Add(300*time.Second)) {
		t.Errorf("%+v", m)
	}
	for name, moment := range map[string]time.Time{"expired": at.Add(301 * time.Second), "long before": at.Add(-time.Minute)} {
		if _, err := b.verify(m.Token, moment); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewSigner(Options{}).Mint(ada, For{Audience: "a", Issuer: "i"}, at); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("without keys: %v", err)
	}
	b.shelf.keys[0].ID = "moved"
	if err := b.Load(t.Context()); err == nil {
		t.Error("a key that was moved to another row was accepted")
	}
	b.Configure(Schedule{TTL: time.Hour})
	if longer := b.mint(t, ada); longer.ExpiresAt.Sub(at) != 5*time.Minute {
		t.Errorf("an assertion may live %s", longer.ExpiresAt.Sub(at))
	}
	b.Configure(Schedule{TTL: time.Minute})
	if shorter := b.mint(t, ada); shorter.ExpiresAt.Sub(at) != time.Minute {
		t.Errorf("after a change to a minute an assertion lives %s", shorter.ExpiresAt.Sub(at))
	}
}

func BenchmarkMint(b *testing.B) {
	at := time.Now()
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			s := NewSigner(Options{Schedule: Schedule{Algorithm: algorithm}, Store: new(shelf), Box: open{}, Clock: time.Now, Logger: slog.New(slog.DiscardHandler)})
			if err := s.Load(b.Context()); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := s.Mint(ada, For{Audience: "https://app.example", Issuer: "https://app.example/_auth"}, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A verifier must not keep a key set from before a new key was published until
// after that key signs.
func TestKeySetsAreCachedForLessThanTheOverlap(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for overlap, want := range map[time.Duration]time.Duration{
		0: 5 * time.Minute, 15 * time.Minute: 5 * time.Minute, 24 * time.Hour: 5 * time.Minute,
		6 * time.Minute: 2 * time.Minute, 2 * time.Second: 2 * time.Second / 3,
	} {
		b := newBench(t, new(shelf), &at, func(o *Options) { o.Overlap = overlap })
		if _, _, maxAge := b.JWKS(); maxAge != want {
			t.Errorf("overlap %v: cached for %v, want %v", overlap, maxAge, want)
		}
	}
	if body, _, maxAge := NewSigner(Options{}).JWKS(); maxAge != 0 {
		t.Errorf("%s, before there are keys, is cached for %v", body, maxAge)
	}
}
