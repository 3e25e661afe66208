package sqlstore_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/sqlstore"
	"github.com/sigra-auth/sigra/tests/servers"
)

func TestPostgresErrorsHideThePassword(t *testing.T) {
	for _, dsn := range []string{
		"postgres://sigra:pa55word@host:port/db", "postgres://sigra:pa55/word@host:5432/db", "host=a password=pa55word port=x",
		"postgres://sigra:pa55word@127.0.0.1:1/db?sslmode=pa55word", "pa55word",
	} {
		db, err := sqlstore.OpenPostgres(dsn, sqlstore.Options{})
		if err == nil {
			err = closing(t)(db, nil).Ping(context.Background())
		}
		if err == nil || strings.Contains(err.Error(), "pa55") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

func TestPostgresKnowsWhoElseIsThere(t *testing.T) {
	db := migrated(t, openPostgres(t, servers.Postgres(t)))
	for _, step := range []struct {
		node string
		want bool
	}{{"a", true}, {"a", true}, {"b", false}, {"a", false}, {"b", false}} {
		if alone, err := db.Alone(t.Context(), step.node); err != nil || alone != step.want {
			t.Errorf("%s is alone: %t, %v", step.node, alone, err)
		}
	}
}

// everyCall is one of each kind: a read, a transaction, a statement, a session.
func everyCall(db *sqlstore.DB) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"ping":        db.Ping,
		"read":        func(ctx context.Context) error { _, err := db.HasUsers(ctx); return err },
		"transaction": func(ctx context.Context) error { return db.Note(ctx, someEvent(audit.Logout)) },
		"statement":   func(ctx context.Context) error { return db.UpgradePassword(ctx, "id", "old", "new") },
		"session": func(ctx context.Context) error {
			_, err := db.Sessions().Find(ctx, make([]session.Hash, 3))
			return err
		},
		"revocation": func(ctx context.Context) error {
			_, err := db.Revocations().Revoked(ctx, session.Hash{}, "", "", fixedTime, 0)
			return err
		},
	}
}

// TestPostgresAway stops and hangs the server. Calls say so within their
// deadline, and work again without a restart of the gateway.
func TestPostgresAway(t *testing.T) {
	server := servers.DedicatedPostgres(t)
	db := migrated(t, openPostgres(t, server.DSN))
	works := func(when string) {
		t.Helper()
		for name, call := range everyCall(db) {
			if err := call(context.Background()); err != nil {
				t.Errorf("%s, %s: %v", when, name, err)
			}
		}
	}
	works("at first")
	server.Stop(t)
	for name, call := range everyCall(db) {
		wantUnavailable(t, "stopped, "+name, time.Second, call)
	}
	wantUnavailable(t, "stopped, migrate", time.Second, db.Migrate)
	server.Start(t)
	works("started again")

	var group sync.WaitGroup
	for range 10 { // many connections, used a moment ago
		group.Go(func() {
			for range 20 {
				db.Ping(context.Background())
			}
		})
	}
	group.Wait()
	server.Kill(t)
	server.Start(t)
	for range 5 {
		works("killed and started again")
	}

	server.Pause(t)
	t.Run("hung", func(t *testing.T) {
		for name, call := range everyCall(db) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				wantUnavailable(t, "hung", 3500*time.Millisecond, call)
			})
		}
	})
	server.Resume(t)
	works("resumed")
	server.Kill(t)
	wantUnavailable(t, "killed", time.Second, everyCall(db)["read"])
	server.Start(t)
	works("started after a kill")
}

func TestShorterDeadlineOfTheCallerHolds(t *testing.T) {
	server := servers.DedicatedPostgres(t)
	db := migrated(t, openPostgres(t, server.DSN))
	server.Pause(t)
	defer server.Resume(t)
	wantUnavailable(t, "hung", 500*time.Millisecond, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_, err := db.HasUsers(ctx)
		return err
	})
}
