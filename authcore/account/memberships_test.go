package account_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/session"
)

// found makes an organization of a user.
func (w *world) found(t *testing.T, slug, userID string) org.Org {
	t.Helper()
	o := org.Org{ID: uuid.Must(uuid.NewV7()).String(), Slug: slug, Name: slug, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	if err := w.db.Orgs().Create(t.Context(), o, userID, "owner", 0, audit.New(time.Now(), audit.OrgCreate, client)); err != nil {
		t.Fatal(err)
	}
	return o
}

// join makes a user a member of an organization, and leave ends that.
func (w *world) join(t *testing.T, o org.Org, userID, role string) {
	t.Helper()
	if err := w.db.Orgs().Add(t.Context(), org.Authority{}, o.ID, userID, role, "owner", audit.New(time.Now(), audit.OrgMemberAdd, client)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) leave(t *testing.T, o org.Org, userID string) {
	t.Helper()
	if err := w.db.Orgs().Remove(t.Context(), org.Authority{}, o.ID, userID, "owner", audit.New(time.Now(), audit.OrgMemberRemove, client)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) resume(t *testing.T, token session.Token) *session.Live {
	t.Helper()
	live, err := w.sessions.Resume(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return live
}

// member is a world with a signed-in member of acme, which somebody else owns.
func member(t *testing.T, change ...func(*account.Deps)) (*world, authcore.User, org.Org, account.SignedIn) {
	t.Helper()
	w := newWorld(t, change...)
	user := w.add(t)
	boss := w.add(t, func(u *account.NewUser) { u.Email = "boss@example.com" })
	acme := w.found(t, "acme", boss.ID)
	w.join(t, acme, user.ID, "member")
	signedIn, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	return w, user, acme, signedIn
}

func TestSessionsCarryMemberships(t *testing.T) {
	w, user, acme, signedIn := member(t)
	id := w.resume(t, signedIn.Token).Identity
	if len(id.Orgs) != 1 || id.Org.ID != acme.ID || id.Org.Role != "member" {
		t.Fatalf("%+v", id)
	}
	other := w.found(t, "initech", user.ID)
	if err := w.Refresh(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	if id := w.resume(t, signedIn.Token).Identity; len(id.Orgs) != 2 || id.Org.ID != acme.ID {
		t.Errorf("after another membership: %+v", id)
	}
	if err := w.db.Orgs().MarkActive(t.Context(), other.ID, user.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	again, err := w.signIn(ada, good)
	if err != nil || again.Session.Identity.Org.ID != other.ID {
		t.Errorf("the next sign-in acts in %+v, want the last one; %v", again.Session.Identity.Org, err)
	}
}

// reassigned returns the metadata of the events of that action.
func (w *world) reassigned(t *testing.T) (rows []string) {
	t.Helper()
	db, err := sql.Open("sqlite", w.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query("SELECT org_id || ' ' || user_id || ' ' || metadata FROM audit_events WHERE action = ?", string(audit.OrgReassign))
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var row string
		if err := found.Scan(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestLosingTheActiveOrganizationIsNoted(t *testing.T) {
	w, user, acme, signedIn := member(t)
	if _, err := w.signIn(ada, good); err != nil { // a second session
		t.Fatal(err)
	}
	own := w.found(t, "initech", user.ID)
	if err := w.Refresh(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	if rows := w.reassigned(t); rows != nil {
		t.Errorf("nothing was taken away, but noted: %v", rows)
	}
	w.leave(t, acme, user.ID)
	for range 2 { // the second time there is nothing left to tell
		if err := w.RefreshAll(t.Context(), []string{user.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if id := w.resume(t, signedIn.Token).Identity; id.Org.ID != own.ID || len(id.Orgs) != 1 {
		t.Errorf("acts in %+v", id.Org)
	}
	rows := w.reassigned(t)
	if len(rows) != 2 {
		t.Fatalf("noted %v, want one of each session", rows)
	}
	for _, row := range rows {
		if !strings.HasPrefix(row, acme.ID+" "+user.ID+" ") || !strings.Contains(row, `"from":"`+acme.ID+`"`) || !strings.Contains(row, `"to":"`+own.ID+`"`) {
			t.Errorf("noted %s", row)
		}
	}
}

// changing is a source of memberships that runs something before it answers for
// the n-th time.
type changing struct {
	account.Orgs
	calls  atomic.Int32
	before func(call int32)
}

func (c *changing) Memberships(ctx context.Context, userID string) (authcore.Memberships, error) {
	if call := c.calls.Add(1); c.before != nil {
		c.before(call)
	}
	return c.Orgs.Memberships(ctx, userID)
}

func changingWorld(t *testing.T) (*world, authcore.User, org.Org, account.SignedIn, *changing) {
	t.Helper()
	source := new(changing)
	w, user, acme, signedIn := member(t, func(d *account.Deps) { source.Orgs = d.Orgs; d.Orgs = source })
	source.calls.Store(0)
	return w, user, acme, signedIn, source
}

// A membership that ends while a sign-in is under way must not be in its session:
// the refresh that follows may have looked before the session was stored.
func TestMembershipEndsDuringSignIn(t *testing.T) {
	w, user, acme, _, source := changingWorld(t)
	source.before = func(call int32) {
		if call == 2 { // the session is stored, the sign-in not committed
			w.leave(t, acme, user.ID)
		}
	}
	signedIn, err := w.signIn(ada, good)
	if err != nil || signedIn.Session.Identity.Org.ID != "" || len(signedIn.Session.Identity.Orgs) != 0 {
		t.Fatalf("%+v, %v", signedIn.Session, err)
	}
	if list, err := w.List(t.Context(), user.ID); err != nil || len(list) != 2 {
		t.Errorf("%d sessions, want those of two sign-ins; %v", len(list), err)
	}
}

func TestMembershipsThatNeverRest(t *testing.T) {
	w, user, acme, _, source := changingWorld(t)
	member := true
	source.before = func(call int32) {
		if call%2 == 1 {
			return
		}
		if member {
			w.leave(t, acme, user.ID)
		} else {
			w.join(t, acme, user.ID, "member")
		}
		member = !member
	}
	opening := account.Opening{User: user, Factor: authcore.Factor{Kind: authcore.FactorLink}, Client: client}
	_, err := w.Open(t.Context(), opening, func(context.Context, audit.Event) error { t.Error("it was committed"); return nil })
	if !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("%v, want a conflict", err)
	}
	if list, err := w.List(t.Context(), user.ID); err != nil || len(list) != 1 {
		t.Errorf("%d sessions, want the one of before; %v", len(list), err)
	}
}

// The same for a session that gets a new token: under the old one, a refresh finds
// it no more.
func TestMembershipEndsDuringStepUp(t *testing.T) {
	w, user, acme, signedIn, source := changingWorld(t)
	source.before = func(call int32) {
		if call == 2 { // the session has its new token
			w.leave(t, acme, user.ID)
		}
	}
	again, err := w.StepUp(t.Context(), w.resume(t, signedIn.Token), good, client)
	if err != nil {
		t.Fatal(err)
	}
	if id := w.resume(t, again.Token).Identity; id.Org.ID != "" || len(id.Orgs) != 0 {
		t.Errorf("after the step-up, acts in %+v", id.Org)
	}
	if rows := w.reassigned(t); len(rows) != 1 {
		t.Errorf("noted %v", rows)
	}
}

// A step-up that finds the membership ended notes what it takes away.
func TestMembershipEndedBeforeStepUp(t *testing.T) {
	w, user, acme, signedIn := member(t)
	w.leave(t, acme, user.ID)
	again, err := w.StepUp(t.Context(), w.resume(t, signedIn.Token), good, client)
	if err != nil || again.Session.Identity.Org.ID != "" {
		t.Fatalf("%+v, %v", again.Session, err)
	}
	if rows := w.reassigned(t); len(rows) != 1 {
		t.Errorf("noted %v", rows)
	}
}

// A wrong password must not cost the query that a right one does, nor the other way
// round before it is judged: strangers could tell members.
func TestSignInAsksForMembershipsAfterThePassword(t *testing.T) {
	w, _, _, _, source := changingWorld(t)
	for _, try := range [][2]string{{ada, "wrong"}, {"nobody@example.com", good}} {
		if _, err := w.signIn(try[0], try[1]); err != account.ErrInvalidCredentials {
			t.Fatal(err)
		}
	}
	if n := source.calls.Load(); n != 0 {
		t.Errorf("%d queries for nobody who has signed in", n)
	}
}

// absent is a source of memberships that is away.
type absent struct{}

func (absent) Memberships(context.Context, string) (authcore.Memberships, error) {
	return authcore.Memberships{}, errAway
}

func TestNoSignInWithoutMemberships(t *testing.T) {
	w := newWorld(t, func(d *account.Deps) { d.Orgs = absent{} })
	user := w.add(t)
	if _, err := w.signIn(ada, good); !errors.Is(err, authcore.ErrUnavailable) || errors.Is(err, account.ErrInvalidCredentials) {
		t.Errorf("%v", err)
	}
	if list, err := w.List(t.Context(), user.ID); err != nil || len(list) != 0 {
		t.Errorf("%d sessions are left, %v", len(list), err)
	}
	if slices.Contains(w.audited(t), "auth.login.failure account_changed") {
		t.Error("a store that is away counts as a wrong password")
	}
	if err := w.Refresh(t.Context(), user.ID); err != nil {
		t.Errorf("there is no session to refresh: %v", err)
	}
}

func TestRefreshAll(t *testing.T) {
	w, user, acme, signedIn := member(t)
	ids := []string{"nobody", user.ID}
	for range 40 {
		ids = append(ids, uuid.Must(uuid.NewV7()).String())
	}
	w.leave(t, acme, user.ID)
	if err := w.RefreshAll(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	if id := w.resume(t, signedIn.Token).Identity; len(id.Orgs) != 0 {
		t.Errorf("%+v", id.Orgs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.RefreshAll(ctx, ids); err == nil {
		t.Error("it says that all are up to date, but nothing was asked")
	}
}
