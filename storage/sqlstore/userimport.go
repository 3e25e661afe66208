package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/sigra-auth/sigra/authcore/userimport"
)

// importTimeout bounds the transaction of an import.
const importTimeout = 5 * time.Minute

// TakenEmails implements userimport.Store.
func (db *DB) TakenEmails(ctx context.Context, keys []string) ([]string, error) {
	const doing = "looking for addresses"
	ctx, cancel := bounded(ctx)
	defer cancel()
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = key
	}
	rows, err := db.read.QueryContext(ctx, `SELECT email_key FROM users WHERE email_key IN (`+placeholders(1, len(keys))+`)`, args...)
	if err != nil {
		return nil, db.failed(doing, err)
	}
	defer rows.Close()
	var taken []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, db.failed(doing, err)
		}
		taken = append(taken, key)
	}
	return taken, db.failed(doing, rows.Err())
}

// ImportUsers implements userimport.Store. SQLite has one writer, which waits for
// it: a second for 20,000 accounts, about.
func (db *DB) ImportUsers(ctx context.Context, accounts []userimport.Account) error {
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	return db.transactWithin(ctx, "importing accounts", func(ctx context.Context, tx *sql.Tx) error {
		for _, a := range accounts {
			if err := insertUser(ctx, tx, a.User, a.PasswordHash); err != nil {
				return err
			}
			if err := insertEvent(ctx, tx, a.Event); err != nil {
				return err
			}
		}
		return nil
	})
}

var _ userimport.Store = (*DB)(nil)
