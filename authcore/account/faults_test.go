package account_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/authcore/token"
	"github.com/sigra-auth/sigra/storage/local"
)

// errAway is a dependency that does not answer.
var errAway = fmt.Errorf("connection refused: %w", authcore.ErrUnavailable)

// fault makes calls of one name fail, of parts that are real otherwise.
type fault struct{ call string }

func (f *fault) at(call string) error {
	if f.call == call {
		return errAway
	}
	return nil
}

type faultyUsers struct {
	account.UserStore
	*fault
}

func (f faultyUsers) UserByEmail(ctx context.Context, key string) (authcore.User, account.Credential, error) {
	if err := f.at("UserByEmail"); err != nil {
		return authcore.User{}, account.Credential{}, err
	}
	return f.UserStore.UserByEmail(ctx, key)
}

func (f faultyUsers) User(ctx context.Context, id string) (authcore.User, account.Credential, error) {
	if err := f.at("User"); err != nil {
		return authcore.User{}, account.Credential{}, err
	}
	return f.UserStore.User(ctx, id)
}

func (f faultyUsers) HasUsers(ctx context.Context) (bool, error) {
	if err := f.at("HasUsers"); err != nil {
		return false, err
	}
	return f.UserStore.HasUsers(ctx)
}

type faultyLedger struct {
	account.Ledger
	*fault
}

func (f faultyLedger) SignedIn(ctx context.Context, userID string, epoch int64, event audit.Event, jobs ...job.Job) error {
	if err := f.at("SignedIn"); err != nil {
		return err
	}
	return f.Ledger.SignedIn(ctx, userID, epoch, event, jobs...)
}

func (f faultyLedger) Failed(ctx context.Context, userID string, event audit.Event) (int, error) {
	if err := f.at("Failed"); err != nil {
		return 0, err
	}
	return f.Ledger.Failed(ctx, userID, event)
}

func (f faultyLedger) Note(ctx context.Context, event audit.Event, jobs ...job.Job) error {
	if err := f.at("Note"); err != nil {
		return err
	}
	return f.Ledger.Note(ctx, event, jobs...)
}

type faultyCounts struct {
	throttle.Store
	*fault
}

func (f faultyCounts) Take(ctx context.Context, key string, limit throttle.Limit) (throttle.Verdict, error) {
	if err := f.at("Take"); err != nil {
		return throttle.Verdict{}, err
	}
	return f.Store.Take(ctx, key, limit)
}

func (f faultyCounts) Reset(ctx context.Context, limit throttle.Limit, keys ...string) error {
	if err := f.at("Reset"); err != nil {
		return err
	}
	return f.Store.Reset(ctx, limit, keys...)
}

type faultySessions struct {
	account.Sessions
	*fault
}

func (f faultySessions) Open(ctx context.Context, g session.Grant, commit func(context.Context, *session.Session) error) (session.Token, *session.Session, error) {
	if err := f.at("Open"); err != nil {
		return session.Token{}, nil, err
	}
	return f.Sessions.Open(ctx, g, commit)
}

func (f faultySessions) RevokeAll(ctx context.Context, userID, except string) (int, error) {
	if err := f.at("RevokeAll"); err != nil {
		return 0, err
	}
	return f.Sessions.RevokeAll(ctx, userID, except)
}

type faultyTokens struct {
	token.Store
	*fault
}

func (f faultyTokens) Peek(ctx context.Context, hash []byte, purpose token.Purpose, at time.Time) (token.Token, error) {
	if err := f.at("Peek"); err != nil {
		return token.Token{}, err
	}
	return f.Store.Peek(ctx, hash, purpose, at)
}

type faultyOrgs struct {
	account.Orgs
	*fault
}

func (f faultyOrgs) Memberships(ctx context.Context, userID string) (authcore.Memberships, error) {
	if err := f.at("Memberships"); err != nil {
		return authcore.Memberships{}, err
	}
	return f.Orgs.Memberships(ctx, userID)
}

// faultyWorld is a world whose parts fail on demand.
func faultyWorld(t *testing.T) (*world, *fault) {
	t.Helper()
	f := new(fault)
	return newWorld(t, func(d *account.Deps) {
		d.Users, d.Ledger, d.Tokens = faultyUsers{d.Users, f}, faultyLedger{d.Ledger, f}, faultyTokens{d.Tokens, f}
		d.Sessions, d.Orgs = faultySessions{d.Sessions, f}, faultyOrgs{d.Orgs, f}
		d.Guard = throttle.NewGuard(faultyCounts{local.NewThrottle(time.Now), f}, throttle.DefaultLimits())
	}), f
}

