package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Create implements org.Store.
func (s *Orgs) Create(ctx context.Context, o org.Org, owner, role string, max int, event audit.Event, jobs ...job.Job) error {
	return s.db.promise(ctx, "creating an organization", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if owner != "" {
			if err := s.db.lockAccount(ctx, tx, owner); err != nil {
				return err
			}
		}
		if err := insertOrg(ctx, tx, o); err != nil {
			return err
		}
		if err := takeSlug(ctx, tx, o, event.At); err != nil {
			return err
		}
		if owner != "" {
			g := grant{orgID: o.ID, userID: owner, role: role, owner: role, maxOwned: max}
			if err := insertMember(ctx, tx, g, event.At); err != nil {
				return err
			}
			if err := g.limitDeleted(ctx, tx, event.At); err != nil {
				return err
			}
		}
		return insertEvent(ctx, tx, event)
	})
}

// maxDeleted is how many organizations a user can have deleted of late and still make
// another: each keeps its slug for a week, which would else be a way to take them all.
const maxDeleted = 10

func (g grant) limitDeleted(ctx context.Context, tx *sql.Tx, at time.Time) error {
	if g.maxOwned == 0 {
		return nil
	}
	var deleted int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM memberships JOIN organizations ON organizations.id = memberships.org_id
		WHERE memberships.user_id = $1 AND memberships.role = $2 AND organizations.deleted_at > $3`,
		g.userID, g.owner, micros(at.Add(-org.AliasLife))).Scan(&deleted)
	if err == nil && deleted > maxDeleted {
		err = org.ErrLimit
	}
	return err
}

func insertOrg(ctx context.Context, tx *sql.Tx, o org.Org) error {
	rules, err := rulesText(o.Rules)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO organizations (id, slug, name, personal_of, rules, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, o.ID, o.Slug, o.Name, o.PersonalOf, rules, micros(o.CreatedAt), micros(o.UpdatedAt))
	return err
}

// takeSlug fails with authcore.ErrConflict when the slug of an organization is the
// alias of another. The slug is stored before, so that whoever gives it up at the
// same time has left the alias by then.
func takeSlug(ctx context.Context, tx *sql.Tx, o org.Org, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM org_slugs WHERE slug = $1 AND (org_id = $2 OR expires_at <= $3)`,
		o.Slug, o.ID, micros(at)); err != nil {
		return err
	}
	var taken bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM org_slugs WHERE slug = $1)`, o.Slug).Scan(&taken)
	if err == nil && taken {
		err = fmt.Errorf("%w: another organization had the slug until lately", authcore.ErrConflict)
	}
	return err
}

// Change implements org.Store.
func (s *Orgs) Change(ctx context.Context, by org.Authority, o org.Org, bounds org.Renaming, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "changing an organization", orgID: o.ID, by: by, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		if !st.UpdatedAt.Equal(o.UpdatedAt) {
			return fmt.Errorf("%w: %w", authcore.ErrConflict, org.ErrChanged)
		}
		rules, err := rulesText(o.Rules)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE organizations SET slug = $2, name = $3, rules = $4, updated_at = $5 WHERE id = $1`,
			o.ID, o.Slug, o.Name, rules, micros(event.At)); err != nil || o.Slug == st.Slug && o.Name == st.Name {
			return err
		}
		if err := countRename(ctx, tx, o.ID, bounds.PerHour, event.At); err != nil || o.Slug == st.Slug {
			return err
		}
		if err := takeSlug(ctx, tx, o, event.At); err != nil {
			return err
		}
		return leaveAlias(ctx, tx, o.ID, st.Slug, bounds.Aliases, event.At)
	})
}

// countRename counts a change of name or slug, or fails with *org.LimitError when
// there were so many within the hour that began with the first of them.
func countRename(ctx context.Context, tx *sql.Tx, orgID string, max int, at time.Time) error {
	var count int
	var since int64
	err := tx.QueryRowContext(ctx, `UPDATE organizations SET
		renames = CASE WHEN renames_since > $2 THEN renames + 1 ELSE 1 END,
		renames_since = CASE WHEN renames_since > $2 THEN renames_since ELSE $3 END
		WHERE id = $1 RETURNING renames, renames_since`, orgID, micros(at.Add(-time.Hour)), micros(at)).Scan(&count, &since)
	if err == nil && max > 0 && count > max {
		err = &org.LimitError{Until: timeOf(since).Add(time.Hour)}
	}
	return err
}

// leaveAlias makes the slug that an organization gives up one that leads to it, or
// fails with *org.LimitError when that would be one too many.
func leaveAlias(ctx context.Context, tx *sql.Tx, orgID, slug string, max int, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO org_slugs (slug, org_id, expires_at) VALUES ($1, $2, $3)`,
		slug, orgID, micros(at.Add(org.AliasLife))); err != nil || max == 0 {
		return err
	}
	var count int
	var first int64
	err := tx.QueryRowContext(ctx, `SELECT count(*), min(expires_at) FROM org_slugs WHERE org_id = $1 AND expires_at > $2`,
		orgID, micros(at)).Scan(&count, &first)
	if err == nil && count > max {
		err = &org.LimitError{Until: timeOf(first)}
	}
	return err
}

// Delete implements org.Store.
func (s *Orgs) Delete(ctx context.Context, by org.Authority, id string, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "deleting an organization", orgID: id, by: by, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		return deleteOrg(ctx, tx, id, event.At)
	})
}

// deleteOrg deletes an organization. The memberships stay, for whoever tells the
// sessions, and its slugs, so that nobody takes them while links to it are about.
func deleteOrg(ctx context.Context, tx *sql.Tx, id string, at time.Time) error {
	slug, err := scanText(tx.QueryRowContext(ctx, `UPDATE organizations SET deleted_at = $2, updated_at = $2 WHERE id = $1 RETURNING slug`, id, micros(at)))
	if err != nil {
		return err
	}
	if err := leaveAlias(ctx, tx, id, slug, 0, at); err != nil {
		return err
	}
	for _, table := range []string{"invitations", "org_domains", "join_requests"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE org_id = $1`, id); err != nil {
			return err
		}
	}
	return nil
}
