package account_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
)

// entry is a row of the audit log.
type entry struct {
	action, actorType, actorID, userID, targetID, ip, userAgent, metadata string
}

func (w *world) trail(t *testing.T) (list []entry) {
	t.Helper()
	db, err := sql.Open("sqlite", w.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT action, actor_type, actor_id, user_id, target_id, ip, user_agent, metadata FROM audit_events ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.action, &e.actorType, &e.actorID, &e.userID, &e.targetID, &e.ip, &e.userAgent, &e.metadata); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// TestTrail lives through an account's days and reads who did what, from where.
func TestTrail(t *testing.T) {
	w := newWorld(t)
	link, err := w.IssueSetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, err := w.CompleteSetUp(t.Context(), account.SetUp{Secret: link, Email: ada, Password: good, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	id := first.Session.Identity.UserID
	second, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.signIn(ada, "wr0ng-guess")
	_, _ = w.signIn("bob@example.com", good)
	live, err := w.sessions.Resume(t.Context(), second.Token)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.StepUp(t.Context(), live, "wr0ng-guess", client)
	proven, err := w.StepUp(t.Context(), live, good, client)
	if err != nil {
		t.Fatal(err)
	}
	if live, err = w.sessions.Resume(t.Context(), proven.Token); err != nil {
		t.Fatal(err)
	}
	if n, err := w.RevokeOthers(t.Context(), live, client); err != nil || n != 1 {
		t.Fatalf("%d others, %v", n, err)
	}
	if err := w.RevokeSession(t.Context(), live, live.ID, client); err != nil {
		t.Fatal(err)
	}
	if _, err := w.End(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
	web := func(action, actorType, actorID, userID, targetID string) entry {
		return entry{action, actorType, actorID, userID, targetID, client.IP, client.UserAgent, ""}
	}
	want := []entry{
		web("auth.setup.complete", "user", id, id, ""),
		web("auth.login.success", "user", id, id, first.Session.ID),
		web("auth.login.success", "user", id, id, second.Session.ID),
		web("auth.login.failure", "unknown", "", id, ""),
		web("auth.login.failure", "unknown", "", "", ""),
		web("session.step_up.failure", "user", id, id, second.Session.ID),
		web("session.step_up.success", "user", id, id, second.Session.ID),
		web("session.revoke_all", "user", id, id, ""),
		web("session.revoke", "user", id, id, second.Session.ID),
		{"session.revoke_all", "operator", "", id, "", "", "", ""},
	}
	got := w.trail(t)
	for i := range got {
		for _, secret := range []string{"wr0ng-guess", good, "bob@example.com", link, second.Token.String(), "$argon2id$"} {
			if strings.Contains(got[i].metadata, secret) {
				t.Errorf("%s tells %q: %s", got[i].action, secret, got[i].metadata)
			}
		}
		got[i].metadata = ""
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trail is\n%+v, want\n%+v", got, want)
	}
}

// TestOtherSessionsEndAndThisOneGoesOn is the button "everywhere else".
func TestOtherSessionsEndAndThisOneGoesOn(t *testing.T) {
	w := newWorld(t)
	w.add(t)
	var open []account.SignedIn
	for range 4 {
		signedIn, err := w.signIn(ada, good)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, signedIn)
	}
	live, err := w.sessions.Resume(t.Context(), open[2].Token)
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.Sessions(t.Context(), live)
	if err != nil || len(list) != 4 || list[0].ID != open[2].Session.ID || list[1].ID != open[3].Session.ID || list[3].ID != open[0].Session.ID {
		t.Errorf("%d sessions, %v", len(list), err)
	}
	if n, err := w.RevokeOthers(t.Context(), live, client); err != nil || n != 3 {
		t.Errorf("%d ended, %v", n, err)
	}
	for i, signedIn := range open {
		if _, err := w.sessions.Resume(t.Context(), signedIn.Token); (err == nil) != (i == 2) {
			t.Errorf("session %d: %v", i, err)
		}
	}
}
