package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/sigra-auth/sigra/authcore/token"
)

// Issue implements token.Store.
func (db *DB) Issue(ctx context.Context, t token.Token) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return db.failed("issuing a token", insertToken(ctx, db.write, t))
}

// insertToken stores a token. It takes the place of the one with the same
// purpose and user in one statement, so that never two are valid.
func insertToken(ctx context.Context, q querier, t token.Token) error {
	userID := sql.NullString{String: t.UserID, Valid: t.UserID != ""}
	_, err := q.ExecContext(ctx, `INSERT INTO tokens (hash, purpose, user_id, address, sign_up, payload, expires_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (purpose, coalesce(user_id, address)) DO UPDATE SET hash = excluded.hash, address = excluded.address,
			sign_up = excluded.sign_up, payload = excluded.payload, expires_at = excluded.expires_at, created_at = excluded.created_at`,
		t.Hash, string(t.Purpose), userID, t.Address, t.SignUp, append([]byte{}, t.Payload...), micros(t.ExpiresAt), micros(t.CreatedAt))
	return err
}

// Peek implements token.Store.
func (db *DB) Peek(ctx context.Context, hash []byte, purpose token.Purpose, at time.Time) (token.Token, error) {
	return db.tokenWhere(ctx, `hash = $1 AND purpose = $2 AND expires_at > $3`, hash, string(purpose), micros(at))
}

func (db *DB) tokenWhere(ctx context.Context, condition string, args ...any) (token.Token, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var t token.Token
	var userID sql.NullString
	var expires, created int64
	row := db.read.QueryRowContext(ctx, `SELECT hash, purpose, user_id, address, sign_up, payload, expires_at, created_at FROM tokens
		WHERE `+condition, args...)
	if err := row.Scan(&t.Hash, &t.Purpose, &userID, &t.Address, &t.SignUp, &t.Payload, &expires, &created); err != nil {
		return token.Token{}, db.failed("reading a token", err)
	}
	if len(t.Payload) == 0 {
		t.Payload = nil
	}
	t.UserID, t.ExpiresAt, t.CreatedAt = userID.String, timeOf(expires), timeOf(created)
	return t, nil
}

// consumeToken deletes a live token, or fails with sql.ErrNoRows. Of several
// transactions that try, one succeeds.
func consumeToken(ctx context.Context, tx *sql.Tx, hash []byte, purpose token.Purpose, at time.Time) error {
	return found(affected(tx.ExecContext(ctx, `DELETE FROM tokens WHERE hash = $1 AND purpose = $2 AND expires_at > $3`,
		hash, string(purpose), micros(at))))
}

var _ token.Store = (*DB)(nil)
