package org

import (
	"context"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Creation says who may make organizations.
type Creation string

// Who may make organizations. Operators may always, by the command line.
const (
	// CreationOff is nobody.
	CreationOff Creation = "off"
	// CreationAdmins are users with the platform role.
	CreationAdmins Creation = "admins"
	// CreationAnyone is every user.
	CreationAnyone Creation = "anyone"
)

// Config is what an operator says of organizations.
type Config struct {
	// Creation defaults to off.
	Creation Creation
	// Personal gives every user a workspace of their own.
	Personal bool
	Roles    Roles
	// MaxOwned is how many a user may own, beside the personal one; zero is no limit.
	// Operators make owners beyond it.
	MaxOwned int
	// PerInviter and PerOrg are how many invitations may be sent in 24 hours; zero
	// is no limit.
	PerInviter, PerOrg int
	// Reserved are further slugs that nobody may take.
	Reserved []string
}

// DefaultConfig returns the defaults: no pages, three roles, 20 organizations of
// one owner, 20 invitations a day by one user and 50 to one organization.
func DefaultConfig() Config {
	return Config{Creation: CreationOff, Roles: defaultRoles(), MaxOwned: 20, PerInviter: 20, PerOrg: 50}
}

// Accounts asks for proofs, opens sessions and brings them up to date;
// *account.Service does.
type Accounts interface {
	CheckRecent(ctx context.Context, live *session.Live, kinds ...authcore.FactorKind) error
	Refresh(ctx context.Context, userID string) error
	RefreshAll(ctx context.Context, userIDs []string) error
	Draft(in account.NewUser) (authcore.User, error)
	Hash(ctx context.Context, password string) (string, error)
	Open(ctx context.Context, o account.Opening, commit func(ctx context.Context, event audit.Event) error) (account.SignedIn, error)
}

// Users reads accounts; account.UserStore does.
type Users interface {
	UserByEmail(ctx context.Context, emailKey string) (authcore.User, account.Credential, error)
	User(ctx context.Context, id string) (authcore.User, account.Credential, error)
}

// Sessions changes the identity of a session; *session.Manager does.
type Sessions interface {
	Amend(ctx context.Context, live *session.Live, change func(authcore.Identity) authcore.Identity) (authcore.Identity, error)
}

// Notes writes events about what is stored elsewhere; account.Ledger does.
type Notes interface {
	Note(ctx context.Context, event audit.Event, jobs ...job.Job) error
}

// Resolver looks up DNS TXT records; *net.Resolver does.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Deps are what a Service is made of.
type Deps struct {
	Config        Config
	Orgs          Store
	Members       Members
	MemberChanges MemberChanges
	Invitations   Invitations
	Domains       Domains
	Joining       Joining
	Users         Users
	Accounts      Accounts
	Sessions      Sessions
	Notes         Notes
	Resolver      Resolver
	Sealer        job.Sealer
	Events        events.Sink
	Clock         authcore.Clock
}

// Service is what the pages, the command line and the worker call. It holds the
// rules of organizations; its methods fail with authcore.ErrNotFound,
// authcore.ErrConflict and the errors of this package, and with
// *account.InvalidError for bad fields.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Actor is who asks.
type Actor struct {
	// Live is the session of the user; nil for an operator, who may do everything.
	Live   *session.Live
	Client authcore.Client
}

// userID is empty for an operator.
func (a Actor) userID() string {
	if a.Live == nil {
		return ""
	}
	return a.Live.Identity.UserID
}

// Opened reports whether users can make organizations at all.
func (s *Service) Opened() bool { return s.Config.Creation != CreationOff }

// MayCreate reports whether a user may make an organization.
func (s *Service) MayCreate(id *authcore.Identity) bool {
	return s.Config.Creation == CreationAnyone || s.Config.Creation == CreationAdmins && id.Role == authcore.RoleAdmin
}

// managers is the authority of those who manage members, owners that of owners,
// and member that of everybody who belongs.
func (s *Service) managers(a Actor) Authority { return s.authority(a, s.Config.Roles.Managers...) }
func (s *Service) owners(a Actor) Authority   { return s.authority(a, s.Config.Roles.Owner()) }
func (s *Service) member(a Actor) Authority   { return s.authority(a) }

func (s *Service) authority(a Actor, roles ...string) Authority {
	if a.Live == nil {
		return Authority{Roles: roles}
	}
	return Authority{a.userID(), roles, s.Config.MaxOwned, &a.Live.Identity}
}

// standing returns an organization to whoever has one of the roles of an
// authority. What asks for a role also asks for what the organization wants of its
// members, as an app does; else it fails with *account.StaleError. Plain members see
// that they belong, and may leave, without: nobody is trapped.
func (s *Service) standing(ctx context.Context, slug string, by Authority) (Standing, error) {
	st, err := s.Orgs.Find(ctx, slug, by.UserID)
	if err != nil || by.UserID == "" || len(by.Roles) == 0 {
		return st, err
	}
	if !slices.Contains(by.Roles, st.Role) {
		return st, ErrForbidden
	}
	if unmet := st.Rules.Unmet(by.identity, s.Clock()); len(unmet) > 0 {
		return st, &account.StaleError{Wanted: unmet[0].Wanted}
	}
	return st, nil
}

// Owned returns an organization to an owner.
func (s *Service) Owned(ctx context.Context, a Actor, slug string) (Standing, error) {
	return s.standing(ctx, slug, s.owners(a))
}

// event starts the audit event of something that was done to an organization.
func (s *Service) event(action audit.Action, a Actor, orgID string) audit.Event {
	e := audit.New(s.Clock(), action, a.Client)
	e.OrgID = orgID
	if a.Live == nil {
		return e.By(audit.ActorOperator, "")
	}
	return e.By(audit.ActorUser, a.userID()).On(a.Live.ID)
}

// RefreshJob is the kind of a job that brings the sessions of all members up to
// date with their organization.
const RefreshJob job.Kind = "refresh_members"

// refreshing is an organization whose members' sessions are to be brought up to
// date.
type refreshing struct {
	OrgID string `json:"org"`
}

// Handlers do the jobs of this package.
func (s *Service) Handlers() map[job.Kind]job.Handler {
	return map[job.Kind]job.Handler{RefreshJob: s.refreshMembers}
}

func (s *Service) refreshMembers(ctx context.Context, j job.Job) error {
	var r refreshing
	if err := j.Payload(s.Sealer, &r); err != nil {
		return err
	}
	return s.refreshAll(ctx, r.OrgID)
}

// batch is how many members are brought up to date at once.
const batch = 1000

func (s *Service) refreshAll(ctx context.Context, orgID string) error {
	for after := ""; ; {
		ids, err := s.Members.MemberIDs(ctx, orgID, after, batch)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := s.Accounts.RefreshAll(ctx, ids); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// refreshOrg returns the job that is stored with a change of what the sessions of
// all members carry. One does for all changes that were made before it begins.
func (s *Service) refreshOrg(orgID string) (job.Job, error) {
	j, err := job.New(s.Sealer, RefreshJob, refreshing{orgID}, s.Clock())
	return j.About(orgID), err
}

// quota is how many invitations may be sent now.
func (s *Service) quota() Quota {
	return Quota{PerUser: s.Config.PerInviter, PerOrg: s.Config.PerOrg, Since: s.Clock().Add(-24 * time.Hour)}
}
