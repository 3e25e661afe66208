// Package kept holds forms that met a session which had ended, until the same
// user has signed in again and can send them after all.
package kept

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/token"
)

const (
	// life is how long a form is kept.
	life = 15 * time.Minute
	// MaxBody bounds a form, in bytes.
	MaxBody = 64 << 10
)

const purpose = "kept-request"

// Form is a form as it was posted.
type Form struct {
	// Action is the path with its query that it was posted to, on Site.
	Action string `json:"action"`
	// Site is the public origin.
	Site string `json:"site"`
	// Body is the form, application/x-www-form-urlencoded.
	Body string `json:"body"`
}

// Tokens keeps forms under a secret, one for each user; token.Store does.
type Tokens interface {
	Issue(ctx context.Context, t token.Token) error
	Peek(ctx context.Context, hash []byte, purpose token.Purpose, at time.Time) (token.Token, error)
}

// Sealer encrypts forms under the master secret.
type Sealer interface {
	Seal(purpose string, plaintext, associated []byte) []byte
	Open(purpose string, sealed, associated []byte) ([]byte, error)
}

// Deps are what a Service is made of.
type Deps struct {
	Tokens Tokens
	Sealer Sealer
	Clock  authcore.Clock
}

// Service is what the gate and the pages call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Keep keeps a form of a user, in place of an older one, and returns the secret
// that brings it back.
func (s *Service) Keep(ctx context.Context, userID string, f Form) (secret string, err error) {
	plain, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encoding form: %w", err)
	}
	secret, t := token.New(token.KeptRequest, userID, s.Clock(), life)
	t.Payload = s.Sealer.Seal(purpose, plain, []byte(userID))
	if err := s.Tokens.Issue(ctx, t); err != nil {
		return "", fmt.Errorf("keeping form: %w", err)
	}
	return secret, nil
}

// Form returns a form that was kept for the signed-in user, at the site that
// they are on. It fails with authcore.ErrNotFound when there is none (any more),
// and when it is somebody else's.
func (s *Service) Form(ctx context.Context, live *session.Live, secret, site string) (Form, error) {
	hash, ok := token.HashOf(secret)
	if !ok {
		return Form{}, authcore.ErrNotFound
	}
	t, err := s.Tokens.Peek(ctx, hash, token.KeptRequest, s.Clock())
	if err != nil {
		return Form{}, err
	}
	if t.UserID != live.Identity.UserID {
		return Form{}, authcore.ErrNotFound
	}
	plain, err := s.Sealer.Open(purpose, t.Payload, []byte(t.UserID))
	if err != nil {
		return Form{}, fmt.Errorf("opening form: %w", err)
	}
	var f Form
	if err := json.Unmarshal(plain, &f); err != nil {
		return Form{}, fmt.Errorf("decoding form: %w", err)
	}
	if f.Site != site {
		return Form{}, authcore.ErrNotFound
	}
	return f, nil
}
