package ui

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/address"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/disclosure"
	"github.com/sigra-auth/sigra/authcore/kept"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/profile"
	"github.com/sigra-auth/sigra/authcore/recovery"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/signup"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Accounts is what the pages need of the account service; *account.Service is
// one.
type Accounts interface {
	// SignIn fails with account.ErrInvalidCredentials or *account.ThrottledError.
	SignIn(ctx context.Context, in account.SignIn) (account.SignedIn, error)
	// CheckSetUp fails with authcore.ErrNotFound for a link that does not work.
	CheckSetUp(ctx context.Context, secret string) error
	// CompleteSetUp fails with *account.InvalidError or authcore.ErrNotFound.
	CompleteSetUp(ctx context.Context, in account.SetUp) (account.SignedIn, error)
	// StepUp fails with *account.InvalidError or *account.ThrottledError.
	StepUp(ctx context.Context, live *session.Live, password string, client authcore.Client) (account.SignedIn, error)
	// CompleteByPassword fails as StepUp does, and with account.ErrNoSecondFactor.
	CompleteByPassword(ctx context.Context, live *session.Live, password string, p account.Proving) (account.SignedIn, error)
	SignOut(ctx context.Context, live *session.Live, client authcore.Client) error
	Sessions(ctx context.Context, live *session.Live) ([]session.Session, error)
	// RevokeSession fails with authcore.ErrNotFound for a session of others too.
	RevokeSession(ctx context.Context, live *session.Live, sessionID string, client authcore.Client) error
	RevokeOthers(ctx context.Context, live *session.Live, client authcore.Client) (int, error)
	// MayChange reports whether a change asks for the password; it fails with
	// *account.StaleError.
	MayChange(ctx context.Context, live *session.Live) (hasPassword bool, err error)
	// Guards returns the relying parties that the user has usable passkeys for.
	Guards(ctx context.Context, live *session.Live) ([]string, error)
	Browsers(ctx context.Context, live *session.Live) ([]account.Browser, error)
	// DistrustBrowsers fails with authcore.ErrNotFound.
	DistrustBrowsers(ctx context.Context, live *session.Live, id string, client authcore.Client) error
	// ChangePassword fails with *account.InvalidError or *account.ThrottledError.
	ChangePassword(ctx context.Context, live *session.Live, change account.PasswordChange, client authcore.Client) (account.SignedIn, error)
}

// TwoStep is what the pages need of second factors; *mfa.Service is one. Changes
// fail with *account.StaleError when another proof is needed first.
type TwoStep interface {
	Factors(ctx context.Context, live *session.Live, rpID string) (mfa.Factors, error)
	// Prove fails with *mfa.WrongCodeError, *account.ThrottledError and
	// mfa.ErrTooManyFailures.
	Prove(ctx context.Context, live *session.Live, in mfa.Attempt) (account.SignedIn, error)
	Offer(ctx context.Context, live *session.Live) (mfa.Offer, error)
	// Offered fails with authcore.ErrNotFound.
	Offered(live *session.Live, sealed string) (mfa.Offer, error)
	// Enroll fails with *mfa.WrongCodeError and authcore.ErrNotFound.
	Enroll(ctx context.Context, live *session.Live, sealed, code string, client authcore.Client) (mfa.Enrolled, error)
	// UsePasskeys fails with mfa.ErrNoPasskey.
	UsePasskeys(ctx context.Context, live *session.Live, client authcore.Client) (mfa.Enrolled, error)
	TurnOff(ctx context.Context, live *session.Live, client authcore.Client) error
	ReplaceBackupCodes(ctx context.Context, live *session.Live, client authcore.Client) (codes []string, err error)
}

// Passkeys is what the pages need of passkeys; *passkey.Service is one. Errors are
// those of package passkey; changes fail with *account.StaleError too.
type Passkeys interface {
	List(ctx context.Context, live *session.Live) ([]passkey.Passkey, error)
	Register(ctx context.Context, live *session.Live, rp passkey.RelyingParty) (options any, err error)
	FinishRegistration(ctx context.Context, live *session.Live, rp passkey.RelyingParty, response []byte, client authcore.Client) (account.SignedIn, error)
	SignIn(ctx context.Context, rp passkey.RelyingParty, client authcore.Client) (options any, err error)
	FinishSignIn(ctx context.Context, rp passkey.RelyingParty, in passkey.Attempt) (account.SignedIn, error)
	Prove(ctx context.Context, live *session.Live, rp passkey.RelyingParty) (options any, err error)
	FinishProof(ctx context.Context, live *session.Live, rp passkey.RelyingParty, in passkey.Attempt) (account.SignedIn, error)
	// Rename fails with *account.InvalidError, Rename and Remove with
	// authcore.ErrNotFound.
	Rename(ctx context.Context, live *session.Live, ref, name string, client authcore.Client) error
	Remove(ctx context.Context, live *session.Live, ref string, client authcore.Client) error
}

