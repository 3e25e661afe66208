package org

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
)

// Workspaces tells which organizations a user belongs to, and gives those who have
// none of their own a personal workspace first. Sign-in asks it.
type Workspaces struct {
	Config  Config
	Orgs    Store
	Members Members
	Users   Users
	Clock   authcore.Clock
}

// Memberships returns the organizations of a user.
func (w *Workspaces) Memberships(ctx context.Context, userID string) (authcore.Memberships, error) {
	m, err := w.Members.Memberships(ctx, userID)
	if err != nil || !w.Config.Personal || slices.ContainsFunc(m.Orgs, func(o authcore.Org) bool { return o.Personal && o.Role == w.Config.Roles.Owner() }) {
		return m, err
	}
	user, _, err := w.Users.User(ctx, userID)
	if errors.Is(err, authcore.ErrNotFound) { // being made just now
		return m, nil
	}
	if err != nil || user.Disabled() || user.Hold() != "" {
		return m, err
	}
	err = w.make(ctx, user)
	if errors.Is(err, ErrLimit) { // no room for it, which keeps nobody from signing in
		return m, nil
	}
	if err != nil && !errors.Is(err, authcore.ErrConflict) {
		return m, err
	}
	return w.Members.Memberships(ctx, userID)
}

// personalPrefix begins the slug of a personal workspace; the id of the user follows.
const personalPrefix = "user-"

// make makes the personal workspace of a user.
func (w *Workspaces) make(ctx context.Context, user authcore.User) error {
	now := w.Clock().UTC()
	slug := personalPrefix + user.ID
	o := Org{ID: uuid.Must(uuid.NewV7()).String(), Slug: slug, Name: personalName(user, slug), PersonalOf: user.ID, CreatedAt: now, UpdatedAt: now}
	event := audit.New(now, audit.OrgCreate, authcore.Client{}).By(audit.ActorSystem, "").Of(user.ID).With("slug", o.Slug)
	event.OrgID = o.ID
	return w.Orgs.Create(ctx, o, user.ID, w.Config.Roles.Owner(), 0, event)
}

// personalName is the name of a user, or else of their mailbox.
func personalName(user authcore.User, other string) string {
	mailbox, _, _ := strings.Cut(user.Email, "@")
	for _, name := range []string{user.Name, mailbox} {
		if name != "" && !hasLink(name) {
			return name
		}
	}
	return other
}
