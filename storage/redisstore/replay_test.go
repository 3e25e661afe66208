package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/sqlstore"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestReplaySparesARotatedSession: a node that connects goes through the log, which
// has the hash that a rotation has just ended. The session lives under another one.
func TestReplaySparesARotatedSession(t *testing.T) {
	client := openURL(t, servers.Redis(t).URL)
	db, err := sqlstore.OpenSQLite(t.TempDir()+"/sigra.db", sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := session.New(session.Options{
		Store: client.Sessions(), Bus: client.Bus(quiet), Log: db.Revocations(), Settings: session.DefaultSettings(), Clock: time.Now, Logger: quiet,
	})
	token, _, err := m.Open(t.Context(), session.Grant{Identity: authcore.Identity{UserID: "ada"}}, func(context.Context, *session.Session) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	live, err := m.Resume(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := m.Rotate(t.Context(), live, func(*session.Session) {})
	if err != nil {
		t.Fatal(err)
	}
	replayed := make(chan struct{})
	m.RefreshWith(func(context.Context, string) error { close(replayed); return nil }) // comes last
	if err := db.Revocations().NoteChange(t.Context(), "ada", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	m.Listener().Up()
	select {
	case <-replayed:
	case <-time.After(10 * time.Second):
		t.Fatal("the log was not gone through")
	}
	if _, err := m.Resume(t.Context(), next); err != nil {
		t.Errorf("a session that was rotated a moment ago: %v", err)
	}
}