// Recovery is what the pages need to let in those without a password;
// *recovery.Service is one. Every method fails with authcore.ErrNotFound for a
// link that does not work.
type Recovery interface {
	AskSignInLink(ctx context.Context, a recovery.Ask) error
	AskReset(ctx context.Context, a recovery.Ask) error
	Check(ctx context.Context, purpose token.Purpose, secret string) (email string, err error)
	SignIn(ctx context.Context, secret string, remember bool, client authcore.Client) (account.SignedIn, error)
	Reset(ctx context.Context, secret, password string, client authcore.Client) error
}

// SignUps is what the pages need to let people make accounts; *signup.Service
// is one.
type SignUps interface {
	// Opened reports whether anybody can sign up.
	Opened() bool
	SignUp(ctx context.Context, in signup.SignUp) (cookie string, err error)
	// Awaits reports whether a browser has signed up with these.
	Awaits(cookie, email, password string) bool
	// Address returns where a proof was sent to; empty when nothing waits.
	Address(w signup.Waiting) string
	Check(ctx context.Context, secret string, w signup.Waiting) (email string, same bool, err error)
	ConfirmLink(ctx context.Context, secret string, w signup.Waiting, client authcore.Client) (signup.Confirmed, error)
	ConfirmCode(ctx context.Context, code string, w signup.Waiting, client authcore.Client) (signup.Confirmed, error)
	Resend(ctx context.Context, w signup.Waiting, client authcore.Client) error
	// Invited and Accept fail with authcore.ErrNotFound for an invitation that
	// does not work.
	Invited(ctx context.Context, secret string) (email string, err error)
	Accept(ctx context.Context, secret string, in signup.SignUp) (account.SignedIn, error)
}

// Profiles is what the pages need of what users say of themselves;
// *profile.Service is one.
type Profiles interface {
	Profile(ctx context.Context, live *session.Live) (authcore.User, error)
	// Save fails with *account.InvalidError.
	Save(ctx context.Context, live *session.Live, change profile.Change, client authcore.Client) error
}

// Addresses is what the pages need to change an address; *address.Service is
// one.
type Addresses interface {
	// Ask fails with *account.InvalidError, *account.ThrottledError and
	// *account.StaleError.
	Ask(ctx context.Context, live *session.Live, change address.Change, client authcore.Client) error
	Pending(ctx context.Context, live *session.Live) (email string, err error)
	// Check and Confirm fail with authcore.ErrNotFound and
	// address.ErrOtherAccount.
	Check(ctx context.Context, live *session.Live, secret string) (email string, err error)
	Confirm(ctx context.Context, live *session.Live, secret string, client authcore.Client) (account.SignedIn, error)
	// CheckKeep and Keep fail with authcore.ErrNotFound.
	CheckKeep(ctx context.Context, secret string) (email string, err error)
	Keep(ctx context.Context, secret string, client authcore.Client) error
	Withdraw(ctx context.Context, live *session.Live, client authcore.Client) error
}

// Deletions is what the pages need to delete accounts; *deletion.Service is one.
type Deletions interface {
	Allowed() bool
	Grace() time.Duration
	// Schedule fails with *account.InvalidError, *account.ThrottledError and
	// *account.StaleError.
	Schedule(ctx context.Context, live *session.Live, password string, client authcore.Client) error
	When(ctx context.Context, live *session.Live) (time.Time, error)
	Cancel(ctx context.Context, live *session.Live, client authcore.Client) error
}

// Disclosure shows users what is kept about them; *disclosure.Service does.
type Disclosure interface {
	Activity(ctx context.Context, live *session.Live, before string) (events []audit.Event, next string, err error)
	Export(ctx context.Context, live *session.Live, client authcore.Client) (disclosure.Export, error)
}

// Kept finds forms that met a session which had ended; *kept.Service does.
type Kept interface {
	// Form fails with authcore.ErrNotFound.
	Form(ctx context.Context, live *session.Live, secret, site string) (kept.Form, error)
}

// Mailbox shows the mail that was captured instead of sent; *mail.LogSender
// does.
type Mailbox interface {
	// Captured returns the latest messages, the newest first.
	Captured() []mail.Message
}

