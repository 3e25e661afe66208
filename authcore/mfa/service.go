// Package mfa is two-step sign-in: codes of an authenticator app and backup
// codes as second factors, how they are turned on and off, and what a lost phone
// needs. Passkeys, which can be a second factor too, are another package's.
package mfa

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Deps are what a Service is made of.
type Deps struct {
	Users    Users
	Store    Store
	Accounts Accounts
	Sessions Sessions
	Guard    Guard
	Notes    Notes
	Box      Box
	Events   events.Sink
	Clock    authcore.Clock
	Logger   *slog.Logger
}

// Service is what the pages and the command line call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Factors returns what the signed-in user, or that of a pending sign-in, has at a
// relying party.
func (s *Service) Factors(ctx context.Context, live *session.Live, rpID string) (Factors, error) {
	f, err := s.Store.Factors(ctx, live.Identity.UserID, rpID)
	if err != nil {
		return f, fmt.Errorf("reading second factors: %w", err)
	}
	return f, nil
}

// TurnOff turns two-step sign-in off for the signed-in user: the app, the backup
// codes and all trust in browsers go, passkeys stay; no session says any more that
// it was trusted. It fails with *account.StaleError.
func (s *Service) TurnOff(ctx context.Context, live *session.Live, client authcore.Client) error {
	if err := s.Accounts.CheckRecent(ctx, live); err != nil {
		return err
	}
	user, letter, err := s.letter(ctx, live, mail.TwoStepOff, settings, client)
	if err != nil {
		return err
	}
	refresh, err := account.RefreshSessions(s.Box, user.ID, s.Clock())
	if err != nil {
		return err
	}
	event := s.event(audit.TwoStepDisable, live, client)
	if err := s.Store.TurnOff(ctx, user.ID, live.AuthEpoch, event, letter, refresh); err != nil {
		return fmt.Errorf("turning two-step sign-in off: %w", err)
	}
	s.Events.Emit(events.TwoStepOff, map[string]any{"user_id": user.ID})
	return s.Accounts.Refresh(ctx, user.ID)
}

// Reset removes all second factors of a user, passkeys too, and ends all
// sessions, for an operator who knows by other means that the user has lost
// them.
func (s *Service) Reset(ctx context.Context, user authcore.User, client authcore.Client) error {
	now := s.Clock()
	letter, err := mail.NewJob(s.Box, mail.About(mail.FactorsReset, user, client, nil).LeadingTo(settings), now)
	if err != nil {
		return err
	}
	ending, err := account.EndSessions(s.Box, account.Ending{UserID: user.ID, At: now})
	if err != nil {
		return err
	}
	event := audit.New(now, audit.TwoStepReset, client).By(audit.ActorOperator, "").Of(user.ID)
	if err := s.Store.Reset(ctx, user.ID, event, letter, ending); err != nil {
		return fmt.Errorf("resetting second factors: %w", err)
	}
	s.Events.Emit(events.TwoStepOff, map[string]any{"user_id": user.ID})
	s.forgetTries(ctx, user.ID)
	if _, err := s.Sessions.RevokeAll(ctx, user.ID, ""); err != nil {
		return fmt.Errorf("the factors are reset, but old sessions end only when the session store is back: %w", err)
	}
	return nil
}

// settings is the page that mails lead to.
const settings = "/account/mfa"

// event starts the audit event of something the signed-in user did.
func (s *Service) event(action audit.Action, live *session.Live, client authcore.Client) audit.Event {
	userID := live.Identity.UserID
	return audit.New(s.Clock(), action, client).By(audit.ActorUser, userID).Of(userID).On(live.ID)
}

// letter returns the mail that tells the user of a session what has happened.
func (s *Service) letter(ctx context.Context, live *session.Live, kind mail.Kind, page string, client authcore.Client) (authcore.User, job.Job, error) {
	user, _, err := s.Users.User(ctx, live.Identity.UserID)
	if err != nil {
		return user, job.Job{}, fmt.Errorf("finding account: %w", err)
	}
	letter, err := mail.NewJob(s.Box, mail.About(kind, user, client, nil).LeadingTo(page), s.Clock())
	return user, letter, err
}

// forgetTries gives a user the whole budget of tries again.
func (s *Service) forgetTries(ctx context.Context, userID string) {
	if err := s.Guard.FactorSucceeded(ctx, userID); err != nil {
		s.Logger.Warn("limit of second factors not reset", slog.Any("error", err))
	}
}
