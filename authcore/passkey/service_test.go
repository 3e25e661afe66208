package passkey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
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

var (
	client = authcore.Client{IP: "192.0.2.1", UserAgent: "test", Site: "https://app.example.com", Portal: "https://app.example.com/_auth"}
	rp     = passkey.RelyingParty{ID: "app.example.com", Name: "Sigra", Origin: "https://app.example.com"}
)

// world is the service over real parts, with a clock that tests move.
type world struct {
	*passkey.Service
	t        testing.TB
	accounts *account.Service
	mfa      *mfa.Service
	sessions *session.Manager
	db       *sqlstore.DB
	box      *secret.Box
	user     authcore.User
	skew     atomic.Int64
}

func (w *world) Emit(events.Name, map[string]any) {}
func (w *world) now() time.Time                   { return time.Now().Add(time.Duration(w.skew.Load())) }

func newWorld(t testing.TB, counts passkey.CountPolicy) *world {
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
		Passwords: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, password.Limits{}), Guard: guard, Fields: profile.Fields{},
	})
	w.mfa = mfa.New(mfa.Deps{Users: w.db, Store: w.db, Accounts: w.accounts, Sessions: w.sessions, Guard: guard, Notes: w.db, Box: w.box, Events: w, Clock: w.now, Logger: logger})
	w.Service = passkey.New(passkey.Deps{
		Users: w.db, Store: w.db, Ceremonies: w.db, Accounts: w.accounts, Guard: guard, Notes: w.db, Sealer: w.box, Events: w, Counts: counts, Clock: w.now, Logger: logger,
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

func (w *world) live(s account.SignedIn) *session.Live {
	w.t.Helper()
	live, err := w.sessions.Resume(w.t.Context(), s.Token)
	w.check(err)
	return live
}

// byPassword gives the password.
func (w *world) byPassword() *session.Live {
	w.t.Helper()
	signedIn, err := w.accounts.SignIn(w.t.Context(), account.SignIn{Email: ada, Password: good, Client: client})
	w.check(err)
	return w.live(signedIn)
}

// register adds the passkey of an authenticator.
func (w *world) register(a *authenticator, live *session.Live) (account.SignedIn, error) {
	w.t.Helper()
	asked, err := w.Register(w.t.Context(), live, rp)
	if err != nil {
		return account.SignedIn{}, err
	}
	return w.FinishRegistration(w.t.Context(), live, rp, a.create(asked), client)
}

// owned is an authenticator that has been registered.
func (w *world) owned() *authenticator {
	w.t.Helper()
	a := newAuthenticator(w.t)
	_, err := w.register(a, w.byPassword())
	w.check(err)
	return a
}

// ask returns the options of a sign-in.
func (w *world) ask() any {
	w.t.Helper()
	asked, err := w.SignIn(w.t.Context(), rp, client)
	w.check(err)
	return asked
}

func (w *world) finish(response []byte) (account.SignedIn, error) {
	return w.FinishSignIn(w.t.Context(), rp, passkey.Attempt{Response: response, Client: client})
}

// signIn signs in by an authenticator.
func (w *world) signIn(a *authenticator) (account.SignedIn, error) {
	w.t.Helper()
	return w.finish(a.get(w.ask()))
}

func (w *world) trail() (actions []audit.Action) {
	w.t.Helper()
	events, err := w.db.EventsOf(w.t.Context(), w.user.ID, "", 1000)
	w.check(err)
	for _, e := range slices.Backward(events) {
		actions = append(actions, e.Action)
	}
	return actions
}

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

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestRegister(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	live := w.byPassword()
	asked, err := w.Register(t.Context(), live, rp)
	w.check(err)
	o := read(t, asked)
	if handle, _ := b64.DecodeString(o.User.ID); string(handle) != w.user.ID || o.RP.ID != rp.ID || o.Attestation != "none" || o.Timeout != 300_000 || len(o.ExcludeCredentials) > 0 {
		t.Errorf("the options: %+v", o)
	}
	if challenge, _ := b64.DecodeString(o.Challenge); len(challenge) < 32 {
		t.Errorf("a challenge of %d bytes", len(challenge))
	}
	a := newAuthenticator(t)
	signedIn, err := w.FinishRegistration(t.Context(), live, rp, a.create(asked), client)
	w.check(err)
	if id := w.live(signedIn).Identity; id.Level != authcore.AAL2 || !slices.Equal(id.Methods(), []string{"pwd", "hwk", "user", "mfa"}) {
		t.Errorf("the session: %s by %v", id.Level, id.Methods())
	}
	list, err := w.List(t.Context(), live)
	if err != nil || len(list) != 1 || !bytes.Equal(list[0].ID, a.id) || list[0].RPID != rp.ID || list[0].Name != "Passkey" || list[0].Synced() || list[0].Model() != "" {
		t.Errorf("the list: %+v, %v", list, err)
	}
	if !slices.Contains(w.letters(), mail.PasskeyAdded) || !slices.Contains(w.trail(), audit.PasskeyRegister) {
		t.Errorf("mails %v, trail %v", w.letters(), w.trail())
	}
	asked, err = w.Register(t.Context(), w.byPassword(), rp)
	w.check(err)
	if o := read(t, asked); len(o.ExcludeCredentials) != 1 || o.ExcludeCredentials[0].ID != b64.EncodeToString(a.id) {
		t.Errorf("the exclude list: %+v", o.ExcludeCredentials)
	}
}

func TestRegisterTwice(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	_, err := w.register(a, w.byPassword())
	wantError(t, "the same again", err, passkey.ErrExists)
	grace, err := w.accounts.Add(t.Context(), account.NewUser{Email: "grace@example.com", Password: good, Verified: true})
	w.check(err)
	signedIn, err := w.accounts.SignIn(t.Context(), account.SignIn{Email: grace.Email, Password: good, Client: client})
	w.check(err)
	_, err = w.register(a, w.live(signedIn))
	wantError(t, "that of somebody else", err, passkey.ErrExists)
}

func TestRegisterNeedsAFreshProof(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	live := w.byPassword()
	asked, err := w.Register(t.Context(), live, rp)
	w.check(err)
	w.skew.Add(int64(16 * time.Minute))
	var stale *account.StaleError
	if _, err := w.Register(t.Context(), live, rp); !errors.As(err, &stale) {
		t.Errorf("options: %v", err)
	}
	if _, err := w.FinishRegistration(t.Context(), live, rp, newAuthenticator(t).create(asked), client); !errors.As(err, &stale) {
		t.Errorf("answer: %v", err)
	}
}

func TestTooMany(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	live := w.byPassword()
	for range passkey.MaxPerUser {
		signedIn, err := w.register(newAuthenticator(t), live)
		w.check(err)
		live = w.live(signedIn)
	}
	_, err := w.register(newAuthenticator(t), live)
	wantError(t, "the eleventh", err, passkey.ErrTooMany)
}

func TestSignIn(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	o := read(t, w.ask())
	if o.RPID != rp.ID || len(o.AllowCredentials) > 0 || o.UserVerification != "preferred" {
		t.Errorf("the options tell about accounts: %+v", o)
	}
	signedIn, err := w.signIn(a)
	w.check(err)
	live := w.live(signedIn)
	if live.Identity.UserID != w.user.ID || live.Identity.Level != authcore.AAL2 || live.Identity.Pending || !slices.Equal(live.Identity.Methods(), []string{"hwk", "user", "mfa"}) {
		t.Errorf("%+v", live.Identity)
	}
	if trail := w.trail(); trail[len(trail)-1] != audit.LoginSuccess {
		t.Errorf("trail %v", trail)
	}
	_, err = w.accounts.SetDisabled(t.Context(), w.user.ID, true)
	w.check(err)
	_, err = w.signIn(a)
	wantError(t, "to a disabled account", err, passkey.ErrRefused)
}

func TestUse(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	a.count = 7
	_, err := w.signIn(a)
	w.check(err)
	list, err := w.Store.Passkeys(t.Context(), w.user.ID)
	if err != nil || list[0].SignCount != 7 || list[0].UsedAt.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestUserVerification(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	a.flags = up
	signedIn, err := w.signIn(a)
	w.check(err)
	if live := w.live(signedIn); live.Identity.Level != authcore.AAL1 || live.Identity.Pending {
		t.Errorf("without verification: %+v", live.Identity)
	}
	a.flags = 0
	_, err = w.signIn(a)
	wantError(t, "nobody present", err, passkey.ErrRefused)
	a.flags = uv
	_, err = w.register(a, w.byPassword())
	wantError(t, "nobody present at registration", err, passkey.ErrRefused)
}

func TestBackupFlags(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	synced := newAuthenticator(t)
	synced.flags = up | uv | be | bs
	_, err := w.register(synced, w.byPassword())
	w.check(err)
	signedIn, err := w.signIn(synced)
	w.check(err)
	if methods := w.live(signedIn).Identity.Methods(); !slices.Equal(methods, []string{"swk", "user", "mfa"}) {
		t.Errorf("by %v", methods)
	}
	list, err := w.Store.Passkeys(t.Context(), w.user.ID)
	w.check(err)
	if !list[0].Synced() || !list[0].BackedUp {
		t.Errorf("%+v", list[0])
	}
	for name, flags := range map[string]byte{"not eligible any more": up | uv, "backed up, but not eligible": up | uv | bs} {
		synced.flags = flags
		_, err := w.signIn(synced)
		wantError(t, name, err, passkey.ErrRefused)
	}
	odd := newAuthenticator(t)
	odd.flags = up | uv | bs
	_, err = w.register(odd, w.byPassword())
	wantError(t, "backed up, but not eligible, at registration", err, passkey.ErrRefused)
}

func TestWrongSite(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	for name, change := range map[string]func(*authenticator){
		"origin":      func(a *authenticator) { a.origin = "https://evil.example.com" },
		"port":        func(a *authenticator) { a.origin = rp.Origin + ":8443" },
		"plain HTTP":  func(a *authenticator) { a.origin = "http://app.example.com" },
		"RP ID":       func(a *authenticator) { a.rpID = "example.com" },
		"empty RP ID": func(a *authenticator) { a.rpID = "" },
	} {
		a := w.owned()
		change(a)
		_, err := w.signIn(a)
		wantError(t, "sign-in, "+name, err, passkey.ErrWrongSite)
		b := newAuthenticator(t)
		change(b)
		_, err = w.register(b, w.byPassword())
		wantError(t, "registration, "+name, err, passkey.ErrWrongSite)
	}
	other := rp
	other.ID, other.Origin = "other.example.com", "https://other.example.com"
	a := w.owned()
	a.rpID, a.origin = other.ID, other.Origin
	asked, err := w.SignIn(t.Context(), other, client)
	w.check(err)
	_, err = w.FinishSignIn(t.Context(), other, passkey.Attempt{Response: a.get(asked), Client: client})
	wantError(t, "a passkey of another relying party", err, passkey.ErrUnknown)
}

func TestCrossOrigin(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	a.crossOrigin = true
	_, err := w.signIn(a)
	wantError(t, "from a frame of another origin", err, passkey.ErrRefused)
	b := newAuthenticator(t)
	b.crossOrigin = true
	_, err = w.register(b, w.byPassword())
	wantError(t, "registered from a frame of another origin", err, passkey.ErrRefused)
}

func TestAlgorithm(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := newAuthenticator(t)
	a.algorithm = -47 // ES256K, which was not offered
	_, err := w.register(a, w.byPassword())
	wantError(t, "an algorithm that was not offered", err, passkey.ErrRefused)
}

func TestSignature(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a, thief := w.owned(), newAuthenticator(t)
	thief.id, thief.userHandle = a.id, a.userHandle
	_, err := w.signIn(thief)
	wantError(t, "signed by another key", err, passkey.ErrRefused)
	if trail := w.trail(); trail[len(trail)-1] != audit.LoginFailure {
		t.Errorf("trail %v", trail)
	}
}

func TestUserHandle(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	for _, handle := range []string{"", "somebody else", w.user.ID + "x"} {
		a.userHandle = []byte(handle)
		_, err := w.signIn(a)
		wantError(t, "handle "+handle, err, passkey.ErrRefused)
	}
	a.id = []byte("never registered")
	_, err := w.signIn(a)
	wantError(t, "an unknown passkey", err, passkey.ErrUnknown)
}

// TestChallengeOnce: of many answers to one challenge, one signs in; and a
// challenge is good for one purpose, one session and five minutes.
func TestChallengeOnce(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	answer := a.get(w.ask())
	var group sync.WaitGroup
	var passed atomic.Int64
	for range 100 {
		group.Go(func() {
			if _, err := w.finish(answer); err == nil {
				passed.Add(1)
			} else if !errors.Is(err, passkey.ErrExpired) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d of 100 passed", passed.Load())
	}
	live := w.byPassword()
	asked, err := w.Prove(t.Context(), live, rp)
	w.check(err)
	_, err = w.finish(a.get(asked))
	wantError(t, "a challenge for a proof, to sign in", err, passkey.ErrExpired)
	asked, err = w.Prove(t.Context(), live, rp)
	w.check(err)
	_, err = w.FinishProof(t.Context(), w.byPassword(), rp, passkey.Attempt{Response: a.get(asked), Client: client})
	wantError(t, "the challenge of another session", err, passkey.ErrExpired)
	_, err = w.FinishProof(t.Context(), live, rp, passkey.Attempt{Response: a.get(w.ask()), Client: client})
	wantError(t, "a challenge to sign in, as a proof", err, passkey.ErrExpired)
	answer = a.get(w.ask())
	w.skew.Add(int64(6 * time.Minute))
	_, err = w.finish(answer)
	wantError(t, "six minutes later", err, passkey.ErrExpired)
	_, err = w.finish(a.get(map[string]string{"challenge": b64.EncodeToString(bytes.Repeat([]byte{1}, 32))}))
	wantError(t, "a challenge that nobody made", err, passkey.ErrExpired)
}

func TestSignCount(t *testing.T) {
	for policy, test := range map[passkey.CountPolicy]struct {
		err  error
		left int
	}{passkey.CountWarn: {nil, 1}, passkey.CountReauth: {passkey.ErrCopied, 1}, passkey.CountRevoke: {passkey.ErrCopied, 0}} {
		t.Run(string(policy), func(t *testing.T) {
			w := newWorld(t, policy)
			a := w.owned()
			a.count = 10
			_, err := w.signIn(a)
			w.check(err)
			a.count = 9 // the copy was used less
			_, err = w.signIn(a)
			wantError(t, "the counter goes back", err, test.err)
			if !slices.Contains(w.trail(), audit.PasskeyRegression) {
				t.Errorf("trail %v", w.trail())
			}
			list, err := w.Store.Passkeys(t.Context(), w.user.ID)
			w.check(err)
			if len(list) != test.left || test.left == 1 && list[0].SignCount != 10 {
				t.Errorf("left: %+v", list)
			}
			live := w.byPassword()
			asked, err := w.Prove(t.Context(), live, rp)
			if test.left == 0 {
				wantError(t, "none is left", err, passkey.ErrUnknown)
				return
			}
			w.check(err)
			_, err = w.FinishProof(t.Context(), live, rp, passkey.Attempt{Response: a.get(asked), Client: client})
			wantError(t, "the copy as a proof", err, test.err)
		})
	}
}

func TestNoCounterIsNoCopy(t *testing.T) {
	w := newWorld(t, passkey.CountRevoke)
	a := w.owned()
	for range 3 {
		if _, err := w.signIn(a); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := newAuthenticator(t)
	a.flags = up // a security key without a PIN
	signedIn, err := w.register(a, w.byPassword())
	w.check(err)
	enrolled, err := w.mfa.UsePasskeys(t.Context(), w.live(signedIn), client)
	if err != nil || len(enrolled.Codes) != 8 {
		t.Fatalf("%v, %v", enrolled.Codes, err)
	}
	pending := w.byPassword()
	if !pending.Identity.Pending {
		t.Fatal("the password alone signs in")
	}
	asked, err := w.Prove(t.Context(), pending, rp)
	w.check(err)
	if o := read(t, asked); len(o.AllowCredentials) != 1 || o.AllowCredentials[0].ID != b64.EncodeToString(a.id) {
		t.Errorf("the options: %+v", o)
	}
	signedIn, err = w.FinishProof(t.Context(), pending, rp, passkey.Attempt{Response: a.get(asked), Trust: true, Client: client})
	w.check(err)
	if id := w.live(signedIn).Identity; id.Pending || id.Level != authcore.AAL2 || signedIn.Trust == "" {
		t.Errorf("%+v, trust %q", id, signedIn.Trust)
	}
	// As the only factor, a key that does not verify its user is one factor.
	signedIn, err = w.signIn(a)
	w.check(err)
	if id := w.live(signedIn).Identity; !id.Pending {
		t.Errorf("one factor signs in: %+v", id)
	}
	a.flags = up | uv
	signedIn, err = w.signIn(a)
	w.check(err)
	if id := w.live(signedIn).Identity; id.Pending || id.Level != authcore.AAL2 {
		t.Errorf("two factors in one: %+v", id)
	}
	grace, err := w.accounts.Add(t.Context(), account.NewUser{Email: "grace@example.com", Password: good, Verified: true})
	w.check(err)
	theirs, err := w.accounts.SignIn(t.Context(), account.SignIn{Email: grace.Email, Password: good, Client: client})
	w.check(err)
	_, err = w.Prove(t.Context(), w.live(theirs), rp)
	wantError(t, "a user without a passkey", err, passkey.ErrUnknown)
}

func TestManage(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	live, ref := w.byPassword(), b64.EncodeToString(a.id)
	w.check(w.Rename(t.Context(), live, ref, "  My key  ", client))
	var invalid *account.InvalidError
	for _, name := range []string{"", "   ", strings.Repeat("x", 1000)} {
		if err := w.Rename(t.Context(), live, ref, name, client); !errors.As(err, &invalid) {
			t.Errorf("named %.10q: %v", name, err)
		}
	}
	if list, err := w.List(t.Context(), live); err != nil || list[0].Name != "My key" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, ref := range []string{"", "!", "AAAA", ref + "="} {
		wantError(t, "renaming "+ref, w.Rename(t.Context(), live, ref, "x", client), authcore.ErrNotFound)
		wantError(t, "removing "+ref, w.Remove(t.Context(), live, ref, client), authcore.ErrNotFound)
	}
	grace, err := w.accounts.Add(t.Context(), account.NewUser{Email: "grace@example.com", Password: good, Verified: true})
	w.check(err)
	theirs, err := w.accounts.SignIn(t.Context(), account.SignIn{Email: grace.Email, Password: good, Client: client})
	w.check(err)
	wantError(t, "removing that of others", w.Remove(t.Context(), w.live(theirs), ref, client), authcore.ErrNotFound)
	w.check(w.Remove(t.Context(), live, ref, client))
	if !slices.Contains(w.letters(), mail.PasskeyRemoved) {
		t.Errorf("mails %v", w.letters())
	}
	_, err = w.signIn(a)
	wantError(t, "a removed passkey", err, passkey.ErrUnknown)
}

func TestGarbage(t *testing.T) {
	w := newWorld(t, passkey.CountWarn)
	a := w.owned()
	live := w.byPassword()
	var whole map[string]any
	w.check(json.Unmarshal(a.get(w.ask()), &whole))
	bodies := []string{"", "{}", "null", "[]", `{"id":"AQ","rawId":"AQ","type":"public-key","response":{}}`, strings.Repeat("[", 10_000), strings.Repeat("x", 60_000)}
	for _, part := range []string{"clientDataJSON", "authenticatorData", "signature"} {
		for _, value := range []any{"", "AAAA", "!", nil, 7, strings.Repeat("A", 1000)} {
			changed := map[string]any{}
			for k, v := range whole["response"].(map[string]any) {
				changed[k] = v
			}
			changed[part] = value
			body, err := json.Marshal(map[string]any{"id": whole["id"], "rawId": whole["rawId"], "type": "public-key", "response": changed})
			w.check(err)
			bodies = append(bodies, string(body))
		}
	}
	for _, body := range bodies {
		for what, try := range map[string]func() error{
			"sign-in":      func() error { _, err := w.finish([]byte(body)); return err },
			"registration": func() error { _, err := w.FinishRegistration(t.Context(), live, rp, []byte(body), client); return err },
			"proof": func() error {
				_, err := w.FinishProof(t.Context(), live, rp, passkey.Attempt{Response: []byte(body), Client: client})
				return err
			},
		} {
			if err := try(); !errors.Is(err, passkey.ErrRefused) && !errors.Is(err, passkey.ErrExpired) && !errors.Is(err, passkey.ErrWrongSite) {
				t.Errorf("%s with %.60q: %v", what, body, err)
			}
		}
	}
}

func FuzzFinishSignIn(f *testing.F) {
	f.Add([]byte(`{"id":"AQ","rawId":"AQ","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`))
	w := newWorld(f, passkey.CountWarn)
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := w.FinishSignIn(t.Context(), rp, passkey.Attempt{Response: body, Client: client}); err == nil {
			t.Errorf("%q signs in", body)
		}
	})
}
