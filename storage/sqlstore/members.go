package sqlstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/org"
)

// Memberships implements org.Members.
func (s *Orgs) Memberships(ctx context.Context, userID string) (m authcore.Memberships, err error) {
	var latest int64
	m.Orgs, err = readAll(ctx, s.db, "reading memberships", func(row scanner) (authcore.Org, error) {
		var role string
		var active int64
		o, err := scanOrg(row, &role, &active)
		if active > latest {
			latest, m.Last = active, o.ID
		}
		return authcore.Org{ID: o.ID, Slug: o.Slug, Name: o.Name, Role: role, Personal: o.PersonalOf == userID, Rules: o.Rules}, err
	}, `SELECT `+orgColumns+`, memberships.role, memberships.active_at
		FROM memberships JOIN organizations ON organizations.id = memberships.org_id
		WHERE memberships.user_id = $1 AND organizations.deleted_at = 0 ORDER BY organizations.slug`, userID)
	return m, err
}

const (
	memberColumns = `users.id, users.email, users.name, memberships.role, users.two_step_at <> 0, memberships.joined_at, memberships.active_at`
	// fromMembers are the members of the live organization $1.
	fromMembers = ` FROM memberships JOIN organizations ON organizations.id = memberships.org_id AND organizations.deleted_at = 0
		JOIN users ON users.id = memberships.user_id WHERE memberships.org_id = $1`
)

// scanMember reads a row of memberColumns, and what follows them into more.
func scanMember(row scanner, more ...any) (m org.Member, err error) {
	var joined, active int64
	err = row.Scan(append([]any{&m.UserID, &m.Email, &m.Name, &m.Role, &m.TwoStep, &joined, &active}, more...)...)
	m.JoinedAt, m.ActiveAt = timeOf(joined), timeOf(active)
	return m, err
}

func readMember(row scanner) (org.Member, error) { return scanMember(row) }

// Members implements org.Members. The bound is given for both tables: Postgres
// would read the accounts from the first on else.
func (s *Orgs) Members(ctx context.Context, orgID, text, after string, limit int) ([]org.Member, error) {
	condition, args := "", []any{orgID, after, limit}
	if text != "" {
		pattern := s.db.dialect.lower("$4")
		condition = fmt.Sprintf(` AND (%s LIKE %[3]s ESCAPE '\' OR %[2]s LIKE %[3]s ESCAPE '\')`,
			s.db.dialect.lower("users.name"), s.db.dialect.lower("users.email"), pattern)
		args = append(args, containing(text))
	}
	return readAll(ctx, s.db, "listing members", readMember, `SELECT `+memberColumns+fromMembers+` AND memberships.user_id > $2 AND users.id > $2`+condition+`
		ORDER BY memberships.user_id LIMIT $3`, args...)
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// containing is the LIKE pattern of what contains a text.
func containing(text string) string { return "%" + likeEscapes.Replace(authcore.ShortText(text)) + "%" }

// Member implements org.Members.
func (s *Orgs) Member(ctx context.Context, orgID, userID string) (org.Member, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	m, err := scanMember(s.db.read.QueryRowContext(ctx, `SELECT `+memberColumns+fromMembers+` AND memberships.user_id = $2`, orgID, userID))
	return m, s.db.failed("finding a member", err)
}

// WithRole implements org.Members.
func (s *Orgs) WithRole(ctx context.Context, orgID, role string) ([]authcore.User, error) {
	return readAll(ctx, s.db, "listing members", func(row scanner) (authcore.User, error) { return scanUser(row) },
		`SELECT `+userColumns+fromMembers+` AND memberships.role = $2 ORDER BY users.id`, orgID, role)
}

// MemberIDs implements org.Members.
func (s *Orgs) MemberIDs(ctx context.Context, orgID, after string, limit int) ([]string, error) {
	return readAll(ctx, s.db, "listing members", scanText, `SELECT user_id FROM memberships WHERE org_id = $1 AND user_id > $2
		ORDER BY user_id LIMIT $3`, orgID, after, limit)
}

// Count implements org.Members.
func (s *Orgs) Count(ctx context.Context, orgID string) (all, withoutTwoStep int, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	row := s.db.read.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE users.two_step_at = 0)`+fromMembers, orgID)
	err = row.Scan(&all, &withoutTwoStep)
	return all, withoutTwoStep, s.db.failed("counting members", err)
}

// lacking are the conditions of members without a method; everybody has the link.
var lacking = map[authcore.FactorKind]string{
	authcore.FactorPassword: `NOT EXISTS (SELECT 1 FROM credentials WHERE credentials.user_id = users.id AND credentials.password_hash <> '')`,
	authcore.FactorPasskey:  `NOT EXISTS (SELECT 1 FROM passkeys WHERE passkeys.user_id = users.id)`,
	authcore.FactorLink:     `1 = 0`,
}

// Affected implements org.Members.
func (s *Orgs) Affected(ctx context.Context, orgID string, rules authcore.OrgRules, limit int) (some []org.Member, all int, err error) {
	var affected []string
	if rules.TwoStep {
		affected = append(affected, `users.two_step_at = 0`)
	}
	var methods []string
	for _, kind := range rules.Methods {
		methods = append(methods, lacking[kind])
	}
	if len(methods) > 0 {
		affected = append(affected, strings.Join(methods, ` AND `))
	}
	if len(affected) == 0 {
		return nil, 0, nil
	}
	some, err = readAll(ctx, s.db, "listing members", func(row scanner) (org.Member, error) { return scanMember(row, &all) },
		`SELECT `+memberColumns+`, count(*) OVER ()`+fromMembers+` AND (`+strings.Join(affected, ` OR `)+`) ORDER BY memberships.user_id LIMIT $2`, orgID, limit)
	return some, all, err
}

// MarkActive implements org.MemberChanges.
func (s *Orgs) MarkActive(ctx context.Context, orgID, userID string, at time.Time) error {
	_, err := s.db.exec(ctx, "noting the active organization", `UPDATE memberships SET active_at = $3
		WHERE org_id = $1 AND user_id = $2 AND active_at < $3`, orgID, userID, micros(at))
	return err
}

var _ org.Members = (*Orgs)(nil)
