package secret

import "context"

// CheckStore keeps the value by which a node recognises that it was given the
// master secret that the database was made with.
type CheckStore interface {
	// CheckValue stores the value if there is none yet, atomically, and
	// returns the one that is stored.
	CheckValue(ctx context.Context, value []byte) ([]byte, error)
}
