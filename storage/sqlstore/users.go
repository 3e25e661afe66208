package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
)

const userColumns = `users.id, users.email, users.email_key, users.email_verified_at, users.name, users.role,
	users.language, users.profile, users.disabled_at, users.awaits_approval, users.deletion_at, users.deleted_at,
	users.two_step_at, users.auth_epoch, users.created_at, users.updated_at`

// UserByEmail implements account.UserStore.
func (db *DB) UserByEmail(ctx context.Context, emailKey string) (authcore.User, account.Credential, error) {
	return db.userWhere(ctx, "users.email_key = $1", emailKey)
}

// User implements account.UserStore.
func (db *DB) User(ctx context.Context, id string) (authcore.User, account.Credential, error) {
	return db.userWhere(ctx, "users.id = $1", id)
}

func (db *DB) userWhere(ctx context.Context, condition, value string) (authcore.User, account.Credential, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var credential account.Credential
	var changedAt, signedInAt int64
	row := db.read.QueryRowContext(ctx, `SELECT `+userColumns+`, credentials.password_hash, credentials.failures, credentials.changed_at, credentials.signed_in_at
		FROM users JOIN credentials ON credentials.user_id = users.id WHERE `+condition, value)
	user, err := scanUser(row, &credential.Hash, &credential.Failures, &changedAt, &signedInAt)
	if err != nil {
		return authcore.User{}, account.Credential{}, db.failed("reading an account", err)
	}
	credential.ChangedAt, credential.SignedInAt = timeOf(changedAt), timeOf(signedInAt)
	return user, credential, nil
}

// Emails returns the addresses of accounts by their ids. What is no account is left
// out.
func (db *DB) Emails(ctx context.Context, ids []string) (map[string]string, error) {
	emails := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return emails, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	_, err := readAll(ctx, db, "reading addresses", func(row scanner) (id string, err error) {
		var email string
		err = row.Scan(&id, &email)
		emails[id] = email
		return id, err
	}, `SELECT id, email FROM users WHERE id IN (`+placeholders(1, len(ids))+`)`, args...)
	return emails, err
}

// Users implements account.UserStore.
func (db *DB) Users(ctx context.Context, after string, limit int) ([]authcore.User, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	rows, err := db.read.QueryContext(ctx, `SELECT `+userColumns+` FROM users WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	if err != nil {
		return nil, db.failed("listing accounts", err)
	}
	defer rows.Close()
	var users []authcore.User
	for rows.Next() {
		user, err := scanUser(rows)
		if err != nil {
			return nil, db.failed("listing accounts", err)
		}
		users = append(users, user)
	}
	return users, db.failed("listing accounts", rows.Err())
}

// HasUsers implements account.UserStore.
func (db *DB) HasUsers(ctx context.Context) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	has, err := hasUsers(ctx, db.read)
	return has, db.failed("looking for accounts", err)
}

func hasUsers(ctx context.Context, q querier) (has bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM users)`).Scan(&has)
	return has, err
}

// scanUser reads a row of userColumns, and what follows them into more.
func scanUser(row interface{ Scan(...any) error }, more ...any) (authcore.User, error) {
	var u authcore.User
	var profile string
	var verified, disabled, awaits, deletion, deleted, twoStep, created, updated int64
	err := row.Scan(append([]any{&u.ID, &u.Email, &u.EmailKey, &verified, &u.Name, &u.Role, &u.Language, &profile,
		&disabled, &awaits, &deletion, &deleted, &twoStep, &u.AuthEpoch, &created, &updated}, more...)...)
	if err != nil {
		return u, err
	}
	u.EmailVerifiedAt, u.DisabledAt, u.AwaitsApprovalSince = timeOf(verified), timeOf(disabled), timeOf(awaits)
	u.DeletionAt, u.DeletedAt = timeOf(deletion), timeOf(deleted)
	u.TwoStepAt, u.CreatedAt, u.UpdatedAt = timeOf(twoStep), timeOf(created), timeOf(updated)
	if profile != "{}" {
		err = json.Unmarshal([]byte(profile), &u.Profile)
	}
	return u, err
}

// profileText is how a profile is stored.
func profileText(profile map[string]string) (string, error) {
	if len(profile) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(profile)
	return string(text), err
}

func insertUser(ctx context.Context, tx *sql.Tx, u authcore.User, passwordHash string) error {
	profile, err := profileText(u.Profile)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO users (id, email, email_key, email_verified_at, name, role, language, profile,
		disabled_at, awaits_approval, deletion_at, deleted_at, auth_epoch, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		u.ID, u.Email, u.EmailKey, micros(u.EmailVerifiedAt), u.Name, u.Role, u.Language, profile,
		micros(u.DisabledAt), micros(u.AwaitsApprovalSince), micros(u.DeletionAt), micros(u.DeletedAt), u.AuthEpoch, micros(u.CreatedAt), micros(u.UpdatedAt))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO credentials (user_id, password_hash, changed_at) VALUES ($1, $2, $3)`,
		u.ID, passwordHash, micros(u.CreatedAt))
	return err
}

var _ account.UserStore = (*DB)(nil)
