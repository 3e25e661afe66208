package sqlstore

import (
	"context"
	"database/sql"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/deletion"
)

// lockOrgsOf locks the live organizations of an account, which is locked before, and
// returns their ids.
func (db *DB) lockOrgsOf(ctx context.Context, tx *sql.Tx, userID string) ([]string, error) {
	return collect(ctx, tx, scanText, `SELECT id FROM organizations WHERE deleted_at = 0
		AND id IN (SELECT org_id FROM memberships WHERE user_id = $1) ORDER BY id`+db.dialect.forUpdate(), userID)
}

// spareOwner fails with *deletion.SoleOwnerError when organizations with other members
// have no owner but a user, or none whose account counts. The account and its
// organizations are locked before, so that of several owners who go at once one stays.
func spareOwner(ctx context.Context, q querier, userID, owner string) error {
	alone, err := collect(ctx, q, func(row scanner) (authcore.Org, error) {
		o, err := scanOrg(row)
		return authcore.Org{ID: o.ID, Slug: o.Slug, Name: o.Name, Role: owner}, err
	}, `SELECT `+orgColumns+` FROM memberships JOIN organizations ON organizations.id = memberships.org_id
		WHERE memberships.user_id = $1 AND memberships.role = $2 AND organizations.deleted_at = 0
		AND EXISTS (SELECT 1 FROM memberships other WHERE other.org_id = organizations.id AND other.user_id <> $1)
		AND NOT EXISTS (SELECT 1 FROM memberships other JOIN users ON users.id = other.user_id
			WHERE other.org_id = organizations.id AND other.user_id <> $1 AND other.role = $2 AND `+accountCounts+`)
		ORDER BY organizations.slug`, userID, owner)
	if err == nil && len(alone) > 0 {
		err = &deletion.SoleOwnerError{Orgs: alone}
	}
	return err
}

// leaveOrgs ends the memberships of an account in organizations that are locked, and
// deletes those that have no member then. It adds events to that of the account.
func leaveOrgs(ctx context.Context, tx *sql.Tx, userID string, left []string, event audit.Event) error {
	if err := withdrawAll(ctx, tx, userID, event.At); err != nil {
		return err
	}
	// A workspace that others stay in is an organization like any other now.
	if _, err := tx.ExecContext(ctx, `UPDATE organizations SET personal_of = '' WHERE personal_of = $1`, userID); err != nil {
		return err
	}
	for _, table := range []string{"memberships", "join_requests"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE user_id = $1`, userID); err != nil {
			return err
		}
	}
	for _, id := range left {
		if err := insertEvent(ctx, tx, following(event, audit.OrgMemberRemove, id)); err != nil {
			return err
		}
		if err := deleteEmptied(ctx, tx, id, event); err != nil {
			return err
		}
	}
	return nil
}

// deleteEmptied deletes an organization if it has no member.
func deleteEmptied(ctx context.Context, tx *sql.Tx, id string, event audit.Event) error {
	var inhabited bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM memberships WHERE org_id = $1)`, id).Scan(&inhabited)
	if err != nil || inhabited {
		return err
	}
	if err := deleteOrg(ctx, tx, id, event.At); err != nil {
		return err
	}
	return insertEvent(ctx, tx, following(event, audit.OrgDelete, id))
}

// following returns the event of what follows from another event for an
// organization.
func following(event audit.Event, action audit.Action, orgID string) audit.Event {
	e := audit.New(event.At, action, authcore.Client{IP: event.IP, UserAgent: event.UserAgent})
	e.OrgID = orgID
	return e.By(event.ActorType, event.ActorID).Of(event.UserID)
}
