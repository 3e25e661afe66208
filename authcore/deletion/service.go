// Package deletion lets users delete their account. It is gone after a grace
// period, during which they can sign in to keep it after all, and during which
// nobody else can take its address.
package deletion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Mode says what is left of an account.
type Mode string

// The modes. In each, nobody can sign in any more, the address is free for
// others, and the audit log keeps what happened under the id of the user.
const (
	// Off lets nobody delete their account.
	Off Mode = "off"
	// Soft keeps the account, disabled, with what it says of the user.
	Soft Mode = "soft"
	// Anonymize keeps a row that says nothing of the user.
	Anonymize Mode = "anonymize"
	// Hard keeps nothing.
	Hard Mode = "hard"
)

// DefaultGrace is how long an account can be kept after all, unless the rules
// say otherwise.
const DefaultGrace = 14 * 24 * time.Hour

// Rules say how accounts are deleted.
type Rules struct {
	Mode Mode
	// Grace may be zero: then the account is deleted at once.
	Grace time.Duration
}

// Job is the kind of the job that deletes an account.
const Job job.Kind = "delete_account"

// Store deletes accounts. Each method commits everything it does in one
// transaction, or nothing.
type Store interface {
	// ScheduleDeletion notes when an account will be deleted, voids its tokens
	// and increments the auth epoch. It fails with authcore.ErrConflict when that
	// is noted already, and when the account has not the auth epoch any more, and with
	// *SoleOwnerError while other members need the user, whose role is then that of
	// owners. An account that will be deleted does not count as an owner's any more.
	ScheduleDeletion(ctx context.Context, userID string, epoch int64, at time.Time, owner string, event audit.Event, jobs ...job.Job) error
	// CancelDeletion forgets it. It fails with authcore.ErrNotFound when nothing
	// was noted.
	CancelDeletion(ctx context.Context, userID string, event audit.Event, jobs ...job.Job) error
	// Delete deletes an account as the mode says. If a time is given, it fails
	// with authcore.ErrNotFound unless the deletion was scheduled for then; else it
	// fails with *SoleOwnerError as ScheduleDeletion does.
	Delete(ctx context.Context, userID string, scheduled time.Time, owner string, mode Mode, event audit.Event, jobs ...job.Job) error
}

// Users reads accounts; account.UserStore does.
type Users interface {
	User(ctx context.Context, id string) (authcore.User, account.Credential, error)
}

// Accounts asks for proofs and brings sessions up to date; *account.Service
// does.
type Accounts interface {
	Reprove(ctx context.Context, live *session.Live, password string, client authcore.Client) (authcore.User, error)
	Refresh(ctx context.Context, userID string) error
}

// Sessions ends sessions; *session.Manager does.
type Sessions interface {
	RevokeAll(ctx context.Context, userID, except string) (int, error)
}

// Deps are what a Service is made of.
type Deps struct {
	Rules Rules
	// Owner is the role of those who own organizations.
	Owner    string
	Users    Users
	Store    Store
	Accounts Accounts
	Sessions Sessions
	Sealer   job.Sealer
	Events   events.Sink
	Clock    authcore.Clock
}

// Service is what the pages, the command line and the worker call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// scheduled is a deletion that is due at a time.
type scheduled struct {
	UserID string          `json:"user"`
	At     time.Time       `json:"at"`
	Client authcore.Client `json:"client"`
}

// Allowed reports whether users can delete their account.
func (s *Service) Allowed() bool { return s.Rules.Mode != Off }

// Grace returns how long an account can be kept after all.
func (s *Service) Grace() time.Duration { return s.Rules.Grace }

