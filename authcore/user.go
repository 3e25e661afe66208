package authcore

import "time"

// RoleAdmin is the platform role that the first account receives. The empty
// role is an ordinary user.
const RoleAdmin = "admin"

// User is an account. It holds no credential: those are kept by the packages
// that can check them.
type User struct {
	// ID is a UUIDv7 (RFC 9562) that never changes and is never reused.
	ID string
	// Email is the address as the user wrote it, in NFC.
	Email string
	// EmailKey is the canonical form of Email under which it is unique.
	EmailKey string
	// EmailVerifiedAt is when the user proved to own Email; zero when not yet.
	// An unverified address never leaves the gateway as an identity.
	EmailVerifiedAt time.Time
	// Name is the display name; it may be empty.
	Name string
	// Role is the platform role: RoleAdmin or empty.
	Role string
	// Language is the BCP 47 tag of the language that the user reads; empty
	// when it is not known.
	Language string
	// Profile holds the fields that the operator asks for, by name.
	Profile map[string]string
	// DisabledAt is when an operator disabled the account; zero when active.
	DisabledAt time.Time
	// AwaitsApprovalSince is when the account was made, if an operator has to
	// accept it and has not yet; else zero.
	AwaitsApprovalSince time.Time
	// DeletionAt is when the account will be deleted; zero when nobody asked for
	// that.
	DeletionAt time.Time
	// DeletedAt is when it was deleted, if the row was kept, which is disabled
	// then; else zero.
	DeletedAt time.Time
	// TwoStepAt is when the user turned on two-step sign-in; zero when it is off.
	TwoStepAt time.Time
	// AuthEpoch grows with every change that ends the sessions of the user
	// (password change, disabling). A sign-in that began under an older epoch
	// must not commit.
	AuthEpoch int64
	// CreatedAt and UpdatedAt are kept in UTC with microsecond precision.
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Disabled reports whether an operator has disabled the account.
func (u User) Disabled() bool { return !u.DisabledAt.IsZero() }

// EmailVerified reports whether the user has proved to own the address.
func (u User) EmailVerified() bool { return !u.EmailVerifiedAt.IsZero() }

// TwoStep reports whether a second factor follows a password or a link.
func (u User) TwoStep() bool { return !u.TwoStepAt.IsZero() }
