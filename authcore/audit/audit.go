// Package audit holds the closed list of what Sigra writes to its audit log.
//
// The store method that makes a change takes the event and commits both in one
// transaction, so that neither exists without the other. About what is kept
// elsewhere, such as a session in Redis, an event is written before it happens.
package audit

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
)

// Action names what happened, as area.subject[.result]. The set is closed: a
// store refuses an action that is not listed here.
type Action string

// The actions.
const (
	SetupComplete      Action = "auth.setup.complete"
	LoginSuccess       Action = "auth.login.success"
	LoginFailure       Action = "auth.login.failure"
	Logout             Action = "auth.logout"
	Lockout            Action = "security.lockout"
	SessionRevoke      Action = "session.revoke"
	SessionRevokeAll   Action = "session.revoke_all"
	StepUpSuccess      Action = "session.step_up.success"
	StepUpFailure      Action = "session.step_up.failure"
	UserCreate         Action = "account.create"
	UserDisable        Action = "account.disable"
	UserEnable         Action = "account.enable"
	PasswordSet        Action = "account.password_set"
	KeyRotate          Action = "sigra.key_rotate"
	SignInLinkSent     Action = "auth.sign_in_link.request"
	ResetSent          Action = "auth.password_reset.request"
	ResetComplete      Action = "auth.password_reset.complete"
	SignUp             Action = "auth.register.success"
	AddressConfirmed   Action = "auth.confirmation_verify.success"
	PasswordChange     Action = "account.password_change"
	ProfileChange      Action = "account.profile_change"
	EmailChangeRequest Action = "account.email_change.request"
	EmailChange        Action = "account.email_change.confirm"
	EmailChangeCancel  Action = "account.email_change.cancel"
	DeletionSchedule   Action = "account.deletion.schedule"
	DeletionCancel     Action = "account.deletion.cancel"
	DeletionExecute    Action = "account.deletion.execute"
	DataExport         Action = "account.data_export"
	UserApprove        Action = "account.approve"
	InvitationSent     Action = "auth.invitation.request"
	InvitationAccept   Action = "auth.invitation.accept"
	// LoginPending is a first factor after which a second is due.
	LoginPending        Action = "auth.login.pending"
	TwoStepFailure      Action = "mfa.challenge.failure"
	TwoStepLockout      Action = "mfa.lockout"
	TwoStepEnroll       Action = "mfa.enroll.success"
	TwoStepEnrollFail   Action = "mfa.enroll.failure"
	TwoStepDisable      Action = "mfa.disable"
	TwoStepReset        Action = "mfa.reset"
	BackupCodesReplaced Action = "mfa.backup_codes.regenerate"
	TrustRevoke         Action = "mfa.trust_browser.revoke"
	PasskeyRegister     Action = "passkey.register"
	PasskeyRename       Action = "passkey.rename"
	PasskeyDelete       Action = "passkey.delete"
	PasskeyRegression   Action = "passkey.sign_count_regression"
	OrgCreate           Action = "organization.create"
	OrgRename           Action = "organization.rename"
	OrgSlugChange       Action = "organization.slug_change"
	OrgDelete           Action = "organization.delete"
	OrgRulesChange      Action = "organization.policy_change"
	OrgMemberAdd        Action = "organization.member_add"
	OrgMemberRemove     Action = "organization.member_remove"
	OrgRoleChange       Action = "organization.member_role_change"
	OrgInvite           Action = "organization.invitation.created"
	OrgInviteRevoke     Action = "organization.invitation.revoked"
	OrgInviteRenew      Action = "organization.invitation.renewed"
	OrgInviteAccept     Action = "organization.invitation.accepted"
	OrgInviteRefuse     Action = "organization.invitation.refused"
	OrgDomainAdd        Action = "organization.domain_add"
	OrgDomainVerify     Action = "organization.domain_verify"
	OrgDomainRemove     Action = "organization.domain_remove"
	OrgJoinAsk          Action = "organization.join_request.created"
	OrgJoinRefuse       Action = "organization.join_request.refused"
	OrgSwitch           Action = "organization.active_switch"
	// OrgReassign is a switch that nobody has asked for: the user belongs to the
	// active organization no more.
	OrgReassign Action = "organization.active_auto_reassigned"
)

// Actions are all of them.
var Actions = []Action{
	SetupComplete, LoginSuccess, LoginFailure, Logout, Lockout, SessionRevoke, SessionRevokeAll, StepUpSuccess,
	StepUpFailure, UserCreate, UserDisable, UserEnable, PasswordSet, KeyRotate, SignInLinkSent, ResetSent,
	ResetComplete, SignUp, AddressConfirmed, PasswordChange, ProfileChange, EmailChangeRequest, EmailChange,
	EmailChangeCancel, DeletionSchedule, DeletionCancel, DeletionExecute, DataExport, UserApprove, InvitationSent,
	InvitationAccept, LoginPending, TwoStepFailure, TwoStepLockout, TwoStepEnroll, TwoStepEnrollFail, TwoStepDisable,
	TwoStepReset, BackupCodesReplaced, TrustRevoke, PasskeyRegister, PasskeyRename, PasskeyDelete, PasskeyRegression,
	OrgCreate, OrgRename, OrgSlugChange, OrgDelete, OrgRulesChange, OrgMemberAdd, OrgMemberRemove, OrgRoleChange,
	OrgInvite, OrgInviteRevoke, OrgInviteRenew, OrgInviteAccept, OrgInviteRefuse, OrgDomainAdd, OrgDomainVerify, OrgDomainRemove,
	OrgJoinAsk, OrgJoinRefuse, OrgSwitch, OrgReassign,
}

// Valid reports whether the action is one of the closed set.
func (a Action) Valid() bool { return slices.Contains(Actions, a) }

// ActorType says what kind of party acted.
type ActorType string

// The kinds of actor.
const (
	ActorUser     ActorType = "user"
	ActorOperator ActorType = "operator" // someone with access to the admin endpoint or the CLI
	ActorSystem   ActorType = "system"   // the gateway itself
	ActorUnknown  ActorType = "unknown"  // nobody has been identified yet
)

// Event is one row of the audit log. Metadata never holds a password, token,
// code, hash or secret.
type Event struct {
	ID        string // UUIDv7
	At        time.Time
	Action    Action
	ActorType ActorType
	ActorID   string // user id when ActorType is ActorUser
	UserID    string // the account concerned; empty when none is known
	TargetID  string // the session or key concerned, if any
	OrgID     string
	IP        string
	UserAgent string
	Metadata  map[string]string
}

// New returns an event for an action of the given client, with a fresh id.
func New(at time.Time, action Action, client authcore.Client) Event {
	return Event{
		ID:        uuid.Must(uuid.NewV7()).String(),
		At:        at.UTC(),
		Action:    action,
		ActorType: ActorUnknown,
		IP:        client.IP,
		UserAgent: client.UserAgent,
	}
}

// By returns the event with its actor set.
func (e Event) By(kind ActorType, id string) Event {
	e.ActorType, e.ActorID = kind, id
	return e
}

// Of returns the event with the account that it concerns set.
func (e Event) Of(userID string) Event {
	e.UserID = userID
	return e
}

// On returns the event with its target set.
func (e Event) On(targetID string) Event {
	e.TargetID = targetID
	return e
}

// With returns the event with one more metadata field.
func (e Event) With(key, value string) Event {
	metadata := make(map[string]string, len(e.Metadata)+1)
	for k, v := range e.Metadata {
		metadata[k] = v
	}
	metadata[key] = value
	e.Metadata = metadata
	return e
}
