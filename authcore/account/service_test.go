package account_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/secret"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/local"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

const (
	ada  = "ada@example.com"
	good = "correct horse battery staple"
)

var client = authcore.Client{IP: "192.0.2.1", UserAgent: "test", Site: "https://app.example"}

// world is the service over real parts: SQLite, the session manager, Argon2id.
type world struct {
	*account.Service
	db       *sqlstore.DB
	sessions *session.Manager
	file     string
	mu       sync.Mutex
	box      *secret.Box
	events   []events.Name
	ledger   *hooked
}

// hooked is the real ledger with a hook before a sign-in or a new password commits.
type hooked struct {
	account.Ledger
	before func()
}

func (h *hooked) ChangePassword(ctx context.Context, userID string, epoch int64, hash string, event audit.Event, jobs ...job.Job) (authcore.User, error) {
	if h.before != nil {
		h.before()
	}
	return h.Ledger.ChangePassword(ctx, userID, epoch, hash, event, jobs...)
}

func (h *hooked) SignedIn(ctx context.Context, userID string, epoch int64, event audit.Event, jobs ...job.Job) error {
	if h.before != nil {
		h.before()
	}
	return h.Ledger.SignedIn(ctx, userID, epoch, event, jobs...)
}

// work does what waits to be done after an answer.
func (w *world) work(t *testing.T) {
	t.Helper()
	jobs, err := w.db.Jobs().Claim(t.Context(), 100, time.Now().Add(24*time.Hour), time.Minute, account.TellOfLockJob)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if err := w.Handlers()[j.Kind](t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if err := w.db.Jobs().Done(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
}

// mails are the letters that wait to be sent.
func (w *world) mails(t *testing.T) (letters []mail.Letter) {
	t.Helper()
	w.work(t)
	jobs, err := w.db.Jobs().List(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if j.Kind != mail.JobKind {
			continue
		}
		var l mail.Letter
		if err := j.Payload(w.box, &l); err != nil {
			t.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

func (w *world) Emit(name events.Name, _ map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, name)
}

func newWorld(t *testing.T, change ...func(*account.Deps)) *world {
	t.Helper()
	w := &world{file: filepath.Join(t.TempDir(), "test.db")}
	var err error
	if w.db, err = sqlstore.OpenSQLite(w.file, sqlstore.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	if err := w.db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	w.sessions = session.New(session.Options{Store: w.db.Sessions(), Bus: new(local.Bus), Settings: session.DefaultSettings(), Clock: time.Now, Logger: logger})
	w.box, err = secret.NewBox(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w.ledger = &hooked{Ledger: w.db}
	deps := account.Deps{
		Users: w.db, Ledger: w.ledger, Tokens: w.db, Browsers: w.db, Queue: w.db.Jobs(), Orgs: w.db.Orgs(), Sessions: w.sessions, Sealer: w.box, Events: w, Clock: time.Now, Logger: logger,
		Passwords: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, password.Limits{}),
		Guard:     throttle.NewGuard(local.NewThrottle(time.Now), throttle.DefaultLimits()),
	}
	for _, f := range change {
		f(&deps)
	}
	w.Service = account.New(deps)
	return w
}

func (w *world) add(t *testing.T, change ...func(*account.NewUser)) authcore.User {
	t.Helper()
	in := account.NewUser{Email: ada, Name: "Ada", Password: good, Verified: true}
	for _, f := range change {
		f(&in)
	}
	user, err := w.Add(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func (w *world) signIn(email, password string, change ...func(*account.SignIn)) (account.SignedIn, error) {
	in := account.SignIn{Email: email, Password: password, Client: client}
	for _, f := range change {
		f(&in)
	}
	return w.SignIn(context.Background(), in)
}

// audited returns the actions in the audit log, oldest first, with the reason
// if there is one.
func (w *world) audited(t *testing.T) (actions []string) {
	t.Helper()
	db, err := sql.Open("sqlite", w.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT action, metadata FROM audit_events ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var action, metadata string
		if err := rows.Scan(&action, &metadata); err != nil {
			t.Fatal(err)
		}
		if _, reason, ok := strings.Cut(metadata, `"reason":"`); ok {
			reason, _, _ = strings.Cut(reason, `"`)
			action += " " + reason
		}
		actions = append(actions, action)
	}
	return actions
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	signedIn, err := w.signIn(" ADA@Example.com ", good)
	if err != nil {
		t.Fatal(err)
	}
	live, err := w.sessions.Resume(t.Context(), signedIn.Token)
	if err != nil {
		t.Fatal(err)
	}
	id := live.Identity
	if id.UserID != user.ID || id.SessionID != live.ID || id.Level != authcore.AAL1 || !id.EmailVerified || !slices.Equal(id.Methods(), []string{"pwd"}) || id.Site != client.Site {
		t.Errorf("%+v", id)
	}
	if live.Remembered || live.Idle == 0 {
		t.Errorf("%+v", live.Session)
	}
	remembered, err := w.signIn(ada, good, func(in *account.SignIn) { in.Remember = true })
	if err != nil || !remembered.Session.Remembered || remembered.Session.Idle != 0 {
		t.Errorf("%+v, %v", remembered.Session, err)
	}
	if got, want := w.audited(t), []string{"account.create", "auth.login.success", "auth.login.success"}; !slices.Equal(got, want) {
		t.Errorf("audited %v", got)
	}
}

func TestFailedSignIns(t *testing.T) {
	w := newWorld(t)
	w.add(t)
	off := w.add(t, func(u *account.NewUser) { u.Email = "off@example.com" })
	if _, err := w.SetDisabled(t.Context(), off.ID, true); err != nil {
		t.Fatal(err)
	}
	for _, try := range [][2]string{{ada, "wrong"}, {"nobody@example.com", good}, {"off@example.com", good}, {"", ""}, {"nonsense", good}, {ada, ""}, {ada, strings.Repeat("x", 10000)}} {
		if _, err := w.signIn(try[0], try[1]); err != account.ErrInvalidCredentials {
			t.Errorf("%.30q: %v", try, err)
		}
	}
	want := []string{
		"auth.login.failure invalid_password", "auth.login.failure unknown_email", "auth.login.failure disabled",
		"auth.login.failure unknown_email", "auth.login.failure unknown_email", "auth.login.failure invalid_password", "auth.login.failure invalid_password",
	}
	if got := w.audited(t); !slices.Equal(got[3:], want) {
		t.Errorf("audited %v", got[3:])
	}
	if list, err := w.List(t.Context(), off.ID); err != nil || len(list) != 0 {
		t.Errorf("sessions %v, %v", list, err)
	}
}

func TestLock(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	first, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if _, err := w.signIn(ada, "wrong"); err != account.ErrInvalidCredentials {
			t.Fatal(err)
		}
		if _, err := w.signIn("nobody@example.com", "wrong"); err != account.ErrInvalidCredentials {
			t.Fatal(err)
		}
	}
	if _, err := w.signIn(ada, good); err != account.ErrInvalidCredentials {
		t.Errorf("a locked account took a password from a stranger: %v", err)
	}
	mails := w.mails(t)
	if len(mails) != 1 || mails[0].To != ada || mails[0].Kind != mail.Locked || mails[0].Values["ip"] != client.IP {
		t.Errorf("mails %+v", mails)
	}
	if !slices.Contains(w.audited(t), "security.lockout") {
		t.Error("the lock is not in the audit log")
	}
	known := func(in *account.SignIn) { in.Devices = []string{first.Device} }
	if _, err := w.signIn(ada, good, known); err != nil {
		t.Errorf("the owner's browser: %v", err)
	}
	for name, device := range map[string]string{"forged": "AAAA", "cut": first.Device[:20], "flipped": first.Device[:30] + string(first.Device[30]^1) + first.Device[31:]} {
		if _, err := w.signIn(ada, good, func(in *account.SignIn) { in.Devices = []string{device} }); err != account.ErrInvalidCredentials {
			t.Errorf("%s device: %v", name, err)
		}
	}
	other := w.add(t, func(u *account.NewUser) { u.Email = "bob@example.com" })
	if other.ID == user.ID {
		t.Fatal("ids repeat")
	}
	for range 6 {
		_, _ = w.signIn("bob@example.com", "wrong", known)
	}
	if _, err := w.signIn("bob@example.com", good, known); err != account.ErrInvalidCredentials {
		t.Errorf("ada's browser is known to bob's account: %v", err)
	}
}

func TestHundredFailuresInARow(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	first, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	for range 90 {
		if _, err := w.db.Failed(t.Context(), user.ID, audit.New(time.Now(), audit.LoginFailure, client)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.signIn(ada, good); err != account.ErrInvalidCredentials {
		t.Errorf("from a new browser: %v", err)
	}
	if _, err := w.signIn(ada, good, func(in *account.SignIn) { in.Devices = []string{first.Device} }); err != nil {
		t.Errorf("from a known browser: %v", err)
	}
	if _, err := w.signIn(ada, good); err != nil {
		t.Errorf("after the owner has signed in: %v", err)
	}
}

func TestSignInThatLosesARace(t *testing.T) {
	for name, lose := range map[string]func(*world, authcore.User) error{
		"disabled": func(w *world, u authcore.User) error {
			_, err := w.SetDisabled(context.Background(), u.ID, true)
			return err
		},
		"new password": func(w *world, u authcore.User) error {
			return w.SetPassword(context.Background(), u, "another fine password")
		},
	} {
		w := newWorld(t)
		user := w.add(t)
		w.ledger.before = func() {
			if err := lose(w, user); err != nil {
				t.Error(err)
			}
		}
		if _, err := w.signIn(ada, good); err != account.ErrInvalidCredentials {
			t.Errorf("%s: %v", name, err)
		}
		if list, err := w.List(t.Context(), user.ID); err != nil || len(list) != 0 {
			t.Errorf("%s: %d sessions are left, %v", name, len(list), err)
		}
	}
}

func TestBcryptIsUpgraded(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	legacy, err := bcrypt.GenerateFromPassword([]byte("legacy password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.SetPassword(t.Context(), user.ID, string(legacy), audit.New(time.Now(), audit.PasswordSet, client)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := w.signIn(ada, "legacy password"); err != nil {
			t.Fatal(err)
		}
		if _, credential, err := w.db.User(t.Context(), user.ID); err != nil || !strings.HasPrefix(credential.Hash, "$argon2id$") {
			t.Errorf("stored %s, %v", credential.Hash, err)
		}
	}
}

func TestStepUp(t *testing.T) {
	w := newWorld(t)
	w.add(t)
	signedIn, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	live, err := w.sessions.Resume(t.Context(), signedIn.Token)
	if err != nil {
		t.Fatal(err)
	}
	var invalid *account.InvalidError
	if _, err := w.StepUp(t.Context(), live, "wrong", client); !errors.As(err, &invalid) || invalid.Fields["password"] != account.ProblemWrongPassword {
		t.Errorf("wrong password: %v", err)
	}
	proven, err := w.StepUp(t.Context(), live, good, client)
	if err != nil {
		t.Fatal(err)
	}
	if proven.Session.ID != live.ID || !proven.Session.Identity.ProvenAt().After(live.Identity.ProvenAt()) {
		t.Errorf("%+v", proven.Session)
	}
	if _, err := w.sessions.Resume(t.Context(), signedIn.Token); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the old token: %v", err)
	}
	next, err := w.sessions.Resume(t.Context(), proven.Token)
	if err != nil {
		t.Fatal(err)
	}
	var throttled *account.ThrottledError
	for range 6 {
		_, err = w.StepUp(t.Context(), next, "wrong", client)
	}
	if !errors.As(err, &throttled) || throttled.RetryAfter <= 0 {
		t.Errorf("the sixth wrong password: %v", err)
	}
}

func TestSessionsOfOthers(t *testing.T) {
	w := newWorld(t)
	w.add(t)
	w.add(t, func(u *account.NewUser) { u.Email = "eve@example.com" })
	hers, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	eve, err := w.signIn("eve@example.com", good)
	if err != nil {
		t.Fatal(err)
	}
	live, err := w.sessions.Resume(t.Context(), eve.Token)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{hers.Session.ID, "", "nonsense"} {
		if err := w.RevokeSession(t.Context(), live, id, client); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("revoking %q: %v", id, err)
		}
	}
	if _, err := w.sessions.Resume(t.Context(), hers.Token); err != nil {
		t.Errorf("ada's session: %v", err)
	}
	if err := w.SignOut(t.Context(), live, client); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.Resume(t.Context(), eve.Token); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("after signing out: %v", err)
	}
	if got := w.audited(t); got[len(got)-1] != "auth.logout" || slices.Contains(got, "session.revoke") {
		t.Errorf("audited %v", got)
	}
}

func TestSetUp(t *testing.T) {
	w := newWorld(t)
	old, err := w.IssueSetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	link, err := w.IssueSetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"an older link": old, "garbage": "x", "another": strings.Repeat("A", 43)} {
		if err := w.CheckSetUp(t.Context(), secret); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var invalid *account.InvalidError
	if _, err := w.CompleteSetUp(t.Context(), account.SetUp{Secret: link, Email: "x", Password: "x", Name: strings.Repeat("x", 300)}); !errors.As(err, &invalid) || len(invalid.Fields) != 3 {
		t.Errorf("bad fields: %v", err)
	}
	signedIn, err := w.CompleteSetUp(t.Context(), account.SetUp{Secret: link, Email: ada, Name: " Ada\x00\u202e  L. ", Password: good, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	if id := signedIn.Session.Identity; id.Role != authcore.RoleAdmin || !id.EmailVerified || id.Name != "Ada L." {
		t.Errorf("%+v", id)
	}
	if _, err := w.CompleteSetUp(t.Context(), account.SetUp{Secret: link, Email: "b@example.com", Password: good}); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the link again: %v", err)
	}
	if _, err := w.IssueSetUp(t.Context()); !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("another link: %v", err)
	}
}

func TestAdd(t *testing.T) {
	w := newWorld(t)
	user := w.add(t)
	for _, same := range []string{"ADA@example.com", "ａｄａ@example.com"} {
		if _, err := w.Add(t.Context(), account.NewUser{Email: same, Password: good}); !errors.Is(err, authcore.ErrConflict) {
			t.Errorf("%s: %v", same, err)
		}
	}
	for _, ref := range []string{user.ID, "Ada@Example.com"} {
		if found, err := w.Find(t.Context(), ref); err != nil || found.ID != user.ID {
			t.Errorf("%s: %v, %v", ref, found.ID, err)
		}
	}
	for _, ref := range []string{"", "nobody@example.com", "\x00", "00000000-0000-7000-8000-000000000000"} {
		if _, err := w.Find(t.Context(), ref); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("%q: %v", ref, err)
		}
	}
	if !slices.Contains(w.events, events.UserCreated) {
		t.Errorf("events %v", w.events)
	}
}
