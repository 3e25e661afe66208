package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/passkey"
)

// OrgStore is a store of organizations.
type OrgStore interface {
	org.Store
	org.Members
	org.MemberChanges
	org.Invitations
	org.Domains
	org.Joining
}

// Orgs is an OrgStore with what it belongs to.
type Orgs struct {
	OrgStore
	// Node is the same store as another node has it.
	Node      OrgStore
	Accounts  Accounts
	Factors   mfa.Store
	Passkeys  passkey.Store
	Deletions deletion.Store
	Queue     JobQueue
}

const (
	owner   = "owner"
	manager = "admin"
	plain   = "member"
)

// operator may do everything.
var operator org.Authority

func byOwner(userID string) org.Authority {
	return org.Authority{UserID: userID, Roles: []string{owner}}
}

func byManager(userID string) org.Authority {
	return org.Authority{UserID: userID, Roles: []string{owner, manager}}
}

func newOrg(slug string) org.Org {
	return org.Org{ID: newID(), Slug: slug, Name: "Ünïcode " + slug, CreatedAt: now(), UpdatedAt: now()}
}

func orgEvent(action audit.Action, orgID string) audit.Event {
	event := newEvent(action)
	event.OrgID = orgID
	return event
}

// user makes an account.
func (s Orgs) user(ctx context.Context, t testing.TB, name string) authcore.User {
	t.Helper()
	user := newUser(name)
	must(t, s.Accounts.Create(ctx, user, "hash", newEvent(audit.UserCreate).Of(user.ID)))
	return user
}

// current is an account as it is now.
func (s Orgs) current(ctx context.Context, t testing.TB, user authcore.User) authcore.User {
	t.Helper()
	user, _, err := s.Accounts.User(ctx, user.ID)
	must(t, err)
	return user
}

func (s Orgs) create(ctx context.Context, o org.Org, ownerID string, max int) error {
	return s.Create(ctx, o, ownerID, owner, max, orgEvent(audit.OrgCreate, o.ID), laterJob())
}

// org makes an organization with its owner.
func (s Orgs) org(ctx context.Context, t testing.TB, slug string) (org.Org, authcore.User) {
	t.Helper()
	o, user := newOrg(slug), s.user(ctx, t, "owner-of-"+slug)
	must(t, s.create(ctx, o, user.ID, 0))
	return o, user
}

func (s Orgs) add(ctx context.Context, by org.Authority, o org.Org, userID, role string) error {
	return s.Add(ctx, by, o.ID, userID, role, owner, orgEvent(audit.OrgMemberAdd, o.ID).Of(userID), laterJob())
}

// member makes an account that belongs to an organization.
func (s Orgs) member(ctx context.Context, t testing.TB, o org.Org, name, role string) authcore.User {
	t.Helper()
	user := s.user(ctx, t, name)
	must(t, s.add(ctx, operator, o, user.ID, role))
	return user
}

func (s Orgs) setRole(ctx context.Context, by org.Authority, o org.Org, userID, role string) error {
	return s.SetRole(ctx, by, o.ID, userID, role, owner, orgEvent(audit.OrgRoleChange, o.ID).Of(userID), laterJob())
}

func (s Orgs) remove(ctx context.Context, by org.Authority, o org.Org, userID string) error {
	return s.Remove(ctx, by, o.ID, userID, owner, orgEvent(audit.OrgMemberRemove, o.ID).Of(userID), laterJob())
}

func (s Orgs) change(ctx context.Context, by org.Authority, o org.Org) error {
	for {
		var err error
		if o.UpdatedAt, err = s.updatedAt(ctx, o.ID); err != nil {
			return err
		}
		err = s.Change(ctx, by, o, org.Renaming{}, orgEvent(audit.OrgRename, o.ID), laterJob())
		if !errors.Is(err, org.ErrChanged) {
			return err
		}
	}
}

// updatedAt is when a live organization was last changed; zero when there is none.
func (s Orgs) updatedAt(ctx context.Context, id string) (time.Time, error) {
	list, err := s.All(ctx, "", 1000)
	for _, o := range list {
		if o.ID == id {
			return o.UpdatedAt, err
		}
	}
	return time.Time{}, err
}

func (s Orgs) delete(ctx context.Context, by org.Authority, o org.Org) error {
	return s.Delete(ctx, by, o.ID, orgEvent(audit.OrgDelete, o.ID), laterJob())
}

// roles returns the role of each member.
func (s Orgs) roles(ctx context.Context, t testing.TB, o org.Org) map[string]string {
	t.Helper()
	members, err := s.Members(ctx, o.ID, "", "", 1000)
	must(t, err)
	roles := make(map[string]string)
	for _, m := range members {
		roles[m.UserID] = m.Role
	}
	return roles
}

// owners counts the users who own an organization and will not be deleted.
func (s Orgs) owners(ctx context.Context, t testing.TB, o org.Org, users ...authcore.User) (n int) {
	t.Helper()
	for _, user := range users {
		if s.roles(ctx, t, o)[user.ID] == owner && s.current(ctx, t, user).DeletionAt.IsZero() {
			n++
		}
	}
	return n
}

// slugs returns those of the organizations that a user belongs to.
func (s Orgs) slugs(ctx context.Context, t testing.TB, userID string) (slugs []string) {
	t.Helper()
	m, err := s.Memberships(ctx, userID)
	must(t, err)
	for _, o := range m.Orgs {
		slugs = append(slugs, o.Slug)
	}
	return slugs
}

// actions returns what the trail of an organization tells, the newest first.
func (s Orgs) actions(ctx context.Context, t testing.TB, o org.Org) (actions []audit.Action) {
	t.Helper()
	events, err := s.Events(ctx, o.ID, "", 1000)
	must(t, err)
	for _, e := range events {
		actions = append(actions, e.Action)
	}
	return actions
}

// hold makes an account one that cannot be used, but that is not deleted.
func (s Orgs) hold(ctx context.Context, t testing.TB, disabled, scheduled authcore.User) {
	t.Helper()
	_, err := s.Accounts.SetDisabled(ctx, disabled.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	must(t, s.schedule(ctx, scheduled))
}

// schedule has a user delete their account.
func (s Orgs) schedule(ctx context.Context, user authcore.User) error {
	return s.Deletions.ScheduleDeletion(ctx, user.ID, user.AuthEpoch, now().Add(time.Hour), owner, newEvent(audit.DeletionSchedule), laterJob())
}

func (s Orgs) deleteAccount(ctx context.Context, userID string, mode deletion.Mode) error {
	return s.Deletions.Delete(ctx, userID, time.Time{}, owner, mode, newEvent(audit.DeletionExecute).By(audit.ActorUser, userID).Of(userID))
}
