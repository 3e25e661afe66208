package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Sessions keeps sessions in the identity database.
type Sessions struct {
	db *DB
}

// Sessions returns the session store in the database.
func (db *DB) Sessions() *Sessions { return &Sessions{db} }

// rotationGrace is how long after a rotation a Delete of the old hash ends the
// session under its new one: a sweep that had listed the session before it was
// rotated must not miss it.
const rotationGrace = 3 * time.Second

const recordColumns = `hash, id, user_id, data, seen_at, seen_ip, expires_at, idle`

// Find implements session.Store.
func (s *Sessions) Find(ctx context.Context, hashes []session.Hash) ([]*session.Record, error) {
	records := make([]*session.Record, len(hashes))
	if len(hashes) == 0 {
		return records, nil
	}
	args := append(hashArgs(hashes), micros(s.db.now()))
	query := fmt.Sprintf(`SELECT %s FROM sessions WHERE hash IN (%s) AND deadline > $%d`,
		recordColumns, placeholders(1, len(args)-1), len(args))
	owned, err := s.query(ctx, "finding sessions", query, args...)
	if err != nil {
		return nil, err
	}
	for i, h := range hashes {
		for j := range owned {
			if owned[j].Hash == h {
				records[i] = &owned[j].Record
				break
			}
		}
	}
	return records, nil
}

// Create implements session.Store.
func (s *Sessions) Create(ctx context.Context, hash session.Hash, r *session.Record) error {
	_, err := s.exec(ctx, "creating a session", `INSERT INTO sessions
		(hash, id, user_id, data, seen_at, seen_ip, expires_at, idle, deadline)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, recordArgs(hash, r)...)
	return err
}

// Replace implements session.Store.
func (s *Sessions) Replace(ctx context.Context, old, new session.Hash, data []byte, r *session.Record) error {
	const doing = "rotating a session"
	n, err := s.exec(ctx, doing, `UPDATE sessions SET
		hash = $1, id = $2, user_id = $3, data = $4, seen_at = $5, seen_ip = $6, expires_at = $7, idle = $8, deadline = $9,
		previous_hash = $10, rotated_at = $11 WHERE hash = $10 AND data = $12 AND deadline > $11`,
		append(recordArgs(new, r), old[:], micros(s.db.now()), data)...)
	if err != nil || n > 0 {
		return err
	}
	found, err := s.Find(ctx, []session.Hash{old})
	switch {
	case err != nil:
		return err
	case found[0] == nil:
		return fmt.Errorf("%s: %w", doing, authcore.ErrNotFound)
	default:
		return fmt.Errorf("%s: %w", doing, authcore.ErrConflict)
	}
}

// Rewrite implements session.Store.
func (s *Sessions) Rewrite(ctx context.Context, hash session.Hash, old, new []byte) error {
	const doing = "rewriting a session"
	n, err := s.exec(ctx, doing, `UPDATE sessions SET data = $3 WHERE hash = $1 AND data = $2 AND deadline > $4`,
		hash[:], old, new, micros(s.db.now()))
	if err == nil && n == 0 {
		return fmt.Errorf("%s: %w", doing, authcore.ErrConflict)
	}
	return err
}

// Touch implements session.Store.
func (s *Sessions) Touch(ctx context.Context, hash session.Hash, seen session.Seen) error {
	_, err := s.exec(ctx, "noting the use of a session", `UPDATE sessions SET seen_at = $2, seen_ip = $3,
		deadline = CASE WHEN idle > 0 AND $2 + idle < expires_at THEN $2 + idle ELSE expires_at END
		WHERE hash = $1 AND deadline > $4 AND seen_at < $2`,
		hash[:], micros(seen.At), seen.IP, micros(s.db.now()))
	return err
}

// Delete implements session.Store.
func (s *Sessions) Delete(ctx context.Context, userID string, hashes ...session.Hash) error {
	if len(hashes) == 0 {
		return nil
	}
	args := append([]any{userID, micros(s.db.now().Add(-rotationGrace))}, hashArgs(hashes)...)
	list := placeholders(3, len(args)-2)
	_, err := s.exec(ctx, "deleting sessions", fmt.Sprintf(`DELETE FROM sessions WHERE user_id = $1
		AND (hash IN (%[1]s) OR (previous_hash IN (%[1]s) AND rotated_at > $2))`, list), args...)
	return err
}

// OfUser implements session.Store.
func (s *Sessions) OfUser(ctx context.Context, userID string) ([]session.Owned, error) {
	return s.query(ctx, "listing sessions", `SELECT `+recordColumns+` FROM sessions
		WHERE user_id = $1 AND deadline > $2 ORDER BY id DESC`, userID, micros(s.db.now()))
}

func (s *Sessions) query(ctx context.Context, doing, query string, args ...any) ([]session.Owned, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	rows, err := s.db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.failed(doing, err)
	}
	defer rows.Close()
	var owned []session.Owned
	for rows.Next() {
		var o session.Owned
		var hash []byte
		var seen, expires, idle int64
		if err := rows.Scan(&hash, &o.ID, &o.UserID, &o.Data, &seen, &o.Seen.IP, &expires, &idle); err != nil {
			return nil, s.failed(doing, err)
		}
		copy(o.Hash[:], hash)
		o.Seen.At, o.ExpiresAt, o.Idle = timeOf(seen), timeOf(expires), time.Duration(idle)*time.Microsecond
		owned = append(owned, o)
	}
	return owned, s.failed(doing, rows.Err())
}

func (s *Sessions) exec(ctx context.Context, doing, query string, args ...any) (int64, error) {
	n, err := s.db.exec(ctx, doing, query, args...)
	return n, onlyUnavailable(err)
}

func (s *Sessions) failed(doing string, err error) error {
	return onlyUnavailable(s.db.failed(doing, err))
}

// onlyUnavailable holds the promise of session.Store: what went wrong, for
// whatever reason, is told as a store that cannot answer.
func onlyUnavailable(err error) error {
	if err == nil || errors.Is(err, authcore.ErrUnavailable) || errors.Is(err, authcore.ErrConflict) {
		return err
	}
	return fmt.Errorf("%w: %w", authcore.ErrUnavailable, err)
}

// recordArgs are the arguments $1 to $9 of the statements that write a record.
func recordArgs(hash session.Hash, r *session.Record) []any {
	return []any{hash[:], r.ID, r.UserID, r.Data, micros(r.Seen.At), r.Seen.IP,
		micros(r.ExpiresAt), r.Idle.Microseconds(), micros(r.Deadline())}
}

// hashArgs returns hashes as arguments, the last one repeated until their
// number is a power of two: so there are few different statements, which the
// drivers keep prepared.
func hashArgs(hashes []session.Hash) []any {
	n := 1
	for n < len(hashes) {
		n *= 2
	}
	args := make([]any, n)
	for i := range args {
		args[i] = hashes[min(i, len(hashes)-1)][:]
	}
	return args
}

// placeholders returns "$first, ..." for n arguments.
func placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}

var _ session.Store = (*Sessions)(nil)
