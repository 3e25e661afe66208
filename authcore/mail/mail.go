// Package mail holds what Sigra sends to people: letters, which say what is to
// be told in no language yet, and the mailers that send them once they are
// written. Letters wait in the queue of jobs until a mailer has taken them.
package mail

import (
	"context"
	"errors"
	"strings"
)

// Message is one mail to one person, as it is sent.
type Message struct {
	// ID makes the Message-ID. A message that is sent twice, because nobody
	// could tell whether the first was taken, has the same one.
	ID      string
	To      string
	Subject string
	// Text and HTML say the same.
	Text string
	HTML string
}

// ErrHeaderInjection says that a header would not stay on its line.
var ErrHeaderInjection = errors.New("mail: line break in a header")

// Validate refuses a message whose headers an attacker could extend.
func (m Message) Validate() error {
	if strings.ContainsAny(m.ID+m.To+m.Subject, "\r\n") {
		return ErrHeaderInjection
	}
	return nil
}

// Sender sends mail.
type Sender interface {
	// Send sends a message or fails; it respects the context's deadline. A
	// failure that no further attempt would mend is marked by job.Permanent.
	Send(ctx context.Context, m Message) error
}
