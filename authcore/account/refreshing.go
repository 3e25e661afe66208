package account

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
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

// Refresh makes every session of a user carry what the account says now, and the
// organizations that the user belongs to.
func (s *Service) Refresh(ctx context.Context, userID string) error {
	return s.refresh(ctx, refreshing{UserID: userID})
}

func (s *Service) refresh(ctx context.Context, r refreshing) error {
	done, err := s.sessions.Rewrite(ctx, r.UserID, func(ctx context.Context) (session.Change, error) {
		change, err := s.current(ctx, r.UserID)
		return func(id authcore.Identity) authcore.Identity {
			id.Trusted = id.Trusted && !r.Distrust
			return change(id)
		}, err
	})
	if err := errors.Join(err, s.noteReassigned(ctx, done...)); err != nil {
		return fmt.Errorf("the change is made, but sessions show it only when the stores are back: %w", err)
	}
	return nil
}

// refreshers is how many users are brought up to date at a time.
const refreshers = 16

// RefreshAll is Refresh for many users. Those that do not exist any more have no
// sessions.
func (s *Service) RefreshAll(ctx context.Context, userIDs []string) error {
	errs := make(chan error, len(userIDs))
	slots := make(chan struct{}, refreshers)
	for _, id := range userIDs {
		slots <- struct{}{}
		go func() {
			errs <- s.Refresh(ctx, id)
			<-slots
		}()
	}
	var first error
	for range userIDs {
		if err := <-errs; first == nil && !errors.Is(err, authcore.ErrNotFound) {
			first = err
		}
	}
	return first
}

// current returns the change that makes an identity say what the account says now.
func (s *Service) current(ctx context.Context, userID string) (session.Change, error) {
	user, _, err := s.users.User(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("finding account: %w", err)
	}
	memberships, err := s.memberships(ctx, userID)
	return func(id authcore.Identity) authcore.Identity { return id.Describe(user).Belong(memberships) }, err
}

func (s *Service) memberships(ctx context.Context, userID string) (authcore.Memberships, error) {
	m, err := s.orgs.Memberships(ctx, userID)
	if err != nil {
		return m, fmt.Errorf("reading memberships: %w", err)
	}
	return m, nil
}

// settle follows a session that was stored under a new token. If it carries what
// was true before, it is brought up to date: a refresh may have looked for it in
// between, under the old one.
func (s *Service) settle(ctx context.Context, old *session.Live, stored *session.Session) error {
	change, err := s.current(ctx, stored.Identity.UserID)
	if err == nil && !reflect.DeepEqual(change(stored.Identity), stored.Identity) {
		err = s.Refresh(ctx, stored.Identity.UserID)
	}
	return errors.Join(err, s.noteReassigned(ctx, session.Rewritten{Before: old.Identity, After: stored.Identity}))
}

// noteReassigned notes which sessions act in another organization, or in none,
// because their user belongs no more to the one that was active.
func (s *Service) noteReassigned(ctx context.Context, changes ...session.Rewritten) error {
	for _, c := range changes {
		from, to := c.Before.Org.ID, c.After.Org.ID
		if from == "" || from == to || slices.ContainsFunc(c.After.Orgs, func(o authcore.Org) bool { return o.ID == from }) {
			continue
		}
		event := audit.New(s.clock(), audit.OrgReassign, authcore.Client{}).By(audit.ActorSystem, "").
			Of(c.After.UserID).On(c.After.SessionID).With("from", from).With("to", to)
		event.OrgID = from
		if err := s.ledger.Note(ctx, event); err != nil {
			return fmt.Errorf("noting another organization: %w", err)
		}
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
