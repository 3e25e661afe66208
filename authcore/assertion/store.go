package assertion

import (
	"context"
	"time"

	"github.com/sigra-auth/sigra/authcore/audit"
)

// StoredKey is a signing key as it is stored.
type StoredKey struct {
	// ID is the key id (kid): from the RFC 7638 thumbprint of the public key.
	ID string
	// Algorithm is the JWA name, ES256 or EdDSA.
	Algorithm string
	// Sealed is the PKCS #8 private key, encrypted under the master secret
	// with ID as associated data.
	Sealed []byte
	// CreatedAt is when the key was made and first published.
	CreatedAt time.Time
	// ActiveAt is when it starts to sign, later than CreatedAt by the overlap
	// unless it is the very first key.
	ActiveAt time.Time
}

// KeyStore keeps signing keys.
type KeyStore interface {
	// Keys returns all keys, newest (by ActiveAt) first.
	Keys(ctx context.Context) ([]StoredKey, error)
	// AddKey adds a key if the newest one is still the one with the given id
	// (empty: there is none), so that two nodes never rotate at once; else it
	// fails with authcore.ErrConflict. The event commits with it.
	AddKey(ctx context.Context, key StoredKey, newest string, event audit.Event) error
	// RemoveKeys removes keys that can have signed nothing that is still valid.
	RemoveKeys(ctx context.Context, ids ...string) error
}