// Sessions resumes the session of a request.
type Sessions interface {
	// Resume fails with authcore.ErrNotFound when the tokens are of no live
	// session, or of several.
	Resume(ctx context.Context, tokens ...session.Token) (*session.Live, error)
}

// Keys publishes the keys that verify assertions.
type Keys interface {
	// JWKS returns a JWK set (RFC 7517 section 5), its quoted entity tag, and
	// how long it may be cached.
	JWKS() (body []byte, etag string, maxAge time.Duration)
}

// Link is a link below the forms.
type Link struct {
	Text string
	URL  string
}

// Brand is how the operator dresses the pages.
type Brand struct {
	// Name of the product. Default: Sigra.
	Name string
	// LogoFile is an SVG or PNG file shown above the forms. Default: a mark.
	LogoFile string
	// Accent is a colour as #rrggbb. Default: Sigra's.
	Accent string
	// Links are shown below every page, such as an imprint.
	Links []Link
}

// Services are what the pages are about. All are required but the mailbox.
type Services struct {
	Accounts   Accounts
	TwoStep    TwoStep
	Passkeys   Passkeys
	Recovery   Recovery
	SignUps    SignUps
	Profiles   Profiles
	Addresses  Addresses
	Deletions  Deletions
	Disclosure Disclosure
	Kept       Kept
	Orgs       Orgs
	Sessions   Sessions
	Keys       Keys
	Mailbox    Mailbox
}

// Options are what a Handler is made of.
type Options struct {
	Services
	// Roles are those of members of organizations. Default: owner, admin, member.
	Roles org.Roles
	// People returns the addresses of accounts by id, for the activity of
	// organizations; it leaves out what there is not. Default: none.
	People func(ctx context.Context, ids []string) (map[string]string, error)
	// MinPassword is how many characters a new password has at least. Default: 8.
	MinPassword int
	// Fields are what the operator asks users for.
	Fields profile.Fields
	// Health reports each dependency as "ok" or what is wrong. Default: nothing
	// to report.
	Health func(context.Context) map[string]string
	Brand  Brand
	// TemplateDir holds templates that replace ours of the same name.
	TemplateDir string
	// MessagesDir holds messages that replace ours of the same key, in files
	// named as their language: en.json, de.json. Another language, such as
	// fr.json, has to be complete.
	MessagesDir string
	// Logger is told the causes that pages hide. Default: slog.Default.
	Logger *slog.Logger
	// Clock tells the time. Default: time.Now.
	Clock authcore.Clock
}

// Request is what the server knows of a request and the pages cannot.
type Request struct {
	// Base is the path of the portal, such as /_auth.
	Base string
	// Origin is the public origin of the site, such as https://app.example.com.
	Origin string
	// Client is who asks, as the server vouches for it.
	Client authcore.Client
	// RelyingParty is who passkeys are for at the site.
	RelyingParty passkey.RelyingParty
	// Cookie is where the site keeps its session.
	Cookie session.Cookie
	// Local says that the request comes from this machine to this machine.
	Local bool
	// Returns accepts an absolute address to return to, if it leads to a
	// configured origin.
	Returns func(raw string) (string, bool)
}

// New builds the pages, and renders each once for rehearsal, so that an
// operator's broken template, message or brand is an error here that names the
// file and the line, and not half a page later.
func New(o Options) (*Handler, error) {
	o.setDefaults()
	h := &Handler{Options: o, cross: http.NewCrossOriginProtection()}
	var err error
	if h.languages, err = loadLanguages(o.MessagesDir); err != nil {
		return nil, err
	}
	h.languages.fill("min", strconv.Itoa(o.MinPassword), "field.password_hint", "field.password_too_short")
	if h.assets, err = loadAssets(o.Brand); err != nil {
		return nil, err
	}
	if h.pages, err = loadPages(o.TemplateDir, h); err != nil {
		return nil, err
	}
	if err := h.pages.rehearse(); err != nil {
		return nil, err
	}
	if h.letters, err = loadLetters(o.TemplateDir, h); err != nil {
		return nil, err
	}
	return h, h.letters.rehearse()
}

func (o *Options) setDefaults() {
	if o.Brand.Name == "" {
		o.Brand.Name = "Sigra"
	}
	if o.Brand.Accent == "" {
		o.Brand.Accent = defaultAccent
	}
	if len(o.Roles.All) == 0 {
		o.Roles = org.DefaultConfig().Roles
	}
	if o.MinPassword == 0 {
		o.MinPassword = password.Policy{}.Least()
	}
	if o.People == nil {
		o.People = func(context.Context, []string) (map[string]string, error) { return nil, nil }
	}
	if o.Health == nil {
		o.Health = func(context.Context) map[string]string { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}
