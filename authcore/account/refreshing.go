package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/job"
)

// RefreshSessionsJob is the kind of a job that brings the sessions of a user up
// to date with the account.
const RefreshSessionsJob job.Kind = "refresh_sessions"

// refreshing are sessions that are to be brought up to date.
type refreshing struct {
	UserID string `json:"user"`
	// Distrust ends what sessions have from a trusted browser.
	Distrust bool `json:"distrust,omitzero"`
}

// RefreshSessions returns the job that is stored with a change of an account
// that its sessions carry too. Whoever makes the change calls
// [Service.Refresh] at once; the job repeats it, in case that was cut short or
// a session was opened in between with what the account said before.
func RefreshSessions(s job.Sealer, userID string, at time.Time) (job.Job, error) {
	return job.New(s, RefreshSessionsJob, refreshing{UserID: userID}, at)
}

// Refresh makes every session of a user carry what the account says now.
func (s *Service) Refresh(ctx context.Context, userID string) error {
	return s.refresh(ctx, refreshing{UserID: userID})
}

func (s *Service) refresh(ctx context.Context, r refreshing) error {
	user, _, err := s.users.User(ctx, r.UserID)
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	err = s.sessions.Rewrite(ctx, r.UserID, func(id authcore.Identity) authcore.Identity {
		id.Trusted = id.Trusted && !r.Distrust
		return id.Describe(user)
	})
	if err != nil {
		return fmt.Errorf("the change is made, but sessions show it only when the session store is back: %w", err)
	}
	return nil
}

func (s *Service) refreshSessions(ctx context.Context, j job.Job) error {
	var r refreshing
	if err := j.Payload(s.sealer, &r); err != nil {
		return err
	}
	if err := s.refresh(ctx, r); err != nil && !errors.Is(err, authcore.ErrNotFound) {
		return err
	}
	return nil
}
