package org

import (
	"context"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Authority is on whose behalf something is changed. It is judged in the
// transaction of the change, with the organization locked: whoever has just been
// demoted changes nothing. A change fails with authcore.ErrNotFound when the user
// is no member, and with ErrForbidden when the role is none of Roles.
type Authority struct {
	// UserID is empty for an operator, who may do everything.
	UserID string
	// Roles are those that may; none means any member.
	Roles []string
	// MaxOwned is how many organizations a user may own who is made owner, beside the
	// personal one; zero is no limit. A change over it fails with ErrLimit.
	MaxOwned int

	// identity is what the user has proven, for the rules of the organization.
	identity *authcore.Identity
}

// Store keeps organizations. A change and its event are one transaction, also in
// the stores below; jobs are stored with them.
type Store interface {
	// Create adds an organization with its first owner (empty: none). It fails with
	// authcore.ErrConflict when the slug is taken, also as an alias, or when the user
	// has a personal one already, and with ErrLimit when the user would own more
	// than max, or belong to more than authcore.MaxMemberships. Zero is no limit.
	Create(ctx context.Context, o Org, owner string, role string, max int, event audit.Event, jobs ...job.Job) error
	// Find returns a live organization by slug, with the role of a user (empty: an
	// operator). Not found is one that the user is no member of.
	Find(ctx context.Context, slug, userID string) (Standing, error)
	// FindAlias returns the organization that had a slug until lately, as Find does.
	FindAlias(ctx context.Context, slug, userID string, at time.Time) (Standing, error)
	// All returns up to limit live organizations in the order of their ids, after
	// the given one.
	All(ctx context.Context, after string, limit int) ([]Org, error)
	// Change replaces name, slug and rules of an organization as it was read. It fails
	// with ErrChanged when somebody else has changed it since. When the slug is another,
	// the old one is an alias for AliasLife, and authcore.ErrConflict says that the new
	// one is taken. It fails with *LimitError over the bounds.
	Change(ctx context.Context, by Authority, o Org, bounds Renaming, event audit.Event, jobs ...job.Job) error
	// Delete takes an organization away from everybody. Its invitations, domains and
	// requests are gone; its slugs lead nowhere, and nobody takes the last one for
	// AliasLife.
	Delete(ctx context.Context, by Authority, id string, event audit.Event, jobs ...job.Job) error
	// Events returns up to limit events about an organization, the newest first,
	// before the one with the given id (empty: from the newest).
	Events(ctx context.Context, orgID, before string, limit int) ([]audit.Event, error)
}

// Renaming bounds how often an organization gets another name or slug.
type Renaming struct {
	// Aliases is how many old slugs may lead to it, and PerHour how often name or slug
	// change in an hour; zero is no limit.
	Aliases, PerHour int
}

// Members tells who belongs to which organization.
type Members interface {
	// Memberships returns the organizations that a user belongs to. Of an unknown
	// user, there are none.
	Memberships(ctx context.Context, userID string) (authcore.Memberships, error)
	// Members returns up to limit members in the order of their user ids, after the
	// given one, whose name or address contains a text (empty: all).
	Members(ctx context.Context, orgID, text, after string, limit int) ([]Member, error)
	// Member returns one member, or authcore.ErrNotFound.
	Member(ctx context.Context, orgID, userID string) (Member, error)
	// WithRole returns the accounts of the members with a role.
	WithRole(ctx context.Context, orgID, role string) ([]authcore.User, error)
	// MemberIDs returns up to limit user ids, after the given one, also of an
	// organization that was deleted.
	MemberIDs(ctx context.Context, orgID, after string, limit int) ([]string, error)
	// Count returns how many members there are, and how many of them have no
	// two-step sign-in.
	Count(ctx context.Context, orgID string) (all, withoutTwoStep int, err error)
	// Affected returns up to limit members, in the order of their user ids, without what
	// rules ask for: two-step sign-in, or one of the methods, of which everybody has the
	// link. It also counts them.
	Affected(ctx context.Context, orgID string, rules authcore.OrgRules, limit int) (some []Member, all int, err error)
}

// MemberChanges changes who belongs to which organization, and in which role.
type MemberChanges interface {
	// Add adds a member, and takes a request of theirs to join off the list. It
	// fails with authcore.ErrConflict when they are one already, and with ErrLimit
	// over authcore.MaxMemberships, and as SetRole does where an owner is made.
	Add(ctx context.Context, by Authority, orgID, userID, role, owner string, event audit.Event, jobs ...job.Job) error
	// SetRole changes a role, and ends the open invitations by the member that the new
	// one does not allow. It fails with ErrLastOwner when no owner would be left, with
	// ErrLimit when the user would own too many, and with ErrForbidden when an owner is concerned or made, and the authority is
	// no owner's. Accounts that are disabled, or will be deleted, do not count as
	// owners; of several changes at once, deletions of accounts among them, the last
	// fails. A personal workspace stays its user's, else it fails with ErrForbidden
	// too.
	SetRole(ctx context.Context, by Authority, orgID, userID, role, owner string, event audit.Event, jobs ...job.Job) error
	// Remove ends a membership, and the open invitations by the member. It fails as
	// SetRole does; everybody may leave.
	Remove(ctx context.Context, by Authority, orgID, userID, owner string, event audit.Event, jobs ...job.Job) error
	// Transfer makes another member owner in place of the authority, or of all owners
	// where that is an operator's; they get a role. It fails as SetRole does.
	Transfer(ctx context.Context, by Authority, orgID, to, owner, role string, event audit.Event, jobs ...job.Job) error
	// MarkActive notes that a member made an organization the active one.
	MarkActive(ctx context.Context, orgID, userID string, at time.Time) error
}

// InvitationState is what has become of an invitation.
type InvitationState string

// The states.
const (
	Pending  InvitationState = "pending"
	Accepted InvitationState = "accepted"
	Revoked  InvitationState = "revoked"
	Expired  InvitationState = "expired"
)

// Invitation offers a role to whoever owns an address.
type Invitation struct {
	ID    string // UUIDv7
	OrgID string
	Email string
	// EmailKey is the canonical form of Email.
	EmailKey string
	Role     string
	// Hash is the SHA-256 of the secret in the mail.
	Hash []byte
	// InvitedBy is the user who has invited; empty for an operator.
	InvitedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	State     InvitationState
	// Refusals is how often a use was refused and noted.
	Refusals int
}

// Quota bounds how many invitations may be sent within a time.
type Quota struct {
	// PerUser and PerOrg are the most since a moment; zero is no limit.
	PerUser, PerOrg int
	Since           time.Time
}

// Invitations keeps invitations.
type Invitations interface {
	// Invite stores an invitation with its letter, and revokes one to the same address
	// that is open, with an event of its own. It fails with authcore.ErrConflict when the address belongs to
	// a member, with ErrForbidden when an owner is invited and the authority is no
	// owner's, and with ErrLimit over the quota.
	Invite(ctx context.Context, by Authority, in Invitation, owner string, q Quota, event audit.Event, jobs ...job.Job) error
	// Renew gives a pending or expired invitation another secret and end, and sends a
	// letter. It fails with authcore.ErrNotFound when it is neither, with ErrForbidden when
	// an owner is invited and the authority is no owner's, and with ErrLimit.
	Renew(ctx context.Context, by Authority, in Invitation, owner string, q Quota, event audit.Event, jobs ...job.Job) error
	// Revoke ends a pending or expired invitation, or fails with authcore.ErrNotFound.
	Revoke(ctx context.Context, by Authority, orgID, id string, event audit.Event) error
	// Invitations returns those that are pending, and those that expired within the
	// last 30 days, the newest first.
	Invitations(ctx context.Context, orgID string, at time.Time) ([]Invitation, error)
	// Invitation returns the one with a secret, whatever its state, or with an id if
	// the hash is nil; with its organization. authcore.ErrNotFound also says that the
	// organization is gone.
	Invitation(ctx context.Context, hash []byte, id string, at time.Time) (Invitation, Org, error)
	// InvitationsFor returns the pending ones for an address, with their organizations.
	InvitationsFor(ctx context.Context, emailKey string, at time.Time) ([]Invitation, []Org, error)
	// NoteRefusal writes the event of a use that was refused, unless there are as many
	// about the invitation as may be.
	NoteRefusal(ctx context.Context, id string, max int, event audit.Event) error
}

// Domain lets users whose proven address is in it join an organization.
type Domain struct {
	OrgID string
	// Name is in lower case, in A-labels.
	Name string
	// Role is what they get. With Ask, they ask to join, and a manager admits them.
	Role string
	Ask  bool
	// Challenge is what a DNS TXT record must say.
	Challenge  string
	VerifiedAt time.Time // zero: not proven yet
	CreatedAt  time.Time
}

// Request is a user who asks to join.
type Request struct {
	UserID string
	Email  string
	Name   string
	At     time.Time
}

// Domains keeps domains of organizations.
type Domains interface {
	// Domains returns those of an organization.
	Domains(ctx context.Context, orgID string) ([]Domain, error)
	// AddDomain adds or replaces one that is not verified yet. It fails with
	// authcore.ErrConflict when another organization has verified it, and with
	// ErrLimit over max.
	AddDomain(ctx context.Context, by Authority, d Domain, max int, event audit.Event) error
	// MailProof stores the token of a mail that proves a domain, whose Address is the
	// id of the organization, a space and the name, with the letter. It fails with
	// ErrLimit over the quota, which counts such mails as invitations are.
	MailProof(ctx context.Context, by Authority, orgID string, t token.Token, q Quota, event audit.Event, letter job.Job) error
	// VerifyDomain notes that a domain is proven: by the token with a hash, which it
	// consumes, or by DNS when that is nil. It fails with authcore.ErrNotFound when
	// there is no such token for this domain, and with authcore.ErrConflict when
	// another organization was first.
	VerifyDomain(ctx context.Context, by Authority, orgID, name string, proof []byte, event audit.Event) error
	// RemoveDomain removes one, or fails with authcore.ErrNotFound.
	RemoveDomain(ctx context.Context, by Authority, orgID, name string, event audit.Event) error
	// ByDomain returns the verified domain with a name and its organization, or
	// authcore.ErrNotFound.
	ByDomain(ctx context.Context, name string) (Domain, Org, error)
}

// Joining are the ways in: by an invitation, by a domain, and by a request.
type Joining interface {
	// Accept makes a user with the address of a pending invitation a member; of
	// several at once, one succeeds and the others fail with authcore.ErrNotFound. It
	// fails with authcore.ErrConflict when the user is a member already, whose
	// invitation is used up then too, without event and jobs, and with ErrLimit as Add
	// does.
	Accept(ctx context.Context, in Invitation, userID, owner string, maxOwned int, event audit.Event, jobs ...job.Job) error
	// AcceptNew makes the account of whoever is invited and the membership in one
	// transaction. It fails with authcore.ErrNotFound as Accept does, and with
	// authcore.ErrConflict when the address is taken.
	AcceptNew(ctx context.Context, in Invitation, user authcore.User, passwordHash string, events []audit.Event, jobs ...job.Job) error
	// Ask stores a request to join; a second one changes nothing. It fails with
	// authcore.ErrConflict when the user is a member.
	Ask(ctx context.Context, orgID, userID string, event audit.Event) error
	// Asked reports whether a user asks to join.
	Asked(ctx context.Context, orgID, userID string) (bool, error)
	// Join makes a user a member by a domain. It fails with authcore.ErrNotFound when that
	// is not as it was read any more, or the user has no proven address in it, and
	// else as MemberChanges.Add does.
	Join(ctx context.Context, d Domain, userID string, event audit.Event, jobs ...job.Job) error
	// Requests returns up to limit requests in the order of the ids of the users, after
	// the given one.
	Requests(ctx context.Context, orgID, after string, limit int) ([]Request, error)
	// Admit makes a user who asks to join a member, as MemberChanges.Add does. It fails
	// with authcore.ErrNotFound when they do not ask.
	Admit(ctx context.Context, by Authority, orgID, userID, role, owner string, event audit.Event, jobs ...job.Job) error
	// Refuse removes a request, or fails with authcore.ErrNotFound.
	Refuse(ctx context.Context, by Authority, orgID, userID string, event audit.Event) error
}
