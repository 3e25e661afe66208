package ui

import (
	"context"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Orgs is what the pages need of organizations; *org.Service is one. Its methods
// fail with the errors of package org, with *account.InvalidError for bad fields,
// with *account.StaleError when a proof is needed first, also one that the
// organization asks of its members, and with authcore.ErrNotFound for whoever is no
// member.
type Orgs interface {
	OrgHomes
	OrgJoins
	OrgMembers
	OrgInvitations
	OrgSettings
	OrgDomains
}

// OrgHomes are organizations as those see them who belong to them.
type OrgHomes interface {
	MayCreate(id *authcore.Identity) bool
	Mine(ctx context.Context, live *session.Live) ([]authcore.Org, error)
	Create(ctx context.Context, a org.Actor, in org.NewOrg) (org.Org, error)
	Switch(ctx context.Context, live *session.Live, slug string, client authcore.Client) (authcore.Org, error)
	Get(ctx context.Context, a org.Actor, slug string) (org.Standing, error)
	// Moved returns the slug that has taken the place of another.
	Moved(ctx context.Context, a org.Actor, slug string) (string, error)
	Leave(ctx context.Context, a org.Actor, slug string) error
	// Trail returns a page of events before the one with an id, and the id to go on from;
	// it is empty on the last.
	Trail(ctx context.Context, a org.Actor, slug, before string) (events []audit.Event, next string, err error)
}

// OrgJoins are the ways into an organization.
type OrgJoins interface {
	Waiting(ctx context.Context, live *session.Live) ([]org.Waiting, error)
	AcceptByID(ctx context.Context, a org.Actor, id string) (org.Org, error)
	Joinable(ctx context.Context, live *session.Live) (*org.Joinable, error)
	Join(ctx context.Context, a org.Actor, slug string) (joined bool, err error)
	Invited(ctx context.Context, a org.Actor, secret string) (org.Offer, error)
	Accept(ctx context.Context, a org.Actor, secret string) (org.Org, error)
	AcceptNew(ctx context.Context, secret string, in org.NewMember) (account.SignedIn, error)
}

// OrgMembers manages who belongs to an organization.
type OrgMembers interface {
	ListMembers(ctx context.Context, a org.Actor, slug, text, after string) (org.List, error)
	SetRole(ctx context.Context, a org.Actor, slug, userID, role string) error
	Remove(ctx context.Context, a org.Actor, slug, userID string) error
	Requests(ctx context.Context, a org.Actor, slug, after string) (org.RequestList, error)
	Admit(ctx context.Context, a org.Actor, slug, userID, role string) error
	Refuse(ctx context.Context, a org.Actor, slug, userID string) error
}

// OrgInvitations manages who is invited.
type OrgInvitations interface {
	ListInvitations(ctx context.Context, a org.Actor, slug string) (org.Standing, []org.Invitation, error)
	Invite(ctx context.Context, a org.Actor, slug, email, role string) error
	RevokeInvitation(ctx context.Context, a org.Actor, slug, id string) error
	Resend(ctx context.Context, a org.Actor, slug, id string) error
}

// OrgSettings changes an organization, for its owners.
type OrgSettings interface {
	// Owned fails with org.ErrForbidden.
	Owned(ctx context.Context, a org.Actor, slug string) (org.Standing, error)
	// Sensitive fails with *account.StaleError and org.ErrForbidden.
	Sensitive(ctx context.Context, a org.Actor, slug string) (org.Standing, error)
	Rename(ctx context.Context, a org.Actor, slug, name string) error
	ChangeSlug(ctx context.Context, a org.Actor, slug, to, typed string) error
	SetRules(ctx context.Context, a org.Actor, slug string, rules authcore.OrgRules) error
	// Affected names some of the members without what rules ask for, and counts them.
	Affected(ctx context.Context, a org.Actor, slug string, rules authcore.OrgRules, limit int) (some []org.Member, all int, err error)
	Transfer(ctx context.Context, a org.Actor, slug, to string) error
	Delete(ctx context.Context, a org.Actor, slug, typed string) error
}

// OrgDomains manages by which addresses people may join.
type OrgDomains interface {
	ListDomains(ctx context.Context, a org.Actor, slug string) (org.Standing, []org.Domain, error)
	AddDomain(ctx context.Context, a org.Actor, slug, name, role string, ask bool) (org.Domain, error)
	VerifyByDNS(ctx context.Context, a org.Actor, slug, name string) error
	MailProof(ctx context.Context, a org.Actor, slug, name, mailbox string) error
	VerifyByMail(ctx context.Context, a org.Actor, slug, name, code string) error
	RemoveDomain(ctx context.Context, a org.Actor, slug, name string) error
}
