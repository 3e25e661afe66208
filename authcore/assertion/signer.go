// Package assertion signs the statements about a user that go to an app, and
// publishes the keys that verify them.
//
// An assertion is a JWT (RFC 7519) that lives for minutes and names one app as
// its audience. Each key has one fixed algorithm (RFC 8725 section 3.1). A new
// key is published before it signs, and an old one until nothing that it
// signed is valid, so that a verifier that caches keys never fails.
package assertion

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
)

// Sealer encrypts private keys at rest.
type Sealer interface {
	Seal(purpose string, plaintext, associated []byte) []byte
	Open(purpose string, sealed, associated []byte) ([]byte, error)
}

// Schedule says how keys and assertions live. Zero values mean the defaults.
type Schedule struct {
	// Algorithm of new keys: ES256 (default) or EdDSA.
	Algorithm string
	// Rotate is the age at which a key is replaced. Default: 30 days.
	Rotate time.Duration
	// Overlap is how long a key is published before it signs. Verifiers may
	// cache the key set for a third of it, at most 5 minutes. Default: 15 minutes.
	Overlap time.Duration
	// TTL is the life of an assertion, at most 5 minutes. Default: 5 minutes.
	TTL time.Duration
}

// Options are what a Signer is made of.
type Options struct {
	Schedule
	Store  KeyStore
	Box    Sealer
	Clock  authcore.Clock
	Logger *slog.Logger
}

const (
	maxTTL     = 5 * time.Minute
	maxJWKSAge = 5 * time.Minute
	// skew is how far clocks may be apart.
	skew = 30 * time.Second
)

// Signer signs assertions. It is safe for concurrent use once Load succeeded.
type Signer struct {
	o          Options
	schedule   atomic.Pointer[Schedule]
	ring       atomic.Pointer[ring]
	changing   sync.Mutex
	signatures atomic.Uint64
}

// NewSigner returns a signer without keys; Load gets them.
func NewSigner(o Options) *Signer {
	s := &Signer{o: o}
	s.Configure(o.Schedule)
	return s
}

// Configure replaces the schedule. Keys and assertions that exist live on.
func (s *Signer) Configure(next Schedule) {
	next.Algorithm = cmp.Or(next.Algorithm, string(jose.ES256))
	next.Rotate = cmp.Or(next.Rotate, 30*24*time.Hour)
	next.Overlap = cmp.Or(next.Overlap, 15*time.Minute)
	next.TTL = min(cmp.Or(next.TTL, maxTTL), maxTTL)
	s.schedule.Store(&next)
}

// Minted is a signed assertion.
type Minted struct {
	Token    string
	IssuedAt time.Time
	// RenewAt is when half of its life has passed.
	RenewAt   time.Time
	ExpiresAt time.Time
}

// Current reports whether an assertion that was kept can be given to an app. It
// cannot when half of its life has passed, and not when the clock was set back
// since: an app would find that it was made in the future.
func (m *Minted) Current(now time.Time) bool {
	now = now.Round(0) // the clock that apps see, not that of the process
	return now.Before(m.RenewAt) && !now.Before(m.IssuedAt.Add(-skew))
}

// Mint signs an assertion about an identity.
func (s *Signer) Mint(id *authcore.Identity, f For, now time.Time) (Minted, error) {
	keys := s.ring.Load()
	if keys == nil {
		return Minted{}, fmt.Errorf("no signing key is loaded: %w", authcore.ErrUnavailable)
	}
	now = now.Round(0) // see Current
	signer, renewBy := keys.signerAt(now)
	expires := now.Add(s.schedule.Load().TTL)
	payload, err := claimsOf(id, f, now, expires).encode(f.Profile)
	if err != nil {
		return Minted{}, fmt.Errorf("encoding claims: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return Minted{}, fmt.Errorf("signing assertion: %w", err)
	}
	s.signatures.Add(1)
	token, err := signed.CompactSerialize()
	if err != nil {
		return Minted{}, fmt.Errorf("encoding assertion: %w", err)
	}
	renew := now.Add(s.schedule.Load().TTL / 2)
	if !renewBy.IsZero() && renewBy.Before(renew) {
		renew = renewBy
	}
	return Minted{Token: token, IssuedAt: now, RenewAt: renew, ExpiresAt: expires}, nil
}

// Signatures returns how many assertions were signed.
func (s *Signer) Signatures() uint64 { return s.signatures.Load() }

// JWKS returns the published key set (RFC 7517), its entity tag, and how long
// it may be cached: so long that a verifier has a new key before it signs, even
// when this node is late to learn of it.
func (s *Signer) JWKS() (body []byte, etag string, maxAge time.Duration) {
	if keys := s.ring.Load(); keys != nil {
		return keys.jwks, keys.etag, min(s.schedule.Load().Overlap/3, maxJWKSAge)
	}
	return []byte(`{"keys":[]}`), `"none"`, 0
}

// Load gets the keys, making the first one on the first start.
func (s *Signer) Load(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	stored, err := s.o.Store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("reading keys: %w", err)
	}
	if len(stored) == 0 {
		event := audit.New(s.o.Clock(), audit.KeyRotate, authcore.Client{}).By(audit.ActorSystem, "")
		if _, err := s.add(ctx, "", 0, event); err != nil && !errors.Is(err, authcore.ErrConflict) {
			return err
		}
	}
	return s.reload(ctx)
}

