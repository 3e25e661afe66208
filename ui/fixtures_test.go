package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/profile"
	"github.com/sigra-auth/sigra/authcore/recovery"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/signup"
	"github.com/sigra-auth/sigra/authcore/token"
)

const (
	testBase   = "/_auth"
	testOrigin = "https://app.example.com"
	firefox    = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari     = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

var (
	testNow    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	testToken  = session.Token{1}
	freshToken = session.Token{2}
	testCookie = session.CookieFor(true, "")
)

// fakeAccounts notes what it is asked, and answers with err or with success.
type fakeAccounts struct {
	err        error
	signOutErr error
	list       []session.Session
	listErr    error
	calls      []string
	signIn     account.SignIn
	setUp      account.SetUp
	password   string
	revoked    string
	noPassword bool
	stale      error
	browsers   []account.Browser
	guards     []string
}

func (f *fakeAccounts) called(name string) { f.calls = append(f.calls, name) }

func (f *fakeAccounts) opened() (account.SignedIn, error) {
	if f.err != nil {
		return account.SignedIn{}, f.err
	}
	return account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark"}, nil
}

func (f *fakeAccounts) SignIn(_ context.Context, in account.SignIn) (account.SignedIn, error) {
	f.called("SignIn")
	f.signIn = in
	return f.opened()
}

func (f *fakeAccounts) CheckSetUp(_ context.Context, secret string) error {
	f.called("CheckSetUp " + secret)
	return f.err
}

func (f *fakeAccounts) CompleteSetUp(_ context.Context, in account.SetUp) (account.SignedIn, error) {
	f.called("CompleteSetUp")
	f.setUp = in
	return f.opened()
}

func (f *fakeAccounts) StepUp(_ context.Context, _ *session.Live, password string, _ authcore.Client) (account.SignedIn, error) {
	f.called("StepUp")
	f.password = password
	return f.opened()
}

func (f *fakeAccounts) SignOut(_ context.Context, live *session.Live, _ authcore.Client) error {
	f.called("SignOut " + live.ID)
	return f.signOutErr
}

func (f *fakeAccounts) Sessions(context.Context, *session.Live) ([]session.Session, error) {
	f.called("Sessions")
	return f.list, f.listErr
}

func (f *fakeAccounts) RevokeSession(_ context.Context, _ *session.Live, id string, _ authcore.Client) error {
	f.called("RevokeSession")
	f.revoked = id
	return f.err
}

func (f *fakeAccounts) RevokeOthers(context.Context, *session.Live, authcore.Client) (int, error) {
	f.called("RevokeOthers")
	return 2, f.err
}

func (f *fakeAccounts) MayChange(context.Context, *session.Live) (bool, error) {
	return !f.noPassword, f.stale
}

func (f *fakeAccounts) CompleteByPassword(_ context.Context, live *session.Live, password string, _ account.Proving) (account.SignedIn, error) {
	f.calls = append(f.calls, "CompleteByPassword "+live.ID+" "+password)
	return account.SignedIn{Token: freshToken, Session: testSession("fresh")}, f.err
}

func (f *fakeAccounts) Guards(context.Context, *session.Live) ([]string, error) {
	return f.guards, f.err
}

func (f *fakeAccounts) Browsers(context.Context, *session.Live) ([]account.Browser, error) {
	return f.browsers, f.err
}

func (f *fakeAccounts) DistrustBrowsers(_ context.Context, _ *session.Live, id string, _ authcore.Client) error {
	f.called("DistrustBrowsers " + id)
	return f.err
}

func (f *fakeAccounts) ChangePassword(_ context.Context, _ *session.Live, change account.PasswordChange, _ authcore.Client) (account.SignedIn, error) {
	f.called("ChangePassword " + change.Current + " " + change.Password)
	return f.opened()
}

// fakeProfiles notes what it is asked, and answers with err or with success.
type fakeProfiles struct {
	user   authcore.User
	err    error
	change profile.Change
}

func (f *fakeProfiles) Profile(context.Context, *session.Live) (authcore.User, error) {
	return f.user, nil
}

func (f *fakeProfiles) Save(_ context.Context, _ *session.Live, change profile.Change, _ authcore.Client) error {
	f.change = change
	return f.err
}

// fakeSignUps notes what it is asked, and answers with err or with success.
type fakeSignUps struct {
	closed     bool
	err        error
	resendErr  error
	invitedErr error
	calls      []string
	signUp     signup.SignUp
	waiting    signup.Waiting
	confirmed  signup.Confirmed
}

func newFakeSignUps() *fakeSignUps {
	return &fakeSignUps{confirmed: signup.Confirmed{
		SignedIn: account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark"}, HasPassword: true,
	}}
}

func (f *fakeSignUps) Opened() bool { return !f.closed }

func (f *fakeSignUps) SignUp(_ context.Context, in signup.SignUp) (string, error) {
	f.calls, f.signUp = append(f.calls, "SignUp"), in
	return "ticket", f.err
}

func (f *fakeSignUps) Awaits(cookie, email, password string) bool {
	return cookie == "ticket" && email == "ada@example.com" && password == "awaited"
}

func (f *fakeSignUps) Address(w signup.Waiting) string {
	f.waiting = w
	if w.Cookie != "" || w.Live != nil {
		return "ada@example.com"
	}
	return ""
}

func (f *fakeSignUps) Check(_ context.Context, secret string, w signup.Waiting) (string, bool, error) {
	f.calls = append(f.calls, "Check "+secret)
	return "ada@example.com", w.Cookie == "ticket", f.err
}

func (f *fakeSignUps) ConfirmLink(_ context.Context, secret string, _ signup.Waiting, _ authcore.Client) (signup.Confirmed, error) {
	f.calls = append(f.calls, "ConfirmLink "+secret)
	return f.confirmed, f.err
}

func (f *fakeSignUps) ConfirmCode(_ context.Context, code string, _ signup.Waiting, _ authcore.Client) (signup.Confirmed, error) {
	f.calls = append(f.calls, "ConfirmCode "+code)
	return f.confirmed, f.err
}

func (f *fakeSignUps) Resend(_ context.Context, w signup.Waiting, _ authcore.Client) error {
	f.calls, f.waiting = append(f.calls, "Resend"), w
	return f.resendErr
}

// fakeRecovery notes what it is asked, and answers with err or with success.
type fakeRecovery struct {
	err   error
	calls []string
	asked recovery.Ask
}

func (f *fakeRecovery) AskSignInLink(_ context.Context, a recovery.Ask) error {
	f.calls, f.asked = append(f.calls, "AskSignInLink"), a
	return f.err
}

func (f *fakeRecovery) AskReset(_ context.Context, a recovery.Ask) error {
	f.calls, f.asked = append(f.calls, "AskReset"), a
	return f.err
}

func (f *fakeRecovery) Check(_ context.Context, purpose token.Purpose, secret string) (string, error) {
	f.calls = append(f.calls, "Check "+string(purpose)+" "+secret)
	return "ada@example.com", f.err
}

func (f *fakeRecovery) SignIn(_ context.Context, secret string, remember bool, _ authcore.Client) (account.SignedIn, error) {
	f.calls = append(f.calls, fmt.Sprint("SignIn ", secret, remember))
	return account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark"}, f.err
}

func (f *fakeRecovery) Reset(_ context.Context, secret, password string, _ authcore.Client) error {
	f.calls = append(f.calls, "Reset "+secret+" "+password)
	return f.err
}

// fakeSessions knows one token.
type fakeSessions struct {
	live  *session.Live
	err   error
	reads atomic.Int64
}

func (f *fakeSessions) Resume(_ context.Context, tokens ...session.Token) (*session.Live, error) {
	f.reads.Add(1)
	if f.err != nil {
		return nil, f.err
	}
	if !slices.Contains(tokens, testToken) {
		return nil, authcore.ErrNotFound
	}
	return f.live, nil
}

type fakeKeys struct{}

func (fakeKeys) JWKS() ([]byte, string, time.Duration) {
	return []byte(`{"keys":[]}`), `"etag-1"`, 5 * time.Minute
}

func testSession(id string) *session.Session {
	return &session.Session{
		ID: id, UserAgent: firefox, FirstIP: "203.0.113.7", CreatedAt: testNow.Add(-time.Hour), ExpiresAt: testNow.Add(time.Hour),
		Seen: session.Seen{At: testNow.Add(-10 * time.Minute), IP: "203.0.113.8"},
		Identity: authcore.Identity{
			UserID: "user-1", SessionID: id, Email: "ada@example.com", EmailVerified: true, Name: "Ada", Role: authcore.RoleAdmin,
			Level: authcore.AAL1, Factors: []authcore.Factor{{Kind: authcore.FactorPassword, At: testNow}}, AuthTime: testNow,
		},
	}
}

// portal is a handler over fakes.
type portal struct {
	t          *testing.T
	handler    *Handler
	accounts   *fakeAccounts
	twoStep    *fakeTwoStep
	passkeys   *fakePasskeys
	recovery   *fakeRecovery
	signups    *fakeSignUps
	profiles   *fakeProfiles
	addresses  *fakeAddresses
	deletions  *fakeDeletions
	disclosure *fakeDisclosure
	kept       *fakeKept
	orgs       *fakeOrgs
	mailbox    *mail.LogSender
	sessions   *fakeSessions
	facts      Request
	log        *bytes.Buffer
}

func newPortal(t *testing.T, change ...func(*Options)) *portal {
	t.Helper()
	p := &portal{
		t: t, accounts: new(fakeAccounts), twoStep: &fakeTwoStep{factors: mfa.Factors{Password: true}}, passkeys: new(fakePasskeys), recovery: new(fakeRecovery), signups: newFakeSignUps(), profiles: new(fakeProfiles),
		addresses: new(fakeAddresses), deletions: &fakeDeletions{grace: 14 * 24 * time.Hour}, disclosure: new(fakeDisclosure), kept: new(fakeKept), orgs: newFakeOrgs(),
		mailbox: mail.NewLogSender(slog.New(slog.DiscardHandler)), log: new(bytes.Buffer),
		sessions: &fakeSessions{live: &session.Live{Session: testSession("this")}},
		facts: Request{
			Base: testBase, Origin: testOrigin, Cookie: testCookie,
			RelyingParty: passkey.RelyingParty{ID: "app.example.com", Name: "Sigra", Origin: testOrigin},
			Client:       authcore.Client{IP: "203.0.113.9", UserAgent: firefox, Site: testOrigin, Language: fallback},
			Returns: func(raw string) (string, bool) {
				return raw, raw == "https://other.example.com/x" || strings.HasPrefix(raw, testOrigin+"/")
			},
		},
	}
	options := Options{
		Services: Services{
			Accounts: p.accounts, TwoStep: p.twoStep, Passkeys: p.passkeys, Recovery: p.recovery, SignUps: p.signups, Profiles: p.profiles, Addresses: p.addresses,
			Deletions: p.deletions, Disclosure: p.disclosure, Kept: p.kept, Orgs: p.orgs, Sessions: p.sessions, Keys: fakeKeys{}, Mailbox: p.mailbox,
		},
		People: func(_ context.Context, ids []string) (map[string]string, error) { return people(ids), nil },
		Logger: slog.New(slog.NewTextHandler(p.log, nil)), Clock: func() time.Time { return testNow },
	}
	for _, f := range change {
		f(&options)
	}
	var err error
	if p.handler, err = New(options); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *portal) serve(r *http.Request) *httptest.ResponseRecorder {
	p.t.Helper()
	w := httptest.NewRecorder()
	p.handler.Serve(w, r, p.facts)
	return w
}

// get asks for a page as a browser does; headers are names and values.
func (p *portal) get(path string, headers ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.serve(request(http.MethodGet, path, "", headers...))
}

// post sends a form as a browser does.
func (p *portal) post(path string, fields url.Values, headers ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, headers...)
	return p.serve(request(http.MethodPost, path, fields.Encode(), headers...))
}

func request(method, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, testOrigin+path, strings.NewReader(body))
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// cookieLine is the Cookie header of a signed-in browser.
func cookieLine() string { return testCookie.Name + "=" + testToken.String() }

// want checks a status and that the body holds each text.
func want(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d; body: %s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the body lacks %q:\n%s", text, w.Body)
		}
	}
}

// wantNext checks a redirect after an action.
func wantNext(t *testing.T, w *httptest.ResponseRecorder, location string) {
	t.Helper()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != location {
		t.Errorf("%d to %q, want 303 to %q; body: %s", w.Code, w.Header().Get("Location"), location, w.Body)
	}
}

// wantHeader checks a response header.
func wantHeader(t *testing.T, w *httptest.ResponseRecorder, name, value string) {
	t.Helper()
	if got := w.Header().Get(name); got != value {
		t.Errorf("%s: %q, want %q", name, got, value)
	}
}

// decode reads a JSON answer.
func decode(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

// cookie returns what a response sets under a name.
func cookie(w *httptest.ResponseRecorder, name string) *http.Cookie {
	for _, c := range w.Result().Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}
