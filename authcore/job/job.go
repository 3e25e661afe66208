// Package job holds work that was promised together with a change and is done
// soon after it: mail that is due, a request about an address that is answered
// before anybody has looked whether there is such an account.
//
// A job is stored in the transaction of the change, so that neither exists
// without the other, and is done at least once by one of the nodes. Its payload
// is sealed: it holds links that sign in.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Kind says what a job is about; it chooses the handler. It is shown to
// operators and used as a metric label, so the set is closed.
type Kind string

// Job is a stored job.
type Job struct {
	ID   string // UUIDv7
	Kind Kind
	// Subject is what it is about, when one job that nobody has begun yet does for all
	// of its kind about the same; else empty. A store keeps it to itself.
	Subject string
	// Sealed is the payload, encrypted for this id and kind.
	Sealed    []byte
	CreatedAt time.Time
	// DueAt is when it is to be done, or tried again.
	DueAt time.Time
	// Attempts counts how often it was tried, the running attempt included.
	Attempts int
	// Lease is what the running attempt is known by: an attempt that took
	// longer than its lease has no say in a job that another has taken over.
	Lease string
	// DeadAt is when it was given up; zero while it is alive.
	DeadAt time.Time
	// Error is why the last attempt failed, without secrets.
	Error string
}

// Sealer encrypts payloads under the master secret. Open fails for what Seal
// did not make with the same purpose and associated data.
type Sealer interface {
	Seal(purpose string, plaintext, associated []byte) []byte
	Open(purpose string, sealed, associated []byte) ([]byte, error)
}

// At returns the job due at another time. How long it is tried, should it fail,
// counts from then.
func (j Job) At(due time.Time) Job {
	j.CreatedAt, j.DueAt = due.UTC(), due.UTC()
	return j
}

// About returns the job with a subject.
func (j Job) About(subject string) Job {
	j.Subject = subject
	return j
}

const sealPurpose = "job"

// New returns a job of a payload, which is encoded as JSON, that is due at once.
func New(s Sealer, kind Kind, payload any, now time.Time) (Job, error) {
	plain, err := json.Marshal(payload)
	if err != nil {
		return Job{}, fmt.Errorf("encoding job %s: %w", kind, err)
	}
	j := Job{ID: uuid.Must(uuid.NewV7()).String(), Kind: kind, CreatedAt: now.UTC(), DueAt: now.UTC()}
	j.Sealed = s.Seal(sealPurpose, plain, j.associated())
	return j, nil
}

// Payload decodes the payload into a pointer.
func (j Job) Payload(s Sealer, into any) error {
	plain, err := s.Open(sealPurpose, j.Sealed, j.associated())
	if err == nil {
		err = json.Unmarshal(plain, into)
	}
	if err != nil {
		return Permanent(fmt.Errorf("opening job %s: %w", j.ID, err))
	}
	return nil
}

// associated binds the payload to its row: it cannot be moved to another job.
func (j Job) associated() []byte { return []byte(j.ID + "|" + string(j.Kind)) }

// permanent is a failure that no further attempt would mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error: the job is given up at once instead of tried again.
func Permanent(err error) error { return permanent{err} }

// IsPermanent reports whether an error was marked by [Permanent].
func IsPermanent(err error) bool { return errors.As(err, &permanent{}) }

// Counts are the jobs of a store.
type Counts struct {
	// Waiting are due or will be; Dead were given up.
	Waiting, Dead int
}

// Store keeps jobs. Those who promise one store it with their own change.
type Store interface {
	// Claim leases up to n jobs that are due at a time, all with one lease: nobody
	// else gets them until it ends. It returns the oldest first. Kinds are those that
	// are meant; none means all, here and below.
	Claim(ctx context.Context, n int, now time.Time, lease time.Duration, kinds ...Kind) ([]Job, error)
	// Renew moves the end of a lease, for the jobs that it still holds.
	Renew(ctx context.Context, lease string, until time.Time) error
	// Done removes a job that this lease still holds; else it does nothing.
	Done(ctx context.Context, j Job) error
	// Failed notes why an attempt failed and when the next one is due, or with
	// a DeadAt that there is none, if this lease still holds the job.
	Failed(ctx context.Context, j Job) error
	// Counts tells how many there are.
	Counts(ctx context.Context, kinds ...Kind) (Counts, error)
}