// Maintain picks up what other nodes changed, replaces a key that is due, and
// removes keys that can have signed nothing that is valid still. It is to be
// called about once a minute.
func (s *Signer) Maintain(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.reload(ctx); err != nil {
		return err
	}
	newest := s.ring.Load().keys[0]
	now := s.o.Clock()
	// Only a key that signs already is replaced: nodes that disagree about the
	// algorithm, as during a change of it, would else make new keys in turn.
	active := !newest.ActiveAt.After(now)
	if active && (now.Sub(newest.ActiveAt) >= s.schedule.Load().Rotate || newest.Algorithm != s.schedule.Load().Algorithm) {
		event := audit.New(now, audit.KeyRotate, authcore.Client{}).By(audit.ActorSystem, "")
		if _, err := s.add(ctx, newest.ID, s.schedule.Load().Overlap, event); err != nil && !errors.Is(err, authcore.ErrConflict) {
			return err
		}
	}
	if dead := s.ring.Load().deadAt(now); len(dead) > 0 {
		if err := s.o.Store.RemoveKeys(ctx, dead...); err != nil {
			return fmt.Errorf("removing keys: %w", err)
		}
	}
	return s.reload(ctx)
}

// Rotate publishes a new key, which signs after the overlap, and returns its
// id. It fails with authcore.ErrConflict when another node rotated just now,
// or when the last new key does not sign yet.
func (s *Signer) Rotate(ctx context.Context, event audit.Event) (kid string, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.reload(ctx); err != nil {
		return "", err
	}
	newest := s.ring.Load().keys[0]
	if newest.ActiveAt.After(s.o.Clock()) {
		return "", fmt.Errorf("a new key is published already and signs from %s: %w", newest.ActiveAt.Format(time.RFC3339), authcore.ErrConflict)
	}
	kid, err = s.add(ctx, newest.ID, s.schedule.Load().Overlap, event)
	if err != nil {
		return "", err
	}
	return kid, s.reload(ctx)
}

// add stores a new key that signs after the overlap.
func (s *Signer) add(ctx context.Context, newest string, overlap time.Duration, event audit.Event) (string, error) {
	private, err := generate(s.schedule.Load().Algorithm)
	if err != nil {
		return "", err
	}
	key, err := s.seal(private)
	if err != nil {
		return "", err
	}
	key.CreatedAt = s.o.Clock().UTC().Truncate(time.Microsecond)
	key.ActiveAt = key.CreatedAt.Add(overlap)
	if err := s.o.Store.AddKey(ctx, key, newest, event.On(key.ID)); err != nil {
		return "", fmt.Errorf("storing key: %w", err)
	}
	s.o.Logger.Info("new signing key", slog.String("kid", key.ID), slog.Time("active_at", key.ActiveAt))
	return key.ID, nil
}

// reload reads the keys and replaces the ring.
func (s *Signer) reload(ctx context.Context) error {
	stored, err := s.o.Store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("reading keys: %w", err)
	}
	if len(stored) == 0 {
		return errors.New("the database has no signing key any more")
	}
	private := make([]crypto.Signer, len(stored))
	for i, key := range stored {
		if private[i], err = s.unseal(key); err != nil {
			return err
		}
	}
	next, err := newRing(stored, private)
	if err != nil {
		return err
	}
	s.ring.Store(next)
	return nil
}
