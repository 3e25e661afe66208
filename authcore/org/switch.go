package org

import (
	"context"
	"fmt"
	"slices"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Mine returns the organizations of a signed-in user, as they are now.
func (s *Service) Mine(ctx context.Context, live *session.Live) ([]authcore.Org, error) {
	m, err := s.Members.Memberships(ctx, live.Identity.UserID)
	return m.Orgs, err
}

// Switch makes an organization the active one of a session and returns it. The
// token stays: the user is trusted as before. It fails with authcore.ErrNotFound
// for one that the user is no member of.
func (s *Service) Switch(ctx context.Context, live *session.Live, slug string, client authcore.Client) (authcore.Org, error) {
	userID := live.Identity.UserID
	m, err := s.Members.Memberships(ctx, userID)
	if err != nil {
		return authcore.Org{}, fmt.Errorf("reading memberships: %w", err)
	}
	i := slices.IndexFunc(m.Orgs, func(o authcore.Org) bool { return o.Slug == slug })
	if i < 0 {
		return authcore.Org{}, authcore.ErrNotFound
	}
	chosen := m.Orgs[i]
	if live.Identity.Org.ID == chosen.ID {
		return chosen, nil
	}
	a := Actor{Live: live, Client: client}
	if err := s.Notes.Note(ctx, s.event(audit.OrgSwitch, a, chosen.ID).Of(userID)); err != nil {
		return chosen, fmt.Errorf("noting switch: %w", err)
	}
	if err := s.MemberChanges.MarkActive(ctx, chosen.ID, userID, s.Clock()); err != nil {
		return chosen, fmt.Errorf("noting switch: %w", err)
	}
	// What the session says of memberships may be older or newer than what was read
	// here, and stays: only the choice is changed.
	id, err := s.Sessions.Amend(ctx, live, func(id authcore.Identity) authcore.Identity { return id.In(slug) })
	if err != nil {
		return chosen, err
	}
	if id.Org.ID != chosen.ID { // taken away meanwhile, or not told to the session yet
		return chosen, s.Accounts.Refresh(ctx, userID)
	}
	return chosen, nil
}
