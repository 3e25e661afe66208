package session

import (
	"context"
	"time"
)

// Record is what a Store keeps of one session. Data is opaque to the store.
type Record struct {
	// ID is the stable id of the session (UUIDv7); it survives rotation.
	ID string
	// UserID is the account that the session belongs to.
	UserID string
	// Data is the encoded session.
	Data []byte
	// Seen is when and from where the session was last used. It stands beside
	// Data so that activity can be noted without rewriting the session.
	Seen Seen
	// ExpiresAt is the absolute end of the session.
	ExpiresAt time.Time
	// Idle is how long the session lives after Seen.At; zero means until
	// ExpiresAt.
	Idle time.Duration
}

// Seen notes one use of a session.
type Seen struct {
	At time.Time
	IP string
}

// Deadline returns when the store must have forgotten the record: the earlier
// of the idle and the absolute limit.
func (r *Record) Deadline() time.Time {
	if r.Idle > 0 {
		if idle := r.Seen.At.Add(r.Idle); idle.Before(r.ExpiresAt) {
			return idle
		}
	}
	return r.ExpiresAt
}

// Owned is a record with the hash it is stored under.
type Owned struct {
	Hash Hash
	Record
}

// Store keeps sessions under the SHA-256 of their token; it never sees a token.
// All methods are safe for concurrent use and respect the context's deadline.
// An error other than authcore.ErrNotFound wraps authcore.ErrUnavailable.
type Store interface {
	// Find returns one record per hash, in order, nil where there is none or
	// its Deadline has passed.
	Find(ctx context.Context, hashes []Hash) ([]*Record, error)
	// Create stores a new record. A DeleteUser-style sweep (OfUser followed by
	// Delete) that overlaps with it leaves either no record, or makes Create
	// fail with authcore.ErrConflict.
	Create(ctx context.Context, hash Hash, r *Record) error
	// Replace moves a session whose Data is as given to a new hash and content.
	// It fails with authcore.ErrNotFound when the old one is gone by then, and
	// with authcore.ErrConflict when its Data is another; it leaves nothing under
	// the new hash then.
	Replace(ctx context.Context, old, new Hash, data []byte, r *Record) error
	// Rewrite replaces the Data of a session, and nothing else. It fails with
	// authcore.ErrConflict when the session is gone or its Data is not the old
	// one any more.
	Rewrite(ctx context.Context, hash Hash, old, new []byte) error
	// Touch notes a use and moves the idle limit. It does nothing when the
	// session is gone, and never revives one.
	Touch(ctx context.Context, hash Hash, seen Seen) error
	// Delete removes sessions of one user; unknown hashes are ignored.
	Delete(ctx context.Context, userID string, hashes ...Hash) error
	// OfUser returns the live sessions of a user, newest first.
	OfUser(ctx context.Context, userID string) ([]Owned, error)
}

// Revocation is a durable note that a session, or every session of a user that
// was made before a moment, must not be honoured again.
type Revocation struct {
	// Hash is the session concerned; zero when the whole user is meant.
	Hash Hash
	// UserID is the owner.
	UserID string
	// Except is a session id that a revocation of the whole user spares.
	Except string
	// At is when it was revoked: sessions of the user created later are fine, unless
	// they carry a lower auth epoch than Epoch. That does not hang on the clocks of
	// nodes, one of which may have been ahead. Zero asks for none.
	At    time.Time
	Epoch int64
	// ExpiresAt is when the session would have ended anyway, so that the note
	// can be forgotten.
	ExpiresAt time.Time
}

// RevocationLog remembers outside of the session store what sessions must not do any
// more, so that what was acknowledged holds even if the session store falls back to
// an older state (a Redis fail-over or restore). Stores that share the identity
// database need none.
type RevocationLog interface {
	// Record stores a revocation durably and drops those that have expired.
	Record(ctx context.Context, r Revocation) error
	// Active returns the revocations that have not expired at the given time, at most
	// so many, in the order of Hash, UserID, Except and At, from the one after the
	// given one on; the zero Revocation comes before all.
	Active(ctx context.Context, at time.Time, after Revocation, limit int) ([]Revocation, error)
	// Revoked reports whether a session (its hash, id, owner, creation time and auth
	// epoch) is covered by a revocation.
	Revoked(ctx context.Context, hash Hash, sessionID, userID string, createdAt time.Time, epoch int64) (bool, error)
	// NoteChange remembers that the rights of a user have changed, until a moment by
	// which all sessions have ended that were made before.
	NoteChange(ctx context.Context, userID string, until time.Time) error
	// Changed returns the users whose rights have changed, less what has been forgotten
	// at the given time, at most so many, in order, from the one after the given one on.
	Changed(ctx context.Context, at time.Time, after string, limit int) ([]string, error)
}

// covers reports whether a revocation of the whole user ends a session of theirs.
func (r Revocation) covers(s *Session) bool {
	return s.ID != r.Except && (!s.CreatedAt.After(r.At) || s.AuthEpoch < r.Epoch)
}

// Bus carries invalidations between the nodes that share a session store.
type Bus interface {
	// Publish sends a payload to every node, this one included. It returns
	// when each node that listens has applied it, or with an error when that
	// could not be established within a short time (at most 500 ms).
	Publish(ctx context.Context, payload []byte) error
	// Listen delivers to the listener until the context ends, reconnecting by
	// itself. Calls to the listener are sequential.
	Listen(ctx context.Context, l Listener)
}

// Listener is told about the state of the invalidation link and what came over
// it.
type Listener interface {
	// Up says that the link has been (re)established: anything may have been
	// missed before.
	Up()
	// Beat says that the link was seen to work just now. It comes at least
	// once a second while the link is up.
	Beat()
	// Down says that the link was lost.
	Down()
	// Receive delivers a payload and returns when it has been applied.
	Receive(payload []byte)
}
