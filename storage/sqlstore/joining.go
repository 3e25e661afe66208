package sqlstore

import (
	"context"
	"database/sql"

	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Join implements org.Joining. With account and organization locked, neither the
// address nor the domain can change any more.
func (s *Orgs) Join(ctx context.Context, d org.Domain, userID string, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "joining by a domain", orgID: d.OrgID, accountID: userID, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		var open bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM org_domains WHERE org_id = $1 AND name = $2 AND role = $3 AND ask = $4 AND verified_at <> 0)
			AND EXISTS (SELECT 1 FROM users WHERE id = $5 AND email_verified_at <> 0 AND email_key LIKE $6 ESCAPE '\')`,
			d.OrgID, d.Name, d.Role, d.Ask, userID, "%@"+likeEscapes.Replace(d.Name)).Scan(&open)
		if err == nil && !open {
			err = sql.ErrNoRows
		}
		if err != nil {
			return err
		}
		return insertMember(ctx, tx, grant{orgID: d.OrgID, userID: userID, role: d.Role}, event.At)
	})
}

// Admit implements org.Joining.
func (s *Orgs) Admit(ctx context.Context, by org.Authority, orgID, userID, role, owner string, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "admitting a member", orgID: orgID, by: by, accountID: userID, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		if !st.MayGrant(owner, role) {
			return org.ErrForbidden
		}
		if err := takeRequest(ctx, tx, orgID, userID); err != nil {
			return err
		}
		return insertMember(ctx, tx, grant{orgID, userID, role, owner, by.MaxOwned}, event.At)
	})
}

// Ask implements org.Joining.
func (s *Orgs) Ask(ctx context.Context, orgID, userID string, event audit.Event) error {
	return s.db.transact(ctx, "asking to join", func(ctx context.Context, tx *sql.Tx) error {
		if err := s.db.lockAccount(ctx, tx, userID); err != nil {
			return err
		}
		if _, err := s.lock(ctx, tx, orgID, org.Authority{}); err != nil {
			return err
		}
		if err := noMember(ctx, tx, orgID, `users.id = $2`, userID); err != nil {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO join_requests (org_id, user_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			orgID, userID, micros(event.At)))
		if err != nil || n == 0 {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// Asked implements org.Joining.
func (s *Orgs) Asked(ctx context.Context, orgID, userID string) (asked bool, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	err = s.db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM join_requests WHERE org_id = $1 AND user_id = $2)`, orgID, userID).Scan(&asked)
	return asked, s.db.failed("looking for a request", err)
}

// Requests implements org.Joining.
func (s *Orgs) Requests(ctx context.Context, orgID, after string, limit int) ([]org.Request, error) {
	return readAll(ctx, s.db, "listing requests", func(row scanner) (r org.Request, err error) {
		var at int64
		err = row.Scan(&r.UserID, &r.Email, &r.Name, &at)
		r.At = timeOf(at)
		return r, err
	}, `SELECT users.id, users.email, users.name, join_requests.at FROM join_requests JOIN users ON users.id = join_requests.user_id
		WHERE join_requests.org_id = $1 AND join_requests.user_id > $2 ORDER BY join_requests.user_id LIMIT $3`, orgID, after, limit)
}

// Refuse implements org.Joining.
func (s *Orgs) Refuse(ctx context.Context, by org.Authority, orgID, userID string, event audit.Event) error {
	e := edit{doing: "refusing a request", orgID: orgID, by: by, event: event}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		return takeRequest(ctx, tx, orgID, userID)
	})
}

// takeRequest takes a request off the list, or fails with sql.ErrNoRows.
func takeRequest(ctx context.Context, tx *sql.Tx, orgID, userID string) error {
	return found(affected(tx.ExecContext(ctx, `DELETE FROM join_requests WHERE org_id = $1 AND user_id = $2`, orgID, userID)))
}

var _ org.Joining = (*Orgs)(nil)
