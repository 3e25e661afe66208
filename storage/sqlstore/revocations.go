package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
)

// Revocations is the durable log of revoked sessions.
type Revocations struct {
	db *DB
}

// Revocations returns the log of revoked sessions in the database.
func (db *DB) Revocations() *Revocations { return &Revocations{db} }

// everySession stands for a hash in a revocation of all sessions of a user.
var everySession session.Hash

// Record implements session.RevocationLog.
func (l *Revocations) Record(ctx context.Context, r session.Revocation) error {
	return l.db.transact(ctx, "noting a revocation", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM revocations WHERE expires_at <= $1`, micros(l.db.now())); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO revocations (hash, user_id, except_id, at, epoch, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (hash, user_id, except_id, at) DO UPDATE SET epoch = excluded.epoch, expires_at = excluded.expires_at`,
			r.Hash[:], r.UserID, r.Except, micros(r.At), r.Epoch, micros(r.ExpiresAt))
		return err
	})
}

// Active implements session.RevocationLog.
func (l *Revocations) Active(ctx context.Context, at time.Time, after session.Revocation, limit int) ([]session.Revocation, error) {
	return readAll(ctx, l.db, "reading revocations", scanRevocation, `SELECT hash, user_id, except_id, at, epoch, expires_at
		FROM revocations WHERE expires_at > $1 AND (hash, user_id, except_id, at) > ($2, $3, $4, $5)
		ORDER BY hash, user_id, except_id, at LIMIT $6`,
		micros(at), after.Hash[:], after.UserID, after.Except, micros(after.At), limit)
}

func scanRevocation(row scanner) (r session.Revocation, err error) {
	var hash []byte
	var revoked, expires int64
	err = row.Scan(&hash, &r.UserID, &r.Except, &revoked, &r.Epoch, &expires)
	copy(r.Hash[:], hash)
	r.At, r.ExpiresAt = timeOf(revoked), timeOf(expires)
	return r, err
}

// NoteChange implements session.RevocationLog.
func (l *Revocations) NoteChange(ctx context.Context, userID string, until time.Time) error {
	_, err := l.db.exec(ctx, "noting a change of rights", `INSERT INTO changed_rights (user_id, expires_at) VALUES ($1, $2)
		ON CONFLICT (user_id) DO UPDATE SET expires_at = excluded.expires_at WHERE changed_rights.expires_at < excluded.expires_at`,
		userID, micros(until))
	return err
}

// Changed implements session.RevocationLog.
func (l *Revocations) Changed(ctx context.Context, at time.Time, after string, limit int) ([]string, error) {
	return readAll(ctx, l.db, "reading changes of rights", scanText, `SELECT user_id FROM changed_rights
		WHERE expires_at > $1 AND user_id > $2 ORDER BY user_id LIMIT $3`, micros(at), after, limit)
}

// Revoked implements session.RevocationLog.
func (l *Revocations) Revoked(ctx context.Context, hash session.Hash, sessionID, userID string, createdAt time.Time, epoch int64) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var revoked bool
	row := l.db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM revocations WHERE hash = $1)
		OR EXISTS (SELECT 1 FROM revocations WHERE hash = $2 AND user_id = $3 AND except_id <> $4 AND (at >= $5 OR epoch > $6))`,
		hash[:], everySession[:], userID, sessionID, micros(createdAt), epoch)
	err := row.Scan(&revoked)
	return revoked, l.db.failed("checking revocations", err)
}

var _ session.RevocationLog = (*Revocations)(nil)
