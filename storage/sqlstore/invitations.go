package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Invite implements org.Invitations. The account of whoever invites is locked, so
// that the quota holds in several organizations at once.
func (s *Orgs) Invite(ctx context.Context, by org.Authority, in org.Invitation, owner string, q org.Quota, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "storing an invitation", orgID: in.OrgID, by: by, accountID: by.UserID, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		if !st.MayGrant(owner, in.Role) {
			return org.ErrForbidden
		}
		if err := noMember(ctx, tx, in.OrgID, `users.email_key = $2`, in.EmailKey); err != nil {
			return err
		}
		if err := spend(ctx, tx, token.OrgInvite, by, in.OrgID, q, event); err != nil {
			return err
		}
		if err := replaceInvitation(ctx, tx, in, event); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO invitations (id, org_id, email, email_key, role, hash, invited_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			in.ID, in.OrgID, in.Email, in.EmailKey, in.Role, in.Hash, in.InvitedBy, micros(in.CreatedAt), micros(in.ExpiresAt))
		return err
	})
}

// replaceInvitation revokes the open invitation to the same address.
func replaceInvitation(ctx context.Context, tx *sql.Tx, in org.Invitation, event audit.Event) error {
	replaced, err := collect(ctx, tx, scanText, `UPDATE invitations SET revoked_at = $3, expires_at = $3
		WHERE org_id = $1 AND email_key = $2 AND accepted_at = 0 AND revoked_at = 0 RETURNING id`, in.OrgID, in.EmailKey, micros(event.At))
	for _, id := range replaced { // one, if any
		revoked := following(event, audit.OrgInviteRevoke, in.OrgID).On(id).With("email", in.Email).With("reason", "replaced")
		if err := insertEvent(ctx, tx, revoked); err != nil {
			return err
		}
	}
	return err
}

// NoteRefusal implements org.Invitations.
func (s *Orgs) NoteRefusal(ctx context.Context, id string, max int, event audit.Event) error {
	return s.db.transact(ctx, "noting a refused invitation", func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE invitations SET refusals = refusals + 1 WHERE id = $1 AND refusals < $2`, id, max))
		if err != nil || n == 0 {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

// noMember fails with authcore.ErrConflict when a member of an organization meets a
// condition on $2.
func noMember(ctx context.Context, tx *sql.Tx, orgID, condition, value string) error {
	var member bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM memberships JOIN users ON users.id = memberships.user_id
		WHERE memberships.org_id = $1 AND `+condition+`)`, orgID, value).Scan(&member)
	if err == nil && member {
		err = fmt.Errorf("%w: the user is a member", authcore.ErrConflict)
	}
	return err
}

