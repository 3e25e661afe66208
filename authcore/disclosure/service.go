// Package disclosure shows users what is kept about them: what has happened to
// their account, and all of it as a file.
package disclosure

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Trail reads the audit log.
type Trail interface {
	// EventsOf returns up to limit events about a user, the newest first, those
	// before the event with the given id (empty: from the newest), less those of some
	// actions.
	EventsOf(ctx context.Context, userID, before string, limit int, less ...audit.Action) ([]audit.Event, error)
}

// Users reads accounts; account.UserStore does.
type Users interface {
	User(ctx context.Context, id string) (authcore.User, account.Credential, error)
}

// Sessions lists sessions; *session.Manager does.
type Sessions interface {
	List(ctx context.Context, userID string) ([]session.Session, error)
}

// Browsers lists trusted browsers; account.BrowserStore does.
type Browsers interface {
	Browsers(ctx context.Context, userID string, epoch int64, at time.Time) ([]account.Browser, error)
}

// Orgs lists the organizations of a user.
type Orgs interface {
	Memberships(ctx context.Context, userID string) (authcore.Memberships, error)
}

// Passkeys lists the passkeys of a user as they are exported.
type Passkeys func(ctx context.Context, userID string) ([]Passkey, error)

// Notes writes audit events; account.Ledger does.
type Notes interface {
	Note(ctx context.Context, event audit.Event, jobs ...job.Job) error
}

// Deps are what a Service is made of.
type Deps struct {
	Trail    Trail
	Users    Users
	Sessions Sessions
	Browsers Browsers
	Passkeys Passkeys
	Orgs     Orgs
	Notes    Notes
	Clock    authcore.Clock
}

// Service is what the pages call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// pageSize is how many events one page shows.
const pageSize = 25

// Activity returns a page of what has happened to the account of the signed-in
// user, the newest first, from before an event, and the id to go on from; it is
// empty on the last page. Who switches between organizations all day knows it, and
// looks for something else.
func (s *Service) Activity(ctx context.Context, live *session.Live, before string) (events []audit.Event, next string, err error) {
	events, err = s.Trail.EventsOf(ctx, live.Identity.UserID, before, pageSize+1, audit.OrgSwitch)
	if err != nil {
		return nil, "", fmt.Errorf("reading activity: %w", err)
	}
	if len(events) > pageSize {
		events = events[:pageSize]
		next = events[pageSize-1].ID
	}
	return events, next, nil
}

// maxExported bounds the events of an export; the omissions say so.
const maxExported = 10_000

// exportBatch is how many of them are read at once.
const exportBatch = 500

// schemaVersion is that of [Export]. It grows when a field changes its meaning.
const schemaVersion = 1

// Export is what is kept about a user, but for what Omissions names.
type Export struct {
	SchemaVersion int            `json:"schema_version"`
	ExportedAt    time.Time      `json:"exported_at"`
	Account       Account        `json:"account"`
	Sessions      []Session      `json:"sessions"`
	Passkeys      []Passkey      `json:"passkeys"`
	Browsers      []Browser      `json:"trusted_browsers"`
	Organizations []Organization `json:"organizations"`
	Events        []Event        `json:"events"`
	Omissions     []string       `json:"omissions"`
}

// Account is what the account says.
type Account struct {
	ID                string            `json:"id"`
	Email             string            `json:"email"`
	EmailVerifiedAt   time.Time         `json:"email_verified_at,omitzero"`
	Name              string            `json:"name"`
	Role              string            `json:"role"`
	Language          string            `json:"language"`
	Profile           map[string]string `json:"profile"`
	HasPassword       bool              `json:"has_password"`
	PasswordChangedAt time.Time         `json:"password_changed_at,omitzero"`
	SignedInAt        time.Time         `json:"signed_in_at,omitzero"`
	TwoStepAt         time.Time         `json:"two_step_at,omitzero"`
	DeletionAt        time.Time         `json:"deletion_at,omitzero"`
	CreatedAt         time.Time         `json:"created_at"`
	UpdatedAt         time.Time         `json:"updated_at"`
}

// Session is where the user is signed in.
type Session struct {
	ID         string    `json:"id"`
	CreatedAt  time.Time `json:"created_at"`
	LastActive time.Time `json:"last_active_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	FirstIP    string    `json:"first_ip"`
	LastIP     string    `json:"last_ip"`
	UserAgent  string    `json:"user_agent"`
	Remembered bool      `json:"remembered"`
}

// Passkey is a way to sign in.
type Passkey struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Model        string    `json:"model,omitempty"`
	RPID         string    `json:"rp_id"`
	Discoverable bool      `json:"discoverable"`
	Synced       bool      `json:"synced"`
	BackedUp     bool      `json:"backed_up"`
	CreatedAt    time.Time `json:"created_at"`
	UsedAt       time.Time `json:"used_at,omitzero"`
}

// Browser is one that is asked for no second factor.
type Browser struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	IP        string    `json:"ip"`
	UserAgent string    `json:"user_agent"`
}

// Organization is one that the user belongs to.
type Organization struct {
	ID       string `json:"id"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Personal bool   `json:"personal"`
}

