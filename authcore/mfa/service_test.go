package mfa_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/profile"
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

var client = authcore.Client{IP: "192.0.2.1", UserAgent: "test", Site: "https://app.example", Portal: "https://app.example/_auth"}

// world is the service over real parts, with a clock that tests move.
type world struct {
	*mfa.Service
	t        *testing.T
	accounts *account.Service
	sessions *session.Manager
	db       *sqlstore.DB
	box      *secret.Box
	user     authcore.User
	skew     atomic.Int64
	mu       sync.Mutex
	events   []events.Name
}

func (w *world) Emit(name events.Name, _ map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, name)
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }

func (w *world) pass(d time.Duration) { w.skew.Add(int64(d)) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	if w.db, err = sqlstore.OpenSQLite(filepath.Join(t.TempDir(), "test.db"), sqlstore.Options{Clock: w.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	w.check(w.db.Migrate(t.Context()))
	w.box, err = secret.NewBox(bytes.Repeat([]byte{7}, 32))
	w.check(err)
	logger := slog.New(slog.DiscardHandler)
	w.sessions = session.New(session.Options{Store: w.db.Sessions(), Bus: new(local.Bus), Settings: session.DefaultSettings(), Clock: w.now, Logger: logger})
	guard := throttle.NewGuard(local.NewThrottle(w.now), throttle.DefaultLimits())
	w.accounts = account.New(account.Deps{
		Users: w.db, Ledger: w.db, Tokens: w.db, Browsers: w.db, Queue: w.db.Jobs(), Sessions: w.sessions, Sealer: w.box, Events: w, Clock: w.now, Logger: logger,
		Passwords: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, password.Limits{}), Guard: guard,
		Fields: profile.Fields{},
	})
	w.Service = mfa.New(mfa.Deps{
		Users: w.db, Store: w.db, Accounts: w.accounts, Sessions: w.sessions, Guard: guard, Notes: w.db, Box: w.box, Events: w, Clock: w.now, Logger: logger,
	})
	w.user, err = w.accounts.Add(t.Context(), account.NewUser{Email: ada, Password: good, Verified: true})
	w.check(err)
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// signIn gives the password.
func (w *world) signIn(client authcore.Client) *session.Live {
	w.t.Helper()
	signedIn, err := w.accounts.SignIn(w.t.Context(), account.SignIn{Email: ada, Password: good, Client: client})
	w.check(err)
	return w.live(signedIn)
}

func (w *world) live(s account.SignedIn) *session.Live {
	w.t.Helper()
	live, err := w.sessions.Resume(w.t.Context(), s.Token)
	w.check(err)
	return live
}

// code is what the app of a secret shows.
func (w *world) code(key []byte) string {
	w.t.Helper()
	code, err := totp.GenerateCode(base32.StdEncoding.EncodeToString(key), w.now())
	w.check(err)
	return code
}

// enroll turns two-step sign-in on, and lets the step of the code pass.
func (w *world) enroll() (key []byte, codes []string, live *session.Live) {
	w.t.Helper()
	live = w.signIn(client)
	offer, err := w.Offer(w.t.Context(), live)
	w.check(err)
	enrolled, err := w.Enroll(w.t.Context(), live, offer.Sealed, w.code(offer.Secret), client)
	w.check(err)
	w.pass(31 * time.Second)
	return offer.Secret, enrolled.Codes, w.live(enrolled.SignedIn)
}

func (w *world) prove(live *session.Live, code string) (account.SignedIn, error) {
	return w.Prove(w.t.Context(), live, mfa.Attempt{Code: code, Client: client})
}

// trail are the audit events of Ada's, oldest first.
func (w *world) trail() (actions []audit.Action) {
	w.t.Helper()
	events, err := w.db.EventsOf(w.t.Context(), w.user.ID, "", 1000)
	w.check(err)
	for _, e := range slices.Backward(events) {
		actions = append(actions, e.Action)
	}
	return actions
}

// letters are the kinds of mails to Ada.
func (w *world) letters() (kinds []mail.Kind) {
	w.t.Helper()
	jobs, err := w.db.Jobs().List(w.t.Context(), 1000)
	w.check(err)
	for _, j := range jobs {
		if j.Kind == mail.JobKind {
			var l mail.Letter
			w.check(j.Payload(w.box, &l))
			kinds = append(kinds, l.Kind)
		}
	}
	return kinds
}

func isWrong(err error) bool {
	var wrong *mfa.WrongCodeError
	return errors.As(err, &wrong)
}

func TestEnroll(t *testing.T) {
	w := newWorld(t)
	key, codes, live := w.enroll()
	if live.Identity.Level != authcore.AAL2 || !slices.Equal(live.Identity.Methods(), []string{"pwd", "otp", "mfa"}) {
		t.Errorf("the session: %s by %v", live.Identity.Level, live.Identity.Methods())
	}
	if len(codes) != 8 || slices.ContainsFunc(codes, func(c string) bool { return !regexp.MustCompile(`^\d{4}-\d{4}$`).MatchString(c) }) {
		t.Errorf("backup codes: %v", codes)
	}
	factors, err := w.Factors(t.Context(), live)
	w.check(err)
	if !factors.Password || factors.TwoStepAt.IsZero() || factors.Codes != 8 || factors.Passkeys != 0 || bytes.Contains(factors.Secret, key) {
		t.Errorf("%+v", factors)
	}
	if !slices.Contains(w.letters(), mail.TwoStepOn) || !slices.Contains(w.trail(), audit.TwoStepEnroll) || !slices.Contains(w.events, events.TwoStepOn) {
		t.Errorf("mails %v, trail %v, events %v", w.letters(), w.trail(), w.events)
	}
}

func TestEnrollRefuses(t *testing.T) {
	w := newWorld(t)
	live := w.signIn(client)
	offer, err := w.Offer(t.Context(), live)
	w.check(err)
	if _, err := w.Enroll(t.Context(), live, offer.Sealed, "000000x", client); !isWrong(err) {
		t.Errorf("a wrong code: %v", err)
	}
	other := w.signIn(client)
	if _, err := w.Enroll(t.Context(), other, offer.Sealed, w.code(offer.Secret), client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the offer of another session: %v", err)
	}
	for _, sealed := range []string{"", "x", "!", offer.Sealed[:40], strings.Repeat("A", 200)} {
		if _, err := w.Enroll(t.Context(), live, sealed, w.code(offer.Secret), client); !errors.Is(err, authcore.ErrNotFound) {
			t.Errorf("%.20q as an offer: %v", sealed, err)
		}
	}
	w.pass(14 * time.Minute)
	if _, err := w.Offer(t.Context(), live); err != nil {
		t.Errorf("14 minutes after signing in: %v", err)
	}
	w.pass(2 * time.Minute)
	var stale *account.StaleError
	if _, err := w.Offer(t.Context(), live); !errors.As(err, &stale) || len(stale.Wanted) > 0 {
		t.Errorf("16 minutes after signing in: %v", err)
	}
	if _, err := w.Enroll(t.Context(), live, offer.Sealed, w.code(offer.Secret), client); !errors.As(err, &stale) {
		t.Errorf("16 minutes after signing in: %v", err)
	}
	if !slices.Contains(w.trail(), audit.TwoStepEnrollFail) {
		t.Errorf("trail %v", w.trail())
	}
}

func TestSignInInTwoSteps(t *testing.T) {
	w := newWorld(t)
	key, codes, _ := w.enroll()
	pending := w.signIn(client)
	if !pending.Identity.Pending || pending.Identity.Hold() != authcore.HoldSecondFactor {
		t.Fatalf("after the password: %+v", pending.Identity)
	}
	if life := pending.ExpiresAt.Sub(w.now()); life > 5*time.Minute || life < 4*time.Minute {
		t.Errorf("it waits for %s", life)
	}
	code := w.code(key)
	signedIn, err := w.prove(pending, code)
	w.check(err)
	live := w.live(signedIn)
	if live.Identity.Pending || live.Identity.Level != authcore.AAL2 || live.ID != pending.ID || live.Idle == 0 || live.ExpiresAt.Sub(w.now()) < 23*time.Hour {
		t.Errorf("after the code: %+v", live.Session)
	}
	if _, err := w.sessions.Resume(t.Context(), session.Token{}); err == nil {
		t.Error("no token is a session")
	}
	again := w.signIn(client)
	if _, err := w.prove(again, code); !isWrong(err) {
		t.Errorf("the same code again: %v", err)
	}
	if _, err := w.prove(again, strings.ReplaceAll(codes[0], "-", " ")); err != nil {
		t.Errorf("a backup code: %v", err)
	}
	if _, err := w.prove(w.signIn(client), codes[0]); !isWrong(err) {
		t.Errorf("the same backup code again: %v", err)
	}
	if !slices.Contains(w.letters(), mail.BackupCodeUsed) {
		t.Errorf("mails: %v", w.letters())
	}
	var found bool
	for i, action := range w.trail() {
		found = found || action == audit.LoginPending && w.trail()[i+1] == audit.LoginSuccess
	}
	if !found {
		t.Errorf("trail %v", w.trail())
	}
}

// TestEachCodeOnce sends a code and a backup code many times at once, from
// different pending sign-ins.
func TestEachCodeOnce(t *testing.T) {
	for _, kind := range []string{"totp", "backup"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			key, codes, _ := w.enroll()
			code := w.code(key)
			if kind == "backup" {
				code = codes[3]
			}
			pending := make([]*session.Live, 4)
			for i := range pending {
				pending[i] = w.signIn(client)
			}
			var group sync.WaitGroup
			var passed atomic.Int64
			for _, live := range pending {
				group.Go(func() {
					if _, err := w.prove(live, code); err == nil {
						passed.Add(1)
					} else if !isWrong(err) {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if passed.Load() != 1 {
				t.Errorf("%d passed", passed.Load())
			}
		})
	}
}

func TestLock(t *testing.T) {
	w := newWorld(t)
	key, codes, _ := w.enroll()
	pending := w.signIn(client)
	for left := 4; left >= 0; left-- {
		_, err := w.prove(pending, "000000")
		var wrong *mfa.WrongCodeError
		if !errors.As(err, &wrong) || wrong.Left != left {
			t.Errorf("%v, want %d left", err, left)
		}
	}
	var throttled *account.ThrottledError
	for _, code := range []string{w.code(key), codes[0]} {
		if _, err := w.prove(w.signIn(client), code); !errors.As(err, &throttled) || throttled.RetryAfter <= 0 {
			t.Errorf("a right code while locked: %v", err)
		}
	}
	if n := len(slices.DeleteFunc(w.letters(), func(k mail.Kind) bool { return k != mail.CodesLocked })); n != 1 {
		t.Errorf("%d mails", n)
	}
	if !slices.Contains(w.trail(), audit.TwoStepLockout) {
		t.Errorf("trail %v", w.trail())
	}
	w.pass(15 * time.Minute) // it re-arms
	if _, err := w.prove(w.signIn(client), w.code(key)); err != nil {
		t.Errorf("after a while: %v", err)
	}
	for range 4 {
		if _, err := w.prove(w.signIn(client), "000000"); !isWrong(err) {
			t.Errorf("success does not reset the limit: %v", err)
		}
	}
}

// TestHundredWrongCodesInARow: from then on a new password is needed, which sets
// the count back.
func TestHundredWrongCodesInARow(t *testing.T) {
	w := newWorld(t)
	key, _, _ := w.enroll()
	for range 100 {
		w.check(w.db.CodeFailed(t.Context(), w.user.ID, audit.New(w.now(), audit.TwoStepFailure, client).Of(w.user.ID)))
	}
	if _, err := w.prove(w.signIn(client), w.code(key)); !errors.Is(err, mfa.ErrTooManyFailures) {
		t.Errorf("after 100 failures: %v", err)
	}
	w.check(w.accounts.SetPassword(t.Context(), w.user, good))
	if _, err := w.prove(w.signIn(client), w.code(key)); err != nil {
		t.Errorf("with a new password: %v", err)
	}
}

func TestTrustedBrowser(t *testing.T) {
	w := newWorld(t)
	key, _, _ := w.enroll()
	signedIn, err := w.Prove(t.Context(), w.signIn(client), mfa.Attempt{Code: w.code(key), Trust: true, Client: client})
	w.check(err)
	trusting := client
	trusting.Trust = []string{"garbage", signedIn.Trust}
	live := w.signIn(trusting)
	if live.Identity.Pending || !live.Identity.Trusted || live.Identity.Level != authcore.AAL1 {
		t.Fatalf("at a trusted browser: %+v", live.Identity)
	}
	list, err := w.accounts.Browsers(t.Context(), live)
	if err != nil || len(list) != 1 || list[0].UserAgent != "test" || list[0].IP != client.IP {
		t.Errorf("the list: %+v, %v", list, err)
	}
	// It is no proof: a change of the factors asks for one.
	var stale *account.StaleError
	if _, err := w.Offer(t.Context(), live); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, authcore.SecondFactors) {
		t.Errorf("another app, from a trusted browser: %v", err)
	}
	if err := w.TurnOff(t.Context(), live, client); !errors.As(err, &stale) {
		t.Errorf("turning off, from a trusted browser: %v", err)
	}
	if _, err := w.accounts.ChangePassword(t.Context(), live, account.PasswordChange{Current: good, Password: "another long phrase"}, client); !errors.As(err, &stale) {
		t.Errorf("a new password, from a trusted browser: %v", err)
	}
	grace, err := w.accounts.Add(t.Context(), account.NewUser{Email: "grace@example.com", Password: good, Verified: true})
	w.check(err)
	theirs, err := w.accounts.SignIn(t.Context(), account.SignIn{Email: grace.Email, Password: good, Client: trusting})
	w.check(err)
	if err := w.accounts.DistrustBrowsers(t.Context(), w.live(theirs), list[0].ID, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("the browser of somebody else: %v", err)
	}
	for name, end := range map[string]func(){
		"time":         func() { w.pass(30 * 24 * time.Hour) },
		"new password": func() { w.check(w.accounts.SetPassword(t.Context(), w.user, good)) },
		"distrust": func() {
			w.check(w.accounts.DistrustBrowsers(t.Context(), live, "", client))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.pass(time.Minute)
			signedIn, err := w.Prove(t.Context(), w.signIn(client), mfa.Attempt{Code: w.code(key), Trust: true, Client: client})
			w.check(err)
			trusting.Trust = []string{signedIn.Trust}
			if w.signIn(trusting).Identity.Pending {
				t.Fatal("it is not trusted at first")
			}
			end()
			if !w.signIn(trusting).Identity.Pending {
				t.Error("it is trusted still")
			}
		})
	}
}

func TestOneStepSitesDoNotAsk(t *testing.T) {
	w := newWorld(t)
	w.enroll()
	oneStep := client
	oneStep.OneStep = true
	if live := w.signIn(oneStep); live.Identity.Pending || live.Identity.Trusted || live.Identity.Level != authcore.AAL1 {
		t.Errorf("%+v", live.Identity)
	}
}

func TestStepUpByCode(t *testing.T) {
	w := newWorld(t)
	key, codes, live := w.enroll()
	w.pass(20 * time.Minute)
	var stale *account.StaleError
	live = w.live(mustProve(t, w, live, codes[1]))
	if err := w.accounts.CheckRecent(t.Context(), live); err != nil {
		t.Errorf("after a backup code: %v", err)
	}
	if _, err := w.ReplaceBackupCodes(t.Context(), live, client); !errors.As(err, &stale) || !slices.Equal(stale.Wanted, []authcore.FactorKind{authcore.FactorTOTP, authcore.FactorPasskey}) {
		t.Errorf("new codes for an old one: %v", err)
	}
	live = w.live(mustProve(t, w, live, w.code(key)))
	fresh, err := w.ReplaceBackupCodes(t.Context(), live, client)
	if err != nil || len(fresh) != 8 || slices.Contains(fresh, codes[2]) {
		t.Errorf("new codes: %v, %v", fresh, err)
	}
	if _, err := w.prove(w.signIn(client), codes[2]); !isWrong(err) {
		t.Errorf("an old code: %v", err)
	}
	if _, err := w.prove(w.signIn(client), fresh[2]); err != nil {
		t.Errorf("a new code: %v", err)
	}
	if !slices.Contains(w.letters(), mail.BackupCodesReplaced) || !slices.Contains(w.trail(), audit.StepUpSuccess) {
		t.Errorf("mails %v, trail %v", w.letters(), w.trail())
	}
}

func mustProve(t *testing.T, w *world, live *session.Live, code string) account.SignedIn {
	t.Helper()
	signedIn, err := w.prove(live, code)
	if err != nil {
		t.Fatal(err)
	}
	return signedIn
}

func TestTurnOff(t *testing.T) {
	w := newWorld(t)
	_, codes, live := w.enroll()
	w.check(w.TurnOff(t.Context(), live, client))
	if w.signIn(client).Identity.Pending {
		t.Error("it is on still")
	}
	if _, err := w.prove(live, codes[0]); !isWrong(err) {
		t.Errorf("a backup code of before: %v", err)
	}
	if err := w.TurnOff(t.Context(), live, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	if _, err := w.ReplaceBackupCodes(t.Context(), live, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("codes for nothing: %v", err)
	}
	if _, err := w.UsePasskeys(t.Context(), live, client); err == nil {
		t.Error("passkeys that there are not are the second factor")
	}
	if !slices.Contains(w.letters(), mail.TwoStepOff) {
		t.Errorf("mails %v", w.letters())
	}
}

func TestReset(t *testing.T) {
	w := newWorld(t)
	_, _, live := w.enroll()
	w.check(w.Reset(t.Context(), w.user, client))
	if _, err := w.accounts.Sessions(context.Background(), live); err != nil {
		t.Fatal(err)
	}
	if list, err := w.sessions.List(t.Context(), w.user.ID); err != nil || len(list) > 0 {
		t.Errorf("sessions left: %d, %v", len(list), err)
	}
	if w.signIn(client).Identity.Pending {
		t.Error("a second factor is asked for still")
	}
	if !slices.Contains(w.letters(), mail.FactorsReset) || !slices.Contains(w.trail(), audit.TwoStepReset) {
		t.Errorf("mails %v, trail %v", w.letters(), w.trail())
	}
	if err := w.Reset(t.Context(), authcore.User{ID: "nobody"}, client); !errors.Is(err, authcore.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

// TestANewPasswordEndsAPendingSignIn: what was proven under the old one does not
// count.
func TestANewPasswordEndsAPendingSignIn(t *testing.T) {
	w := newWorld(t)
	key, _, _ := w.enroll()
	pending := w.signIn(client)
	w.check(w.accounts.SetPassword(t.Context(), w.user, good))
	if _, err := w.prove(pending, w.code(key)); !errors.Is(err, authcore.ErrConflict) {
		t.Errorf("%v", err)
	}
}
