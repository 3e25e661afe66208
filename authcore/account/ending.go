package account

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/job"
)

// EndSessionsJob is the kind of a job that ends sessions.
const EndSessionsJob job.Kind = "end_sessions"

// Ending are sessions that are to end because of a change.
type Ending struct {
	UserID string `json:"user"`
	// SessionID is the one session that is meant; empty means all of the user.
	SessionID string `json:"session,omitempty"`
	// Except is spared.
	Except string `json:"except,omitempty"`
	// At is when the change was made: sessions that were opened later are fine.
	At time.Time `json:"at"`
}

// EndSessions returns the job that is stored with a change after which sessions
// must end. Sessions may be kept in another store than the change, so they
// cannot share a transaction; whoever makes the change ends them at once, and
// the job sees to it that they end also if that was cut short: by a client that
// went away, a store that was, or a process that died in between.
func EndSessions(s job.Sealer, e Ending) (job.Job, error) {
	return job.New(s, EndSessionsJob, e, e.At)
}

// Handlers do the jobs of this package.
func (s *Service) Handlers() map[job.Kind]job.Handler {
	return map[job.Kind]job.Handler{EndSessionsJob: s.endSessions, RefreshSessionsJob: s.refreshSessions, TellOfLockJob: s.doTellOfLock}
}

func (s *Service) endSessions(ctx context.Context, j job.Job) error {
	var e Ending
	if err := j.Payload(s.sealer, &e); err != nil {
		return err
	}
	if e.SessionID == "" {
		epoch := int64(math.MaxInt64) // of an account that is gone
		user, _, err := s.users.User(ctx, e.UserID)
		switch {
		case err == nil:
			epoch = user.AuthEpoch
		case !errors.Is(err, authcore.ErrNotFound):
			return fmt.Errorf("finding account: %w", err)
		}
		return s.sessions.RevokeBefore(ctx, e.UserID, e.Except, e.At, epoch)
	}
	err := s.sessions.Revoke(ctx, e.UserID, e.SessionID)
	if errors.Is(err, authcore.ErrNotFound) {
		return nil // it has ended
	}
	return err
}

// ending is the job for a change at this moment.
func (s *Service) ending(userID, sessionID, except string) (job.Job, error) {
	j, err := EndSessions(s.sealer, Ending{UserID: userID, SessionID: sessionID, Except: except, At: s.clock()})
	if err != nil {
		return j, fmt.Errorf("promising to end sessions: %w", err)
	}
	return j, nil
}
