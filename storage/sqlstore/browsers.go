package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
)

const browserColumns = `id, user_id, hash, epoch, user_agent, ip, created_at, expires_at`

func insertBrowser(ctx context.Context, tx *sql.Tx, b account.Browser) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO trusted_browsers (`+browserColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		b.ID, b.UserID, b.Hash, b.Epoch, b.UserAgent, b.IP, micros(b.CreatedAt), micros(b.ExpiresAt))
	return err
}

func scanBrowser(row interface{ Scan(...any) error }) (b account.Browser, err error) {
	var created, expires int64
	err = row.Scan(&b.ID, &b.UserID, &b.Hash, &b.Epoch, &b.UserAgent, &b.IP, &created, &expires)
	b.CreatedAt, b.ExpiresAt = timeOf(created), timeOf(expires)
	return b, err
}

// Browser implements account.BrowserStore.
func (db *DB) Browser(ctx context.Context, hash []byte, at time.Time) (account.Browser, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	b, err := scanBrowser(db.read.QueryRowContext(ctx, `SELECT `+browserColumns+` FROM trusted_browsers WHERE hash = $1 AND expires_at > $2`, hash, micros(at)))
	return b, db.failed("finding a trusted browser", err)
}

// Browsers implements account.BrowserStore.
func (db *DB) Browsers(ctx context.Context, userID string, epoch int64, at time.Time) (list []account.Browser, err error) {
	const doing = "listing trusted browsers"
	ctx, cancel := bounded(ctx)
	defer cancel()
	rows, err := db.read.QueryContext(ctx, `SELECT `+browserColumns+` FROM trusted_browsers
		WHERE user_id = $1 AND epoch = $2 AND expires_at > $3 ORDER BY id DESC`, userID, epoch, micros(at))
	if err != nil {
		return nil, db.failed(doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		b, err := scanBrowser(rows)
		if err != nil {
			return nil, db.failed(doing, err)
		}
		list = append(list, b)
	}
	return list, db.failed(doing, rows.Err())
}

// RemoveBrowsers implements account.BrowserStore.
func (db *DB) RemoveBrowsers(ctx context.Context, userID, id string, event audit.Event, jobs ...job.Job) error {
	return db.promise(ctx, "removing trusted browsers", jobs, func(ctx context.Context, tx *sql.Tx) error {
		if err := found(affected(tx.ExecContext(ctx, `DELETE FROM trusted_browsers WHERE user_id = $1 AND ($2 = '' OR id = $2)`, userID, id))); err != nil {
			return err
		}
		return insertEvent(ctx, tx, event)
	})
}

var _ account.BrowserStore = (*DB)(nil)
