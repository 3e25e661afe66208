package sqlstore_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

func TestAuditEventIsStoredWhole(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		db := open(t)
		e := someEvent(audit.SessionRevoke).By(audit.ActorUser, "actor").Of("user").On("target").With("reason", "lost \x00 phone")
		e.OrgID, e.UserAgent = "org", strings.Repeat("é", 400)
		if err := db.Note(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		var at int64
		var got audit.Event
		var action, actorType, metadata string
		err := db.Raw().QueryRow(`SELECT id, at, action, actor_type, actor_id, user_id, target_id, org_id, ip, user_agent, metadata
			FROM audit_events`).Scan(&got.ID, &at, &action, &actorType, &got.ActorID, &got.UserID, &got.TargetID,
			&got.OrgID, &got.IP, &got.UserAgent, &metadata)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(metadata), &got.Metadata); err != nil {
			t.Fatal(err)
		}
		if got.ID != e.ID || at != fixedTime.UnixMicro() || action != "session.revoke" || actorType != "user" ||
			got.ActorID != "actor" || got.UserID != "user" || got.TargetID != "target" || got.OrgID != "org" || got.IP != "192.0.2.7" {
			t.Errorf("stored as %+v at %d (%s by %s)", got, at, action, actorType)
		}
		if got.UserAgent != strings.Repeat("é", 256) {
			t.Errorf("the user agent has %d bytes, want it cut at 512", len(got.UserAgent))
		}
		if got.Metadata["reason"] != "lost \uFFFD phone" {
			t.Errorf("the metadata is %q", got.Metadata)
		}
	})
}

// TestAuditIsAppendOnly shows that even whoever can run statements as the
// gateway does not change what was written.
func TestAuditIsAppendOnly(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		db := open(t)
		if err := db.Note(context.Background(), someEvent(audit.Logout)); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{"UPDATE audit_events SET ip = ''", "DELETE FROM audit_events"} {
			if _, err := db.Raw().Exec(statement); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v, want a refusal", statement, err)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM audit_events WHERE ip = '192.0.2.7'"); n != 1 {
			t.Errorf("%d events are left", n)
		}
	})
}

// TestEveryChangeWritesItsEvent counts one event per change.
func TestEveryChangeWritesItsEvent(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		ctx, db, user := context.Background(), open(t), someUser("ada")
		changes := []func() error{
			func() error { return db.Create(ctx, user, "hash", someEvent(audit.UserCreate)) },
			func() error { return db.SignedIn(ctx, user.ID, 0, someEvent(audit.LoginSuccess)) },
			func() error { _, err := db.Failed(ctx, user.ID, someEvent(audit.LoginFailure)); return err },
			func() error { _, err := db.Failed(ctx, "", someEvent(audit.LoginFailure)); return err },
			func() error { _, err := db.SetPassword(ctx, user.ID, "new", someEvent(audit.PasswordSet)); return err },
			func() error { _, err := db.SetDisabled(ctx, user.ID, true, someEvent(audit.UserDisable)); return err },
			func() error { return db.Note(ctx, someEvent(audit.Logout)) },
		}
		for i, change := range changes {
			if err := change(); err != nil {
				t.Fatalf("change %d: %v", i, err)
			}
			if n := count(t, db, "SELECT count(*) FROM audit_events"); n != i+1 {
				t.Errorf("%d events after %d changes", n, i+1)
			}
		}
		// A change that fails writes none.
		if err := db.SignedIn(ctx, user.ID, 0, someEvent(audit.LoginSuccess)); err == nil {
			t.Error("a disabled account signed in")
		}
		if n := count(t, db, "SELECT count(*) FROM audit_events"); n != len(changes) {
			t.Errorf("%d events, want %d", n, len(changes))
		}
	})
}
