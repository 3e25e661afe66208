// Package session opens, resumes, rotates and revokes sessions.
//
// A session is known by a random token in a cookie; only its SHA-256 is
// stored. Resuming is the hot path of the gateway: decoded sessions are cached
// in process, bounded, and invalidated across nodes, so that a revoked session
// never outlives the next request while the store is healthy.
package session

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Session is one sign-in of one user on one device. It is immutable once
// stored or resumed.
type Session struct {
	// ID is a UUIDv7 that survives rotation of the token; it is the sid of
	// assertions.
	ID string `json:"id"`
	// Identity is the snapshot of who the user is, as last rewritten.
	Identity authcore.Identity `json:"identity"`
	// AuthEpoch is the epoch of the account when the session was made.
	AuthEpoch int64 `json:"epoch"`
	// CreatedAt is when the user signed in; with two factors, when the second
	// was given.
	CreatedAt time.Time `json:"created"`
	// ExpiresAt is the absolute end.
	ExpiresAt time.Time `json:"expires"`
	// Idle is the idle limit; zero for a remembered session.
	Idle time.Duration `json:"idle,omitzero"`
	// Remembered says that the user asked to stay signed in on this device.
	Remembered bool `json:"remembered,omitzero"`
	// UserAgent and FirstIP are from the request that signed in.
	UserAgent string `json:"ua,omitzero"`
	FirstIP   string `json:"ip,omitzero"`
	// Rewrites counts the changes of Identity, so that what is stored is never the
	// same again: a change that was made of an older state finds that.
	Rewrites int `json:"rewrites,omitzero"`
	// Seen is the last noted use; it is at most one activity interval old.
	Seen Seen `json:"-"`
}

// record returns the stored form.
func (s *Session) record() (*Record, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encoding session: %w", err)
	}
	return &Record{
		ID: s.ID, UserID: s.Identity.UserID, Data: data, Seen: s.Seen,
		ExpiresAt: s.ExpiresAt, Idle: s.Idle,
	}, nil
}

// decode returns the session of a stored record.
func decode(r *Record) (*Session, error) {
	s := new(Session)
	if err := json.Unmarshal(r.Data, s); err != nil {
		return nil, fmt.Errorf("decoding session: %w", err)
	}
	s.Seen = r.Seen
	return s, nil
}
