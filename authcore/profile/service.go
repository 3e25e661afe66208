// Package profile holds what users say of themselves: their name, their
// language, and the fields that the operator asks for.
package profile

import (
	"context"
	"fmt"
	"slices"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Store keeps profiles.
type Store interface {
	// SaveProfile replaces what a user says, with the jobs that follow from it.
	SaveProfile(ctx context.Context, user authcore.User, event audit.Event, jobs ...job.Job) error
}

// Users reads accounts; account.UserStore does.
type Users interface {
	User(ctx context.Context, id string) (authcore.User, account.Credential, error)
}

// Accounts brings sessions up to date; *account.Service does.
type Accounts interface {
	Refresh(ctx context.Context, userID string) error
}

// Deps are what a Service is made of.
type Deps struct {
	Fields   Fields
	Users    Users
	Store    Store
	Accounts Accounts
	Sealer   job.Sealer
	Clock    authcore.Clock
}

// Service is what the pages call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Change is what a user says anew.
type Change struct {
	Name string
	// Language is a BCP 47 tag that the pages know; empty follows the browser.
	Language string
	// Profile are the values of the fields.
	Profile map[string]string
}

// Profile returns the account of the signed-in user.
func (s *Service) Profile(ctx context.Context, live *session.Live) (authcore.User, error) {
	user, _, err := s.Users.User(ctx, live.Identity.UserID)
	if err != nil {
		return user, fmt.Errorf("finding account: %w", err)
	}
	return user, nil
}

// Save replaces what the signed-in user says. Apps are told from the next
// request on. It fails with *account.InvalidError.
func (s *Service) Save(ctx context.Context, live *session.Live, change Change, client authcore.Client) error {
	user, err := s.Profile(ctx, live)
	if err != nil {
		return err
	}
	name, problem := account.CleanName(change.Name)
	kept, problems := s.Fields.Clean(change.Profile)
	if problem != "" {
		problems["name"] = problem
	}
	if len(problems) > 0 {
		return &account.InvalidError{Fields: problems}
	}
	for field, value := range user.Profile { // of a field that is not asked for now
		if !slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Name == field }) {
			kept[field] = value
		}
	}
	user.Name, user.Language, user.Profile = name, change.Language, kept
	now := s.Clock()
	refresh, err := account.RefreshSessions(s.Sealer, user.ID, now)
	if err != nil {
		return err
	}
	event := audit.New(now, audit.ProfileChange, client).By(audit.ActorUser, user.ID).Of(user.ID).On(live.ID)
	if err := s.Store.SaveProfile(ctx, user, event, refresh); err != nil {
		return fmt.Errorf("saving profile: %w", err)
	}
	return s.Accounts.Refresh(ctx, user.ID)
}