// Schedule ends all sessions of the signed-in user and deletes the account after
// the grace period. It fails with authcore.ErrNotFound when users cannot do
// that, *account.InvalidError on the field "current", *account.ThrottledError,
// *account.StaleError, account.ErrSignedOut and *SoleOwnerError.
func (s *Service) Schedule(ctx context.Context, live *session.Live, password string, client authcore.Client) error {
	if !s.Allowed() {
		return authcore.ErrNotFound
	}
	user, err := s.Accounts.Reprove(ctx, live, password, client)
	if err != nil {
		return err
	}
	now := s.Clock().UTC().Truncate(time.Microsecond)
	at := now.Add(s.Rules.Grace)
	due, err := job.New(s.Sealer, Job, scheduled{user.ID, at, client}, now)
	if err != nil {
		return err
	}
	ending, err := account.EndSessions(s.Sealer, account.Ending{UserID: user.ID, At: now})
	if err != nil {
		return err
	}
	jobs := []job.Job{due.At(at), ending}
	if s.Rules.Grace > 0 {
		letter := mail.About(mail.DeletionScheduled, user, client, map[string]string{"date": at.Format(time.DateOnly)})
		told, err := mail.NewJob(s.Sealer, letter.LeadingTo("/reactivate"), now)
		if err != nil {
			return err
		}
		jobs = append(jobs, told)
	}
	event := audit.New(now, audit.DeletionSchedule, client).By(audit.ActorUser, user.ID).Of(user.ID).On(live.ID)
	if err := s.Store.ScheduleDeletion(ctx, user.ID, live.AuthEpoch, at, s.Owner, event, jobs...); err != nil {
		return fmt.Errorf("scheduling deletion: %w", account.SignedOut(err))
	}
	if _, err := s.Sessions.RevokeAll(ctx, user.ID, ""); err != nil {
		return fmt.Errorf("the account will be deleted, but its sessions end only when the session store is back: %w", err)
	}
	return nil
}

// When returns when the account of the signed-in user will be deleted; zero when
// it will not.
func (s *Service) When(ctx context.Context, live *session.Live) (time.Time, error) {
	user, _, err := s.Users.User(ctx, live.Identity.UserID)
	return user.DeletionAt, err
}

// Cancel keeps the account of the signed-in user after all.
func (s *Service) Cancel(ctx context.Context, live *session.Live, client authcore.Client) error {
	user, _, err := s.Users.User(ctx, live.Identity.UserID)
	if err != nil {
		return err
	}
	now := s.Clock()
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.DeletionCancelled, user, client, nil).LeadingTo("/account"), now)
	if err != nil {
		return err
	}
	refresh, err := account.RefreshSessions(s.Sealer, user.ID, now)
	if err != nil {
		return err
	}
	event := audit.New(now, audit.DeletionCancel, client).By(audit.ActorUser, user.ID).Of(user.ID).On(live.ID)
	if err := s.Store.CancelDeletion(ctx, user.ID, event, letter, refresh); err != nil {
		return err
	}
	return s.Accounts.Refresh(ctx, user.ID)
}

// Handlers do the jobs.
func (s *Service) Handlers() map[job.Kind]job.Handler {
	return map[job.Kind]job.Handler{Job: s.execute}
}

var errNotDue = errors.New("the grace period has not passed by this node's clock")

// execute deletes an account if that is still wanted.
func (s *Service) execute(ctx context.Context, j job.Job) error {
	var d scheduled
	if err := j.Payload(s.Sealer, &d); err != nil {
		return err
	}
	if s.Clock().Before(d.At) {
		return errNotDue
	}
	user, _, err := s.Users.User(ctx, d.UserID)
	if errors.Is(err, authcore.ErrNotFound) || err == nil && !user.DeletionAt.Equal(d.At) {
		return nil // it was kept, or is gone
	}
	if err != nil {
		return err
	}
	event := audit.New(s.Clock(), audit.DeletionExecute, d.Client).By(audit.ActorSystem, "").Of(user.ID)
	err = s.delete(ctx, user, d.At, event, d.Client)
	if errors.Is(err, authcore.ErrNotFound) {
		return nil
	}
	return err
}

// Delete deletes an account at once, for an operator. It fails with
// *SoleOwnerError.
func (s *Service) Delete(ctx context.Context, user authcore.User, client authcore.Client) error {
	event := audit.New(s.Clock(), audit.DeletionExecute, client).By(audit.ActorOperator, "").Of(user.ID)
	return s.delete(ctx, user, time.Time{}, event, client)
}

func (s *Service) delete(ctx context.Context, user authcore.User, at time.Time, event audit.Event, client authcore.Client) error {
	mode := s.Rules.Mode
	if mode == Off {
		mode = Soft
	}
	now := s.Clock()
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.Deleted, user, client, nil), now)
	if err != nil {
		return err
	}
	ending, err := account.EndSessions(s.Sealer, account.Ending{UserID: user.ID, At: now})
	if err != nil {
		return err
	}
	if err := s.Store.Delete(ctx, user.ID, at, s.Owner, mode, event.With("mode", string(mode)), letter, ending); err != nil {
		return fmt.Errorf("deleting account: %w", err)
	}
	s.Events.Emit(events.UserDeleted, map[string]any{"user_id": user.ID})
	if _, err := s.Sessions.RevokeAll(ctx, user.ID, ""); err != nil {
		return fmt.Errorf("the account is deleted, but its sessions end only when the session store is back: %w", err)
	}
	return nil
}
