package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/disclosure"
)

// maxMetadata bounds the metadata of an event, as JSON in bytes.
const maxMetadata = 8 << 10

// secretWords must not be part of a metadata key: such a value would be kept
// for good, readable for everybody who may read the log.
var secretWords = []string{"password", "token", "code", "secret", "hash", "cookie"}

// insertEvent adds an event to the transaction of the change that it tells of.
func insertEvent(ctx context.Context, tx *sql.Tx, e audit.Event) error {
	metadata, err := encodeMetadata(e)
	if err != nil {
		return fmt.Errorf("audit event %q: %w", e.Action, err)
	}
	short := authcore.ShortText // the change must not fail for a strange event
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_events
		(id, at, action, actor_type, actor_id, user_id, target_id, org_id, ip, user_agent, metadata)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.ID, micros(e.At), string(e.Action), string(e.ActorType), short(e.ActorID), short(e.UserID), short(e.TargetID),
		short(e.OrgID), short(e.IP), short(e.UserAgent), metadata)
	return err
}

func encodeMetadata(e audit.Event) (string, error) {
	if !e.Action.Valid() {
		return "", fmt.Errorf("the action is not in the closed set")
	}
	cleaned := make(map[string]string, len(e.Metadata))
	for key, value := range e.Metadata {
		words := strings.FieldsFunc(strings.ToLower(key), func(r rune) bool { return r < 'a' || r > 'z' })
		for _, word := range words {
			if slices.Contains(secretWords, word) {
				return "", fmt.Errorf("metadata key %q could hold a secret", key)
			}
		}
		cleaned[key] = printable(value)
	}
	text, err := json.Marshal(cleaned)
	if err == nil && len(text) > maxMetadata {
		err = fmt.Errorf("metadata of %d bytes is over %d", len(text), maxMetadata)
	}
	return string(text), err
}

// printable is text without what Postgres refuses.
func printable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// EventsOf implements disclosure.Trail.
func (db *DB) EventsOf(ctx context.Context, userID, before string, limit int, less ...audit.Action) ([]audit.Event, error) {
	condition, args := `user_id = $1`, make([]any, len(less))
	for i, action := range less {
		args[i] = string(action)
	}
	if len(less) > 0 {
		condition += ` AND action NOT IN (` + placeholders(4, len(less)) + `)`
	}
	return db.eventsWhere(ctx, condition, userID, before, limit, args...)
}

// eventsWhere returns events that meet a condition on $1, and on more from $4 on, the
// newest first.
func (db *DB) eventsWhere(ctx context.Context, condition, value, before string, limit int, more ...any) ([]audit.Event, error) {
	return readAll(ctx, db, "reading events", scanEvent, `SELECT id, at, action, actor_type, actor_id, user_id, target_id, org_id, ip, user_agent, metadata
		FROM audit_events WHERE `+condition+` AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, append([]any{value, before, limit}, more...)...)
}

func scanEvent(row scanner) (e audit.Event, err error) {
	var at int64
	var metadata string
	err = row.Scan(&e.ID, &at, &e.Action, &e.ActorType, &e.ActorID, &e.UserID, &e.TargetID, &e.OrgID, &e.IP, &e.UserAgent, &metadata)
	if err == nil {
		err = json.Unmarshal([]byte(metadata), &e.Metadata)
	}
	e.At = timeOf(at)
	return e, err
}

var _ disclosure.Trail = (*DB)(nil)
