package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Orgs keeps organizations, and who belongs to them.
//
// Whatever changes who belongs locks the account concerned first and then the
// organization; if there are several, in the order of their ids.
type Orgs struct {
	db *DB
}

// Orgs returns the store of organizations.
func (db *DB) Orgs() *Orgs { return &Orgs{db} }

const orgColumns = `organizations.id, organizations.slug, organizations.name, organizations.personal_of, organizations.rules,
	organizations.created_at, organizations.updated_at`

// scanOrg reads a row of orgColumns, and what follows them into more.
func scanOrg(row scanner, more ...any) (o org.Org, err error) {
	var rules string
	var created, updated int64
	err = row.Scan(append([]any{&o.ID, &o.Slug, &o.Name, &o.PersonalOf, &rules, &created, &updated}, more...)...)
	if err != nil {
		return o, err
	}
	o.CreatedAt, o.UpdatedAt = timeOf(created), timeOf(updated)
	return o, json.Unmarshal([]byte(rules), &o.Rules)
}

func rulesText(rules authcore.OrgRules) (string, error) {
	text, err := json.Marshal(rules)
	return string(text), err
}

// Find implements org.Store.
func (s *Orgs) Find(ctx context.Context, slug, userID string) (org.Standing, error) {
	return s.standingWhere(ctx, userID, `organizations.slug = $2`, slug)
}

// FindAlias implements org.Store.
func (s *Orgs) FindAlias(ctx context.Context, slug, userID string, at time.Time) (org.Standing, error) {
	return s.standingWhere(ctx, userID, `organizations.id = (SELECT org_id FROM org_slugs WHERE slug = $2 AND expires_at > $3)`, slug, micros(at))
}

// standingWhere returns a live organization that meets a condition on $2 and what
// follows, as Find does.
func (s *Orgs) standingWhere(ctx context.Context, userID, condition string, args ...any) (st org.Standing, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	row := s.db.read.QueryRowContext(ctx, `SELECT `+orgColumns+`, coalesce(memberships.role, '') FROM organizations
		LEFT JOIN memberships ON memberships.org_id = organizations.id AND memberships.user_id = $1
		WHERE ($1 = '' OR memberships.user_id IS NOT NULL) AND organizations.deleted_at = 0 AND `+condition, append([]any{userID}, args...)...)
	if st.Org, err = scanOrg(row, &st.Role); err != nil {
		return org.Standing{}, s.db.failed("finding an organization", err)
	}
	return st, nil
}

// All implements org.Store.
func (s *Orgs) All(ctx context.Context, after string, limit int) ([]org.Org, error) {
	return readAll(ctx, s.db, "listing organizations", func(row scanner) (org.Org, error) { return scanOrg(row) },
		`SELECT `+orgColumns+` FROM organizations WHERE id > $1 AND deleted_at = 0 ORDER BY id LIMIT $2`, after, limit)
}

// Events implements org.Store.
func (s *Orgs) Events(ctx context.Context, orgID, before string, limit int) ([]audit.Event, error) {
	return s.db.eventsWhere(ctx, `org_id = $1 AND org_id <> ''`, orgID, before, limit)
}

// edit is a change of a live organization.
type edit struct {
	doing string
	orgID string
	by    org.Authority
	// accountID is that of a user whose account is locked too; may be empty.
	accountID string
	event     audit.Event
	jobs      []job.Job
}

// edit runs a change in one transaction with its event and jobs, with the
// organization locked and the authority judged.
func (s *Orgs) edit(ctx context.Context, e edit, change func(ctx context.Context, tx *sql.Tx, st org.Standing) error) error {
	return s.db.promise(ctx, e.doing, e.jobs, func(ctx context.Context, tx *sql.Tx) error {
		if e.accountID != "" {
			if err := s.db.lockAccount(ctx, tx, e.accountID); err != nil {
				return err
			}
		}
		st, err := s.lock(ctx, tx, e.orgID, e.by)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, st); err != nil {
			return err
		}
		return insertEvent(ctx, tx, e.event)
	})
}

// lockAccount locks an account, or fails with sql.ErrNoRows when it was deleted.
func (db *DB) lockAccount(ctx context.Context, tx *sql.Tx, userID string) error {
	row := tx.QueryRowContext(ctx, `SELECT id FROM users WHERE id = $1 AND deleted_at = 0`+db.dialect.forUpdate(), userID)
	_, err := scanText(row)
	return err
}

// lock locks a live organization and returns it with the role that its authority
// has by then; that of an operator is empty.
func (s *Orgs) lock(ctx context.Context, tx *sql.Tx, id string, by org.Authority) (st org.Standing, err error) {
	row := tx.QueryRowContext(ctx, `SELECT `+orgColumns+` FROM organizations WHERE id = $1 AND deleted_at = 0`+s.db.dialect.forUpdate(), id)
	if st.Org, err = scanOrg(row); err != nil || by.UserID == "" {
		return st, err
	}
	st.Role, err = roleOf(ctx, tx, id, by.UserID)
	if err == nil && len(by.Roles) > 0 && !slices.Contains(by.Roles, st.Role) {
		err = org.ErrForbidden
	}
	return st, err
}

var _ org.Store = (*Orgs)(nil)
