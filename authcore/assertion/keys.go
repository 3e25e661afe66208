package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyPurpose binds sealed private keys to what they are for.
const keyPurpose = "signing-key"

// generate makes a private key for an algorithm.
func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case string(jose.ES256):
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case string(jose.EdDSA):
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	default:
		return nil, fmt.Errorf("unknown signing algorithm %q", algorithm)
	}
}

func algorithmOf(key crypto.Signer) jose.SignatureAlgorithm {
	if _, ok := key.(ed25519.PrivateKey); ok {
		return jose.EdDSA
	}
	return jose.ES256
}

// kidLength keeps the id of a key short: it is in every request to an app.
const kidLength = 16

// seal returns the stored form of a private key. Its id is the beginning of
// the RFC 7638 thumbprint of the public key, 96 bits.
func (s *Signer) seal(private crypto.Signer) (StoredKey, error) {
	thumbprint, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return StoredKey{}, fmt.Errorf("naming key: %w", err)
	}
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return StoredKey{}, fmt.Errorf("encoding key: %w", err)
	}
	id := base64.RawURLEncoding.EncodeToString(thumbprint)[:kidLength]
	return StoredKey{
		ID: id, Algorithm: string(algorithmOf(private)), Sealed: s.o.Box.Seal(keyPurpose, plain, []byte(id)),
	}, nil
}

// unseal returns the private key of a stored one.
func (s *Signer) unseal(key StoredKey) (crypto.Signer, error) {
	plain, err := s.o.Box.Open(keyPurpose, key.Sealed, []byte(key.ID))
	if err != nil {
		return nil, fmt.Errorf("opening signing key %s: %w", key.ID, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fmt.Errorf("decoding signing key %s: %w", key.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok || string(algorithmOf(private)) != key.Algorithm {
		return nil, fmt.Errorf("signing key %s is not for %s", key.ID, key.Algorithm)
	}
	return private, nil
}

// ring is the keys at one time, newest first.
type ring struct {
	keys    []StoredKey
	signers []jose.Signer
	jwks    []byte
	etag    string
}

func newRing(keys []StoredKey, private []crypto.Signer) (*ring, error) {
	r := &ring{keys: keys}
	set := jose.JSONWebKeySet{}
	for i, key := range private {
		algorithm := algorithmOf(key)
		signer, err := jose.NewSigner(jose.SigningKey{
			Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: keys[i].ID},
		}, (&jose.SignerOptions{}).WithType("JWT"))
		if err != nil {
			return nil, fmt.Errorf("preparing signing key %s: %w", keys[i].ID, err)
		}
		r.signers = append(r.signers, signer)
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: key.Public(), KeyID: keys[i].ID, Algorithm: string(algorithm), Use: "sig",
		})
	}
	var err error
	if r.jwks, err = json.Marshal(set); err != nil {
		return nil, fmt.Errorf("encoding key set: %w", err)
	}
	sum := sha256.Sum256(r.jwks)
	r.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return r, nil
}

// current returns the index of the key that signs: the newest that is active.
func (r *ring) current(now time.Time) int {
	for i, key := range r.keys {
		if !key.ActiveAt.After(now) {
			return i
		}
	}
	return len(r.keys) - 1
}

// signerAt returns the key that signs, and when the next one takes over (zero:
// none is published).
func (r *ring) signerAt(now time.Time) (jose.Signer, time.Time) {
	i := r.current(now)
	if i == 0 {
		return r.signers[0], time.Time{}
	}
	return r.signers[i], r.keys[i-1].ActiveAt
}

// deadAt returns the ids of the keys whose last assertion has expired.
func (r *ring) deadAt(now time.Time) (dead []string) {
	for i := 1; i < len(r.keys); i++ {
		superseded := r.keys[i-1].ActiveAt
		if now.Sub(superseded) > maxTTL+2*skew {
			dead = append(dead, r.keys[i].ID)
		}
	}
	return dead
}

// State is where a key is in its life.
type State string

// The states of a key.
const (
	// Next is published and does not sign yet.
	Next State = "next"
	// Active signs.
	Active State = "active"
	// Retired is published until what it signed has expired.
	Retired State = "retired"
)

// KeyInfo is what may be told of a key.
type KeyInfo struct {
	ID        string
	Algorithm string
	State     State
	CreatedAt time.Time
	ActiveAt  time.Time
}

// Keys returns the published keys, newest first.
func (s *Signer) Keys() []KeyInfo {
	r := s.ring.Load()
	if r == nil {
		return nil
	}
	current := r.current(s.o.Clock())
	infos := make([]KeyInfo, len(r.keys))
	for i, key := range r.keys {
		state := Active
		switch {
		case i < current:
			state = Next
		case i > current:
			state = Retired
		}
		infos[i] = KeyInfo{key.ID, key.Algorithm, state, key.CreatedAt, key.ActiveAt}
	}
	return infos
}