// spend notes a mail to a stranger, or fails with org.ErrLimit when the quota is
// used up.
func spend(ctx context.Context, tx *sql.Tx, purpose token.Purpose, by org.Authority, orgID string, q org.Quota, event audit.Event) error {
	for _, bound := range []struct {
		max        int
		column, id string
	}{{q.PerUser, "user_id", by.UserID}, {q.PerOrg, "org_id", orgID}} {
		if bound.max == 0 || bound.id == "" {
			continue
		}
		var sent int
		row := tx.QueryRowContext(ctx, `SELECT count(*) FROM org_mails WHERE purpose = $1 AND `+bound.column+` = $2 AND at > $3`,
			string(purpose), bound.id, micros(q.Since))
		if err := row.Scan(&sent); err != nil {
			return err
		}
		if sent >= bound.max {
			return org.ErrLimit
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO org_mails (id, purpose, org_id, user_id, at) VALUES ($1, $2, $3, $4, $5)`,
		event.ID, string(purpose), orgID, by.UserID, micros(event.At))
	return err
}

// Renew implements org.Invitations.
func (s *Orgs) Renew(ctx context.Context, by org.Authority, in org.Invitation, owner string, q org.Quota, event audit.Event, jobs ...job.Job) error {
	e := edit{doing: "renewing an invitation", orgID: in.OrgID, by: by, accountID: by.UserID, event: event, jobs: jobs}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, st org.Standing) error {
		role, err := scanText(tx.QueryRowContext(ctx, `UPDATE invitations SET hash = $3, expires_at = $4
			WHERE id = $1 AND org_id = $2 AND accepted_at = 0 AND revoked_at = 0 RETURNING role`, in.ID, in.OrgID, in.Hash, micros(in.ExpiresAt)))
		if err != nil {
			return err
		}
		if !st.MayGrant(owner, role) { // it may have lapsed because its author thought better of it
			return org.ErrForbidden
		}
		return spend(ctx, tx, token.OrgInvite, by, in.OrgID, q, event)
	})
}

// Revoke implements org.Invitations.
func (s *Orgs) Revoke(ctx context.Context, by org.Authority, orgID, id string, event audit.Event) error {
	e := edit{doing: "revoking an invitation", orgID: orgID, by: by, event: event}
	return s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		return found(affected(tx.ExecContext(ctx, `UPDATE invitations SET revoked_at = $3, expires_at = $3
			WHERE id = $1 AND org_id = $2 AND accepted_at = 0 AND revoked_at = 0`, id, orgID, micros(event.At))))
	})
}

// withdrawAll ends the open invitations of a user everywhere: who has lost the account
// must not come back by one that they sent before.
func withdrawAll(ctx context.Context, tx *sql.Tx, userID string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE invitations SET revoked_at = $2, expires_at = $2
		WHERE invited_by = $1 AND accepted_at = 0 AND revoked_at = 0`, userID, micros(at))
	return err
}

// withdraw ends the open invitations of a member who may not stand behind them any
// more: whoever is about to be removed must not come back by one of their own. With
// a role, those to that role.
func withdraw(ctx context.Context, tx *sql.Tx, orgID, userID, role string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE invitations SET revoked_at = $3, expires_at = $3
		WHERE org_id = $1 AND invited_by = $2 AND accepted_at = 0 AND revoked_at = 0 AND ($4 = '' OR role = $4)`, orgID, userID, micros(at), role)
	return err
}

// Accept implements org.Joining.
func (s *Orgs) Accept(ctx context.Context, in org.Invitation, userID, owner string, maxOwned int, event audit.Event, jobs ...job.Job) error {
	const doing = "accepting an invitation"
	e := edit{doing: doing, orgID: in.OrgID, accountID: userID, event: event, jobs: jobs}
	err := s.edit(ctx, e, func(ctx context.Context, tx *sql.Tx, _ org.Standing) error {
		return useInvitation(ctx, tx, in, grant{userID: userID, owner: owner, maxOwned: maxOwned}, event.At)
	})
	if errors.Is(err, authcore.ErrConflict) { // the link is used up, and nothing else has happened
		if _, err := s.db.exec(ctx, doing, `UPDATE invitations SET accepted_at = $2, expires_at = $2 WHERE id = $1 AND accepted_at = 0 AND revoked_at = 0`,
			in.ID, micros(event.At)); err != nil {
			return err
		}
	}
	return err
}

// AcceptNew implements org.Joining.
func (s *Orgs) AcceptNew(ctx context.Context, in org.Invitation, user authcore.User, passwordHash string, events []audit.Event, jobs ...job.Job) error {
	return s.db.promise(ctx, "making an account", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := insertUser(ctx, tx, user, passwordHash); err != nil {
			return err
		}
		if _, err := s.lock(ctx, tx, in.OrgID, org.Authority{}); err != nil {
			return err
		}
		if err := useInvitation(ctx, tx, in, grant{userID: user.ID}, user.CreatedAt); err != nil {
			return err
		}
		for i, event := range events {
			if i == 0 {
				if err := noteSignIn(ctx, tx, user.ID, event); err != nil {
					return err
				}
			}
			if err := insertEvent(ctx, tx, event); err != nil {
				return err
			}
		}
		return nil
	})
}

// useInvitation uses a pending invitation up for the user with its address, who
// becomes a member in the role that is stored.
func useInvitation(ctx context.Context, tx *sql.Tx, in org.Invitation, g grant, at time.Time) (err error) {
	g.orgID = in.OrgID
	g.role, err = scanText(tx.QueryRowContext(ctx, `UPDATE invitations SET accepted_at = $4, expires_at = $4
		WHERE id = $1 AND org_id = $2 AND hash = $3 AND accepted_at = 0 AND revoked_at = 0 AND expires_at > $4
		AND email_key = (SELECT email_key FROM users WHERE id = $5) RETURNING role`, in.ID, in.OrgID, in.Hash, micros(at), g.userID))
	if err != nil {
		return err
	}
	return insertMember(ctx, tx, g, at)
}
