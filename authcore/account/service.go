// Package account holds what people and operators do with accounts: sign in
// with a password, set up the first account, prove it is them again, trust
// browsers, end sessions, disable and enable.
package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Sessions makes and ends sessions; *session.Manager does.
type Sessions interface {
	Open(ctx context.Context, g session.Grant, commit func(context.Context, *session.Session) error) (session.Token, *session.Session, error)
	Complete(ctx context.Context, live *session.Live, change func(*session.Session)) (session.Token, *session.Session, error)
	Rotate(ctx context.Context, live *session.Live, change func(*session.Session)) (session.Token, *session.Session, error)
	Alive(ctx context.Context, live *session.Live) (bool, error)
	List(ctx context.Context, userID string) ([]session.Session, error)
	Revoke(ctx context.Context, userID, sessionID string) error
	RevokeAll(ctx context.Context, userID, except string) (int, error)
	RevokeBefore(ctx context.Context, userID, except string, at time.Time, epoch int64) error
	Rewrite(ctx context.Context, userID string, current func(context.Context) (session.Change, error)) ([]session.Rewritten, error)
}

// Orgs tells which organizations a user belongs to; org.Members does.
type Orgs interface {
	Memberships(ctx context.Context, userID string) (authcore.Memberships, error)
}

// Passwords hashes and verifies; *password.Hasher does.
type Passwords interface {
	Hash(ctx context.Context, password string) (string, error)
	Verify(ctx context.Context, stored, password string) (password.Result, error)
	VerifyDummy(ctx context.Context, password string) error
}

// Guard limits attempts; *throttle.Guard does.
type Guard interface {
	Attempt(ctx context.Context, a throttle.Attempt) (*throttle.Ticket, error)
	StepUp(ctx context.Context, userID string) error
	StepUpSucceeded(ctx context.Context, userID string) error
	Change(ctx context.Context, userID string) error
	Forget(ctx context.Context, account string) error
	MayTellOfLock(ctx context.Context, account string) (bool, error)
	Factor(ctx context.Context, userID string) (left int, err error)
	FactorSucceeded(ctx context.Context, userID string) error
}

// Passkeys tells which relying parties a user has passkeys for; passkey.Store does.
type Passkeys interface {
	RelyingParties(ctx context.Context, userID string) ([]string, error)
}

// Queue takes jobs that come with no other change.
type Queue interface {
	Add(ctx context.Context, jobs ...job.Job) error
}

// Fields judges what users say of themselves; profile.Fields does.
type Fields interface {
	// Clean returns the values that are kept, and what is wrong by field name.
	Clean(given map[string]string) (kept map[string]string, problems map[string]Problem)
}

// Deps are what a Service is made of.
type Deps struct {
	Users     UserStore
	Ledger    Ledger
	Tokens    token.Store
	Browsers  BrowserStore
	Passkeys  Passkeys
	Queue     Queue
	Orgs      Orgs
	Sessions  Sessions
	Passwords Passwords
	Guard     Guard
	Sealer    Sealer
	Events    events.Sink
	Policy    password.Policy
	Fields    Fields
	// Usable reports whether any site asks for the passkeys of a relying party.
	Usable func(rpID string) bool
	Clock  authcore.Clock
	Logger *slog.Logger
}

// Service is what the pages, the command line and the admin endpoint call.
type Service struct {
	users     UserStore
	ledger    Ledger
	tokens    token.Store
	browsers  BrowserStore
	passkeys  Passkeys
	queue     Queue
	orgs      Orgs
	sessions  Sessions
	passwords Passwords
	guard     Guard
	sealer    Sealer
	events    events.Sink
	policy    password.Policy
	fields    Fields
	usable    func(rpID string) bool
	clock     authcore.Clock
	logger    *slog.Logger
}

// New returns the service.
func New(d Deps) *Service {
	return &Service{
		users: d.Users, ledger: d.Ledger, tokens: d.Tokens, browsers: d.Browsers, passkeys: d.Passkeys, queue: d.Queue, orgs: d.Orgs,
		sessions:  d.Sessions,
		passwords: d.Passwords, guard: d.Guard, sealer: d.Sealer,
		events: d.Events, policy: d.Policy, fields: d.Fields, usable: d.Usable, clock: d.Clock, logger: d.Logger,
	}
}

// operatorEvent starts the audit event of something an operator did.
func (s *Service) operatorEvent(action audit.Action) audit.Event {
	return audit.New(s.clock(), action, authcore.Client{}).By(audit.ActorOperator, "")
}

// userEvent starts the audit event of something a signed-in user did.
func (s *Service) userEvent(action audit.Action, userID string, client authcore.Client) audit.Event {
	return audit.New(s.clock(), action, client).By(audit.ActorUser, userID).Of(userID)
}
