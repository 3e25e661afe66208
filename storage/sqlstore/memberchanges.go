package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Add implements org.MemberChanges.
func (s *Orgs) Add(ctx context.Context, by org.Authority, orgID, userID, role, owner string, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "adding a member", orgID: orgID, by: by, accountID: userID, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		if !st.MayGrant(owner, role) {
			return org.ErrForbidden
		}
		return insertMember(ctx, tx, grant{orgID, userID, role, owner, by.MaxOwned}, event.At)
	})
}

// grant is a role that a user gets in an organization. The account is locked, so that
// it cannot come to belong to too many organizations at once, or to own too many.
type grant struct {
	orgID, userID, role string
	// owner is the role of owners, of whom one may own maxOwned; zero is no limit.
	owner    string
	maxOwned int
}

// insertMember adds a member, or fails as Add does.
func insertMember(ctx context.Context, tx *sql.Tx, g grant, at time.Time) error {
	n, err := affected(tx.ExecContext(ctx, `INSERT INTO memberships (org_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, g.orgID, g.userID, g.role, micros(at)))
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: the user is a member", authcore.ErrConflict)
	}
	if err != nil {
		return err
	}
	var count int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM memberships JOIN organizations ON organizations.id = memberships.org_id
		WHERE memberships.user_id = $1 AND organizations.deleted_at = 0`, g.userID).Scan(&count)
	if err == nil && count > authcore.MaxMemberships {
		err = org.ErrLimit
	}
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM join_requests WHERE org_id = $1 AND user_id = $2`, g.orgID, g.userID); err != nil {
		return err
	}
	return g.limit(ctx, tx)
}

// roleOf returns the role of a member, or sql.ErrNoRows.
func roleOf(ctx context.Context, tx *sql.Tx, orgID, userID string) (string, error) {
	return scanText(tx.QueryRowContext(ctx, `SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2`, orgID, userID))
}

func setRole(ctx context.Context, tx *sql.Tx, g grant) error {
	err := found(affected(tx.ExecContext(ctx, `UPDATE memberships SET role = $3 WHERE org_id = $1 AND user_id = $2`, g.orgID, g.userID, g.role)))
	if err != nil {
		return err
	}
	return g.limit(ctx, tx)
}

// limit fails with org.ErrLimit when the grant has made the user an owner of more
// organizations than one may own, the personal one not counted.
func (g grant) limit(ctx context.Context, tx *sql.Tx) error {
	if g.role != g.owner || g.maxOwned == 0 {
		return nil
	}
	var owned int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM memberships JOIN organizations ON organizations.id = memberships.org_id
		WHERE memberships.user_id = $1 AND memberships.role = $2 AND organizations.deleted_at = 0 AND organizations.personal_of <> $1`,
		g.userID, g.owner).Scan(&owned)
	if err == nil && owned > g.maxOwned {
		err = org.ErrLimit
	}
	return err
}

// accountCounts is the condition under which the account of an owner counts as one: it
// can be used, and will not be deleted.
const accountCounts = `users.disabled_at = 0 AND users.deletion_at = 0 AND users.deleted_at = 0`

// keepOwner fails with org.ErrLastOwner when an organization has no owner whose
// account can be used. It is asked after the change.
func keepOwner(ctx context.Context, tx *sql.Tx, orgID, owner string) error {
	var has bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM memberships JOIN users ON users.id = memberships.user_id
		WHERE memberships.org_id = $1 AND memberships.role = $2 AND `+accountCounts+`)`, orgID, owner).Scan(&has)
	if err == nil && !has {
		err = org.ErrLastOwner
	}
	return err
}

// keepAtHome fails with org.ErrForbidden when a personal workspace would not be its
// user's any more: a new one would be made, and that one be nobody's.
func keepAtHome(st org.Standing, userID, role, owner string) error {
	if st.PersonalOf == userID && role != owner {
		return org.ErrForbidden
	}
	return nil
}

// SetRole implements org.MemberChanges.
func (s *Orgs) SetRole(ctx context.Context, by org.Authority, orgID, userID, role, owner string, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "changing a role", orgID: orgID, by: by, event: event, jobs: jobs}
	if role == owner { // who must not come to own too many at once
		e.accountID = userID
	}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		current, err := roleOf(ctx, tx, orgID, userID)
		if err != nil {
			return err
		}
		if !st.MayGrant(owner, current, role) {
			return org.ErrForbidden
		}
		if err := keepAtHome(st, userID, role, owner); err != nil {
			return err
		}
		if err := setRole(ctx, tx, grant{orgID, userID, role, owner, by.MaxOwned}); err != nil || role == owner {
			return err
		}
		what := owner // that is all which a manager may not grant
		if !slices.Contains(by.Roles, role) {
			what = ""
		}
		if err := withdraw(ctx, tx, orgID, userID, what, event.At); err != nil || current != owner {
			return err
		}
		return keepOwner(ctx, tx, orgID, owner)
	})
}

// Remove implements org.MemberChanges.
func (s *Orgs) Remove(ctx context.Context, by org.Authority, orgID, userID, owner string, event audit.Event, jobs ...job.Job) error {
	if by.UserID == userID {
		by.Roles = nil // everybody may leave
	}
	e := edit{doing: "removing a member", orgID: orgID, by: by, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		role, err := roleOf(ctx, tx, orgID, userID)
		if err != nil {
			return err
		}
		if !st.MayGrant(owner, role) {
			return org.ErrForbidden
		}
		if err := keepAtHome(st, userID, "", owner); err != nil {
			return err
		}
		if err := withdraw(ctx, tx, orgID, userID, "", event.At); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM memberships WHERE org_id = $1 AND user_id = $2`, orgID, userID); err != nil || role != owner {
			return err
		}
		return keepOwner(ctx, tx, orgID, owner)
	})
}

// Transfer implements org.MemberChanges.
func (s *Orgs) Transfer(ctx context.Context, by org.Authority, orgID, to, owner, role string, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "transferring an organization", orgID: orgID, by: by, accountID: to, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		if !st.MayGrant(owner, owner) {
			return org.ErrForbidden
		}
		leaving := []string{by.UserID}
		if by.UserID == "" {
			var err error
			if leaving, err = collect(ctx, tx, scanText, `SELECT user_id FROM memberships
				WHERE org_id = $1 AND role = $2 AND user_id <> $3`, orgID, owner, to); err != nil {
				return err
			}
		}
		for _, userID := range leaving {
			if err := keepAtHome(st, userID, role, owner); err != nil {
				return err
			}
			if err := setRole(ctx, tx, grant{orgID: orgID, userID: userID, role: role, owner: owner}); err != nil {
				return err
			}
			if err := withdraw(ctx, tx, orgID, userID, "", event.At); err != nil {
				return err
			}
			demoted := following(event, audit.OrgRoleChange, orgID).Of(userID).With("new", role)
			if err := insertEvent(ctx, tx, demoted); err != nil {
				return err
			}
		}
		if err := setRole(ctx, tx, grant{orgID, to, owner, owner, by.MaxOwned}); err != nil {
			return err
		}
		return keepOwner(ctx, tx, orgID, owner)
	})
}

var _ org.MemberChanges = (*Orgs)(nil)