// TestSignInFailsClosed breaks one part at a time: the answer is that something
// is away, never that the password is wrong, and no session is left.
func TestSignInFailsClosed(t *testing.T) {
	w, f := faultyWorld(t)
	user := w.add(t)
	for _, c := range []struct{ call, password string }{
		{"UserByEmail", good}, {"Take", good}, {"Memberships", good}, {"Open", good}, {"SignedIn", good}, {"Failed", "wrong"},
	} {
		f.call = c.call
		signedIn, err := w.signIn(ada, c.password)
		if !errors.Is(err, authcore.ErrUnavailable) || errors.Is(err, account.ErrInvalidCredentials) || signedIn.Session != nil || signedIn.Device != "" {
			t.Errorf("%s: %+v, %v", c.call, signedIn, err)
		}
	}
	f.call = ""
	if list, err := w.List(t.Context(), user.ID); err != nil || len(list) != 0 {
		t.Errorf("%d sessions are left, %v", len(list), err)
	}
	f.call = "Reset" // the limit stays counted, which harms nobody
	if _, err := w.signIn(ada, good); err != nil {
		t.Errorf("Reset: %v", err)
	}
}

func TestStepUpFailsClosed(t *testing.T) {
	w, f := faultyWorld(t)
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
	for _, c := range []struct{ call, password string }{{"Take", good}, {"User", good}, {"Memberships", good}, {"SignedIn", good}, {"Failed", "wrong"}} {
		f.call = c.call
		if _, err := w.StepUp(t.Context(), live, c.password, client); !errors.Is(err, authcore.ErrUnavailable) || errors.As(err, &invalid) {
			t.Errorf("%s: %v", c.call, err)
		}
	}
	if _, err := w.sessions.Resume(t.Context(), signedIn.Token); err != nil {
		t.Errorf("the session: %v", err)
	}
	f.call = "Reset"
	if _, err := w.StepUp(t.Context(), live, good, client); err != nil {
		t.Errorf("Reset: %v", err)
	}
}

// TestNothingEndsUnseen sees to it that a session that cannot be noted as ended
// goes on: the audit log tells of everything that has happened.
func TestNothingEndsUnseen(t *testing.T) {
	w, f := faultyWorld(t)
	user := w.add(t)
	signedIn, err := w.signIn(ada, good)
	if err != nil {
		t.Fatal(err)
	}
	live, err := w.sessions.Resume(t.Context(), signedIn.Token)
	if err != nil {
		t.Fatal(err)
	}
	f.call = "Note"
	for name, end := range map[string]func() error{
		"sign-out": func() error { return w.SignOut(t.Context(), live, client) },
		"one":      func() error { return w.RevokeSession(t.Context(), live, live.ID, client) },
		"others":   func() error { _, err := w.RevokeOthers(t.Context(), live, client); return err },
		"operator": func() error { _, err := w.End(t.Context(), user.ID, ""); return err },
	} {
		if err := end(); !errors.Is(err, authcore.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.sessions.Resume(t.Context(), signedIn.Token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDisablingOutlivesTheSessionStore disables while sessions cannot be ended:
// the operator is told, and the account takes no sign-in.
func TestDisablingOutlivesTheSessionStore(t *testing.T) {
	w, f := faultyWorld(t)
	user := w.add(t)
	f.call = "RevokeAll"
	off, err := w.SetDisabled(t.Context(), user.ID, true)
	if !errors.Is(err, authcore.ErrUnavailable) || !off.Disabled() {
		t.Errorf("%+v, %v", off, err)
	}
	if err := w.SetPassword(t.Context(), user, "another fine password"); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("a new password: %v", err)
	}
	f.call = ""
	for _, password := range []string{good, "another fine password"} {
		if _, err := w.signIn(ada, password); err != account.ErrInvalidCredentials {
			t.Errorf("%s: %v", password, err)
		}
	}
}

func TestSetUpFailsClosed(t *testing.T) {
	w, f := faultyWorld(t)
	f.call = "HasUsers"
	if _, err := w.IssueSetUp(t.Context()); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("a link without knowing whether there is an account: %v", err)
	}
	f.call = ""
	link, err := w.IssueSetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in := account.SetUp{Secret: link, Email: ada, Password: good, Client: client}
	f.call = "Peek"
	if _, err := w.CompleteSetUp(t.Context(), in); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("Peek: %v", err)
	}
	f.call = ""
	if _, err := w.CompleteSetUp(t.Context(), in); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
