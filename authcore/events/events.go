// Package events names what happens, for metrics and for Caddy's event system.
// Unlike the audit log, it is told to programs and forgotten.
package events

// Sink is told what happened. The data holds no secret.
type Sink interface {
	Emit(name Name, data map[string]any)
}

// Name names what happened, in the past tense. The set is closed.
type Name string

// The events.
const (
	SignedIn       Name = "user_signed_in"
	SignInFailed   Name = "sign_in_failed"
	SignedOut      Name = "user_signed_out"
	Locked         Name = "account_locked"
	UserCreated    Name = "user_created"
	UserDisabled   Name = "user_disabled"
	UserEnabled    Name = "user_enabled"
	PasswordSet    Name = "password_set"
	SessionRevoked Name = "session_revoked"
	EmailChanged   Name = "email_changed"
	UserDeleted    Name = "user_deleted"
	TwoStepOn      Name = "two_step_on"
	TwoStepOff     Name = "two_step_off"
	PasskeyAdded   Name = "passkey_added"
	PasskeyRemoved Name = "passkey_removed"
	OrgCreated     Name = "org_created"
	OrgDeleted     Name = "org_deleted"
)
