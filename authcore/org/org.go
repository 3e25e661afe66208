// Package org holds organizations: who belongs to them and in which role, who is
// invited, and what they ask of their members.
//
// A session carries the memberships of its user, so that a request needs no
// database; every change of one is told to the sessions concerned before it is
// answered, and by a job that was stored with it in case that was cut short.
//
// Pages, JSON and command line call one [Service]. Whoever is not a member of an
// organization is told the same of it as of one that does not exist.
package org

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Org is an organization.
type Org struct {
	// ID is a UUIDv7 that never changes.
	ID string
	// Slug is its name in addresses, headers and policies; unique among live ones.
	Slug string
	Name string
	// PersonalOf is the user whose personal workspace it is; else empty.
	PersonalOf string
	Rules      authcore.OrgRules
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Member is a user in an organization.
type Member struct {
	UserID string
	Email  string
	Name   string
	Role   string
	// TwoStep says that two-step sign-in is on.
	TwoStep  bool
	JoinedAt time.Time
	// ActiveAt is when the user last made the organization the active one of a
	// session; zero when never.
	ActiveAt time.Time
}

// Standing is an organization with the role of whoever asked for it; the role of
// an operator is empty.
type Standing struct {
	Org
	Role string
}

// MayGrant reports whether whoever stands so may give and take roles, where owner is
// that of owners: it is theirs alone to give, and to take from one another.
func (st Standing) MayGrant(owner string, roles ...string) bool {
	return st.Role == "" || st.Role == owner || !slices.Contains(roles, owner)
}

// Roles are the roles that members can have.
type Roles struct {
	// All are the names, strongest first. The first is that of owners, who may do
	// everything.
	All []string
	// Managers may invite, admit and remove members below owners, and see the
	// audit log. They include the owner's.
	Managers []string
	// Default is what new members get unless somebody says otherwise: the last
	// of All.
	Default string
}

// defaultRoles are owner, admin and member.
func defaultRoles() Roles {
	return Roles{All: []string{"owner", "admin", "member"}, Managers: []string{"owner", "admin"}, Default: "member"}
}

// Owner is the role that may do everything.
func (r Roles) Owner() string { return r.All[0] }

// Manages reports whether a role may manage members.
func (r Roles) Manages(role string) bool { return slices.Contains(r.Managers, role) }

// BelowOwner is the role of whoever has passed an organization on: a manager's, if
// others than owners manage.
func (r Roles) BelowOwner() string {
	for _, role := range r.Managers {
		if role != r.Owner() {
			return role
		}
	}
	return r.Default
}

var roleName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// Validate checks roles that somebody has configured.
func (r Roles) Validate() error {
	if len(r.All) < 2 {
		return errors.New("roles: give at least two, the owners' first")
	}
	for i, role := range r.All {
		if !roleName.MatchString(role) || slices.Contains(r.All[:i], role) {
			return fmt.Errorf("roles: %q is not a name of its own in lower-case letters, digits, - and _", role)
		}
	}
	for _, role := range append([]string{r.Default}, r.Managers...) {
		if !slices.Contains(r.All, role) {
			return fmt.Errorf("roles: %q is none of %s", role, strings.Join(r.All, ", "))
		}
	}
	if !r.Manages(r.Owner()) {
		return fmt.Errorf("roles: %s, as the owners' role, must be one of the managers", r.Owner())
	}
	if r.Default == r.Owner() {
		return fmt.Errorf("roles: new members must not be %s by default", r.Owner())
	}
	return nil
}

// The errors of changes, beside those of authcore. ErrNotFound means, for whoever
// is not a member, any organization.
var (
	// ErrForbidden says that the role of whoever asks does not allow it.
	ErrForbidden = errors.New("the role does not allow this")
	// ErrLastOwner says that an organization would be left without an owner.
	ErrLastOwner = errors.New("an organization needs an owner: make somebody else one first")
	// ErrLimit says that there would be too many of something.
	ErrLimit = errors.New("there are too many already")
	// ErrChanged says that an organization was changed by somebody else meanwhile. It
	// comes with authcore.ErrConflict.
	ErrChanged = errors.New("the organization has changed meanwhile")
	// ErrOtherAddress says that an invitation is for another address than that of
	// the account that opens it. Nothing about the organization may be told.
	ErrOtherAddress = errors.New("the invitation is for another address")
)

// LimitError is an ErrLimit that ends by itself.
type LimitError struct {
	// Until is when there is room again.
	Until time.Time
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%v, until %s", ErrLimit, e.Until.UTC().Format(time.RFC3339))
}

func (e *LimitError) Unwrap() error { return ErrLimit }

const (
	minSlug = 3
	maxSlug = 63
	maxName = 100
)

var slugForm = regexp.MustCompile(`^[a-z][a-z0-9-]*[a-z0-9]$`)

// reserved are slugs that would be mistaken for something else in an address.
var reserved = []string{
	"admin", "api", "app", "assets", "auth", "billing", "blog", "cdn", "dashboard", "docs", "help", "login", "logout", "mail",
	"new", "oauth", "orgs", "organizations", "register", "settings", "signup", "static", "status", "support", "switch", "system",
	"webhooks", "www",
}

// ValidSlug reports whether a text can be the slug of an organization.
func ValidSlug(slug string) bool {
	return len(slug) >= minSlug && len(slug) <= maxSlug && slugForm.MatchString(slug) && !slices.Contains(reserved, slug)
}
