package mail

import (
	"context"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore/job"
)

// Kind says what a letter is about; it chooses the messages of the catalogue.
// The set is closed.
type Kind string

// The kinds.
const (
	// Locked tells the owner that strangers are guessing the password.
	Locked Kind = "locked"
	// SignInLink holds a link that signs in.
	SignInLink Kind = "sign_in_link"
	// Confirm holds a link and a code that prove an address.
	Confirm Kind = "confirm"
	// Taken tells the owner of an account that somebody signed up with its
	// address.
	Taken Kind = "taken"
	// Reset holds a link to choose a new password.
	Reset Kind = "reset"
	// PasswordChanged tells the owner that there is a new password.
	PasswordChanged Kind = "password_changed"
)

// Kinds are all of them.
var Kinds = []Kind{Locked, SignInLink, Confirm, Taken, Reset, PasswordChanged}

// Letter is a mail that is due: what it says, not how. It is written when it
// is sent, so that the texts of today are used.
type Letter struct {
	Kind Kind   `json:"kind"`
	To   string `json:"to"`
	// Portal is the public address of the pages, from the configuration and
	// never from a request.
	Portal string `json:"portal"`
	// Path is what the link of the letter leads to, below the portal. It may
	// hold a secret.
	Path string `json:"path,omitempty"`
	// Values fill the placeholders of the messages.
	Values map[string]string `json:"values,omitempty"`
}

// JobKind is the kind of a job that sends a letter.
const JobKind job.Kind = "mail"

// NewJob returns the job that sends a letter.
func NewJob(s job.Sealer, l Letter, now time.Time) (job.Job, error) {
	return job.New(s, JobKind, l, now)
}

// Writer writes letters.
type Writer interface {
	// Write returns a letter as it is sent, less its ID and To.
	Write(l Letter) (Message, error)
}

// Delivery sends the letters of jobs.
type Delivery struct {
	Sealer job.Sealer
	Writer Writer
	Sender Sender
}

// Deliver is a job.Handler.
func (d Delivery) Deliver(ctx context.Context, j job.Job) error {
	var l Letter
	if err := j.Payload(d.Sealer, &l); err != nil {
		return err
	}
	m, err := d.Writer.Write(l)
	if err != nil {
		return fmt.Errorf("writing mail %s: %w", l.Kind, err)
	}
	m.ID, m.To = j.ID, l.To
	if err := m.Validate(); err != nil {
		return job.Permanent(err)
	}
	return d.Sender.Send(ctx, m)
}
