package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/token"
)

// TrustLife is how long a browser is trusted.
const TrustLife = 30 * 24 * time.Hour

// Browser is one that its user trusts: a sign-in there asks for no second
// factor. It is never a proof, so that a rule which wants one still asks.
type Browser struct {
	ID     string // UUIDv7
	UserID string
	Hash   []byte // SHA-256 of the secret in the cookie
	// Epoch is that of the account when the browser was trusted: trust ends with
	// the password, and with all that ends every session.
	Epoch     int64
	UserAgent string
	IP        string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// BrowserStore keeps trusted browsers.
type BrowserStore interface {
	// Browser returns the live trust with a hash, or authcore.ErrNotFound.
	Browser(ctx context.Context, hash []byte, at time.Time) (Browser, error)
	// Browsers returns the live ones of a user at an epoch, newest first.
	Browsers(ctx context.Context, userID string, epoch int64, at time.Time) ([]Browser, error)
	// RemoveBrowsers ends the trust in one browser of a user, or in all when the
	// id is empty, with its event and jobs. It fails with authcore.ErrNotFound when
	// there is none.
	RemoveBrowsers(ctx context.Context, userID, id string, event audit.Event, jobs ...job.Job) error
}

// newBrowser returns the secret for the cookie, and what is stored.
func newBrowser(user authcore.User, client authcore.Client, now time.Time) (secret string, b *Browser) {
	secret, t := token.New("", user.ID, now, TrustLife)
	return secret, &Browser{
		ID: uuid.Must(uuid.NewV7()).String(), UserID: user.ID, Hash: t.Hash, Epoch: user.AuthEpoch,
		UserAgent: client.UserAgent, IP: client.IP, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
	}
}

// trusts returns until when the user trusts the browser that a request comes from;
// zero when they do not.
func (s *Service) trusts(ctx context.Context, user authcore.User, client authcore.Client) (until time.Time, err error) {
	for _, secret := range client.Trust {
		hash, ok := token.HashOf(secret)
		if !ok {
			continue
		}
		b, err := s.browsers.Browser(ctx, hash, s.clock())
		if errors.Is(err, authcore.ErrNotFound) {
			continue
		}
		if err != nil {
			return time.Time{}, fmt.Errorf("finding trusted browser: %w", err)
		}
		if b.UserID == user.ID && b.Epoch == user.AuthEpoch {
			return b.ExpiresAt, nil
		}
	}
	return time.Time{}, nil
}

// Browsers returns the browsers that the signed-in user trusts, newest first.
func (s *Service) Browsers(ctx context.Context, live *session.Live) ([]Browser, error) {
	return s.browsers.Browsers(ctx, live.Identity.UserID, live.AuthEpoch, s.clock())
}

// DistrustBrowsers ends the trust of the signed-in user in one browser, or in all
// when the id is empty. Sessions that were opened without a second factor for the
// sake of a trusted browser do not count as two-step any more: a thief's, who had
// the browser trusted, may be remembered for longer than the trust. It fails with
// authcore.ErrNotFound when there is none.
func (s *Service) DistrustBrowsers(ctx context.Context, live *session.Live, id string, client authcore.Client) error {
	userID := live.Identity.UserID
	r := refreshing{UserID: userID, Distrust: true}
	j, err := job.New(s.sealer, RefreshSessionsJob, r, s.clock())
	if err != nil {
		return err
	}
	event := s.userEvent(audit.TrustRevoke, userID, client).On(id)
	if err := s.browsers.RemoveBrowsers(ctx, userID, id, event, j); err != nil {
		return err
	}
	return s.refresh(ctx, r)
}
