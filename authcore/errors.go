package authcore

import "errors"

// The errors below are the whole vocabulary between stores and services. A
// store wraps its own cause with %w beside one of them; any other error means
// that something is broken.
var (
	// ErrNotFound says that the thing asked for does not exist, has expired,
	// or has been consumed already.
	ErrNotFound = errors.New("not found")

	// ErrConflict says that the change would break a uniqueness rule or that
	// the thing has changed since it was read.
	ErrConflict = errors.New("conflict")

	// ErrUnavailable says that a dependency (database, session store, hashing
	// queue) could not answer in time. Callers fail closed with 503 and
	// Retry-After; they never treat it as "not found".
	ErrUnavailable = errors.New("temporarily unavailable")
)