// Event is something that has happened to the account.
type Event struct {
	ID        string            `json:"id"`
	At        time.Time         `json:"at"`
	Action    string            `json:"action"`
	Actor     string            `json:"actor"`
	IP        string            `json:"ip"`
	UserAgent string            `json:"user_agent"`
	Details   map[string]string `json:"details,omitempty"`
}

// omissions are what an export leaves out.
var omissions = []string{
	"password: only a hash of it is kept, which is of no use to you and of some to a thief",
	"the secret of an authenticator app, and backup codes: they are kept encrypted, or as hashes",
	"secrets of sessions, of trusted browsers and of links in mails: only hashes of them are kept",
	"what waits for an answer of yours: a new address that is not confirmed, a form that can be sent again, invitations to organizations and requests to join them",
	"counts of wrong passwords and codes",
	"the public keys of passkeys: they are of no use without what is on your device",
	"mails that wait to be sent, or could not be: those are kept for 30 days; mails that were sent are not kept",
	"events beyond the newest 10000",
	"what the apps behind this gateway keep",
}

// Export returns all that is kept about the signed-in user.
func (s *Service) Export(ctx context.Context, live *session.Live, client authcore.Client) (Export, error) {
	userID := live.Identity.UserID
	user, credential, err := s.Users.User(ctx, userID)
	if err != nil {
		return Export{}, fmt.Errorf("finding account: %w", err)
	}
	now := s.Clock().UTC()
	e := Export{SchemaVersion: schemaVersion, ExportedAt: now, Omissions: omissions, Account: Account{
		ID: user.ID, Email: user.Email, EmailVerifiedAt: user.EmailVerifiedAt, Name: user.Name, Role: user.Role, Language: user.Language,
		Profile: map[string]string{}, SignedInAt: credential.SignedInAt, TwoStepAt: user.TwoStepAt, DeletionAt: user.DeletionAt, HasPassword: credential.Hash != "", CreatedAt: user.CreatedAt, UpdatedAt: user.UpdatedAt,
	}}
	maps.Copy(e.Account.Profile, user.Profile)
	if e.Account.HasPassword {
		e.Account.PasswordChangedAt = credential.ChangedAt
	}
	list, err := s.Sessions.List(ctx, userID)
	if err != nil {
		return Export{}, err
	}
	e.Sessions = []Session{}
	for _, one := range list {
		e.Sessions = append(e.Sessions, Session{
			one.ID, one.CreatedAt, one.Seen.At, one.ExpiresAt, one.FirstIP, one.Seen.IP, one.UserAgent, one.Remembered,
		})
	}
	if err := s.factors(ctx, live, &e); err != nil {
		return Export{}, err
	}
	if err := s.organizations(ctx, userID, &e); err != nil {
		return Export{}, err
	}
	event := audit.New(now, audit.DataExport, client).By(audit.ActorUser, userID).Of(userID).On(live.ID)
	if err := s.Notes.Note(ctx, event); err != nil {
		return Export{}, fmt.Errorf("noting export: %w", err)
	}
	e.Events, err = s.events(ctx, userID)
	return e, err
}

// factors adds what else the user can sign in with.
func (s *Service) factors(ctx context.Context, live *session.Live, e *Export) error {
	passkeys, err := s.Passkeys(ctx, live.Identity.UserID)
	if err != nil {
		return fmt.Errorf("listing passkeys: %w", err)
	}
	e.Passkeys = append([]Passkey{}, passkeys...)
	browsers, err := s.Browsers.Browsers(ctx, live.Identity.UserID, live.AuthEpoch, s.Clock())
	if err != nil {
		return fmt.Errorf("listing trusted browsers: %w", err)
	}
	e.Browsers = []Browser{}
	for _, b := range browsers {
		e.Browsers = append(e.Browsers, Browser{b.ID, b.CreatedAt, b.ExpiresAt, b.IP, b.UserAgent})
	}
	return nil
}

// organizations adds where the user belongs.
func (s *Service) organizations(ctx context.Context, userID string, e *Export) error {
	m, err := s.Orgs.Memberships(ctx, userID)
	if err != nil {
		return fmt.Errorf("listing organizations: %w", err)
	}
	e.Organizations = []Organization{}
	for _, o := range m.Orgs {
		e.Organizations = append(e.Organizations, Organization{o.ID, o.Slug, o.Name, o.Role, o.Personal})
	}
	return nil
}

func (s *Service) events(ctx context.Context, userID string) (events []Event, err error) {
	events = []Event{}
	for before := ""; len(events) < maxExported; {
		batch, err := s.Trail.EventsOf(ctx, userID, before, exportBatch)
		if err != nil {
			return nil, fmt.Errorf("reading activity: %w", err)
		}
		for _, b := range batch {
			events = append(events, Event{b.ID, b.At, string(b.Action), string(b.ActorType), b.IP, b.UserAgent, b.Metadata})
		}
		if len(batch) < exportBatch {
			break
		}
		before = batch[len(batch)-1].ID
	}
	return events, nil
}
