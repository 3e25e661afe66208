package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/token"
)

const domainColumns = `org_domains.org_id, org_domains.name, org_domains.role, org_domains.ask, org_domains.challenge,
	org_domains.created_at, org_domains.verified_at`

// domainRow is where the columns of a domain are read into.
type domainRow struct {
	org.Domain
	created, verified int64
}

func (d *domainRow) columns() []any {
	return []any{&d.OrgID, &d.Name, &d.Role, &d.Ask, &d.Challenge, &d.created, &d.verified}
}

func (d *domainRow) domain() org.Domain {
	d.CreatedAt, d.VerifiedAt = timeOf(d.created), timeOf(d.verified)
	return d.Domain
}

// Domains implements org.Domains.
func (s *Orgs) Domains(ctx context.Context, orgID string) ([]org.Domain, error) {
	return readAll(ctx, s.db, "listing domains", func(row scanner) (org.Domain, error) {
		var d domainRow
		err := row.Scan(d.columns()...)
		return d.domain(), err
	}, `SELECT `+domainColumns+` FROM org_domains WHERE org_id = $1 ORDER BY name`, orgID)
}

// ByDomain implements org.Domains.
func (s *Orgs) ByDomain(ctx context.Context, name string) (org.Domain, org.Org, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var d domainRow
	o, err := scanOrg(s.db.read.QueryRowContext(ctx, `SELECT `+orgColumns+`, `+domainColumns+`
		FROM org_domains JOIN organizations ON organizations.id = org_domains.org_id
		WHERE org_domains.name = $1 AND org_domains.verified_at <> 0 AND organizations.deleted_at = 0`, name), d.columns()...)
	if err != nil {
		return org.Domain{}, org.Org{}, s.db.failed("finding a domain", err)
	}
	return d.domain(), o, nil
}

// AddDomain implements org.Domains.
func (s *Orgs) AddDomain(ctx context.Context, by org.Authority, d org.Domain, max int, event audit.Event) error {
	e := edit{doing: "adding a domain", orgID: d.OrgID, by: by, event: event}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		var taken bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM org_domains WHERE name = $1 AND verified_at <> 0)`, d.Name).Scan(&taken)
		if err == nil && taken {
			err = fmt.Errorf("%w: the domain is verified already", authcore.ErrConflict)
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO org_domains (org_id, name, role, ask, challenge, created_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (org_id, name) DO UPDATE SET role = excluded.role, ask = excluded.ask, challenge = excluded.challenge, created_at = excluded.created_at`,
			d.OrgID, d.Name, d.Role, d.Ask, d.Challenge, micros(d.CreatedAt)); err != nil {
			return err
		}
		var count int
		err = tx.QueryRowContext(ctx, `SELECT count(*) FROM org_domains WHERE org_id = $1`, d.OrgID).Scan(&count)
		if err == nil && max > 0 && count > max {
			err = org.ErrLimit
		}
		return err
	})
}

// MailProof implements org.Domains.
func (s *Orgs) MailProof(ctx context.Context, by org.Authority, orgID string, t token.Token, q org.Quota, event audit.Event, letter job.Job) error {
	e := edit{doing: "mailing a proof", orgID: orgID, by: by, accountID: by.UserID, event: event, jobs: []job.Job{letter}}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		if err := spend(ctx, tx, t.Purpose, by, orgID, q, event); err != nil {
			return err
		}
		return insertToken(ctx, tx, t)
	})
}

// VerifyDomain implements org.Domains.
func (s *Orgs) VerifyDomain(ctx context.Context, by org.Authority, orgID, name string, proof []byte, event audit.Event) error {
	e := edit{doing: "verifying a domain", orgID: orgID, by: by, event: event}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		if proof != nil {
			if err := found(affected(tx.ExecContext(ctx, `DELETE FROM tokens WHERE hash = $1 AND purpose = $2 AND address = $3 AND expires_at > $4`,
				proof, string(token.OrgDomain), orgID+" "+name, micros(event.At)))); err != nil {
				return err
			}
		}
		return found(affected(tx.ExecContext(ctx, `UPDATE org_domains SET verified_at = $3 WHERE org_id = $1 AND name = $2`,
			orgID, name, micros(event.At))))
	})
}

// RemoveDomain implements org.Domains.
func (s *Orgs) RemoveDomain(ctx context.Context, by org.Authority, orgID, name string, event audit.Event) error {
	e := edit{doing: "removing a domain", orgID: orgID, by: by, event: event}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		return found(affected(tx.ExecContext(ctx, `DELETE FROM org_domains WHERE org_id = $1 AND name = $2`, orgID, name)))
	})
}

var _ org.Domains = (*Orgs)(nil)
