package sqlstore

import (
	"context"
	"database/sql"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/profile"
)

// SaveProfile implements profile.Store.
func (db *DB) SaveProfile(ctx context.Context, user authcore.User, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "saving a profile", jobs, func(ctx context.Context, tx *sql.Tx) error {
		text, err := profileText(user.Profile)
		if err != nil {
			return err
		}
		if err := found(affected(tx.ExecContext(ctx, `UPDATE users SET name = $2, language = $3, profile = $4, updated_at = $5 WHERE id = $1 AND deleted_at = 0`,
			user.ID, user.Name, user.Language, text, micros(event.At)))); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

var _ profile.Store = (*DB)(nil)
