package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/sigra-auth/sigra/authcore/org"
)

// offer is an invitation with its organization.
type offer struct {
	in  org.Invitation
	org org.Org
}

// offersWhere returns the invitations to live organizations that meet a condition,
// the newest first, as they are at a time.
func (s *Orgs) offersWhere(ctx context.Context, at time.Time, condition string, args ...any) ([]offer, error) {
	return readAll(ctx, s.db, "reading invitations", func(row scanner) (offer, error) { return scanOffer(row, at) }, `SELECT `+orgColumns+`,
		invitations.id, invitations.org_id, invitations.email, invitations.email_key, invitations.role, invitations.hash, invitations.invited_by,
		invitations.created_at, invitations.expires_at, invitations.accepted_at, invitations.revoked_at, invitations.refusals
		FROM invitations JOIN organizations ON organizations.id = invitations.org_id
		WHERE organizations.deleted_at = 0 AND `+condition+` ORDER BY invitations.id DESC`, args...)
}

func scanOffer(row scanner, at time.Time) (o offer, err error) {
	var created, expires, accepted, revoked int64
	o.org, err = scanOrg(row, &o.in.ID, &o.in.OrgID, &o.in.Email, &o.in.EmailKey, &o.in.Role, &o.in.Hash, &o.in.InvitedBy,
		&created, &expires, &accepted, &revoked, &o.in.Refusals)
	o.in.CreatedAt, o.in.ExpiresAt = timeOf(created), timeOf(expires)
	switch {
	case accepted != 0:
		o.in.State = org.Accepted
	case revoked != 0:
		o.in.State = org.Revoked
	case expires <= micros(at):
		o.in.State = org.Expired
	default:
		o.in.State = org.Pending
	}
	return o, err
}

// stillOpen is the condition of an invitation that was neither used nor revoked.
const stillOpen = `invitations.accepted_at = 0 AND invitations.revoked_at = 0`

// Invitations implements org.Invitations.
func (s *Orgs) Invitations(ctx context.Context, orgID string, at time.Time) ([]org.Invitation, error) {
	offers, err := s.offersWhere(ctx, at, stillOpen+` AND invitations.org_id = $1 AND invitations.expires_at > $2`, orgID, micros(at.Add(-keepInvitations)))
	invitations, _ := apart(offers)
	return invitations, err
}

// Invitation implements org.Invitations.
func (s *Orgs) Invitation(ctx context.Context, hash []byte, id string, at time.Time) (org.Invitation, org.Org, error) {
	condition, value := `invitations.hash = $1`, any(hash)
	if hash == nil {
		condition, value = `invitations.id = $1`, id
	}
	offers, err := s.offersWhere(ctx, at, condition, value)
	if err == nil && len(offers) == 0 {
		err = s.db.failed("finding an invitation", sql.ErrNoRows)
	}
	if err != nil {
		return org.Invitation{}, org.Org{}, err
	}
	return offers[0].in, offers[0].org, nil
}

// InvitationsFor implements org.Invitations.
func (s *Orgs) InvitationsFor(ctx context.Context, emailKey string, at time.Time) ([]org.Invitation, []org.Org, error) {
	offers, err := s.offersWhere(ctx, at, stillOpen+` AND invitations.email_key = $1 AND invitations.expires_at > $2`, emailKey, micros(at))
	invitations, orgs := apart(offers)
	return invitations, orgs, err
}

func apart(offers []offer) (invitations []org.Invitation, orgs []org.Org) {
	for _, o := range offers {
		invitations, orgs = append(invitations, o.in), append(orgs, o.org)
	}
	return invitations, orgs
}

var _ org.Invitations = (*Orgs)(nil)
