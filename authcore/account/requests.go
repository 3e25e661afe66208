package account

import (
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// SignIn is an attempt to sign in with a password.
type SignIn struct {
	Email    string
	Password string
	// Remember asks for a session that outlives the browser.
	Remember bool
	// Devices are the values of known-device cookies, if any.
	Devices []string
	Client  authcore.Client
}

// SetUp creates the first account with the secret from the set-up link.
type SetUp struct {
	Secret   string
	Email    string
	Name     string
	Password string
	Client   authcore.Client
}

// SignedIn is the result of a successful sign-in.
type SignedIn struct {
	Token   session.Token
	Session *session.Session
	// Device is the new value of the known-device cookie; empty leaves it.
	Device string
	// Trust is the new value of the trusted-browser cookie; empty leaves it.
	Trust string
	// CodesLeft is how many backup codes are left when one was used; else nil.
	CodesLeft *int
}

// ErrInvalidCredentials is the one answer to every wrong sign-in: unknown
// address, wrong password, disabled or locked account look the same.
var ErrInvalidCredentials = errors.New("invalid e-mail address or password")

// ThrottledError says that there were too many attempts; the caller answers
// 429 with Retry-After.
type ThrottledError struct {
	RetryAfter time.Duration
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts, try again in %s", e.RetryAfter.Round(time.Second))
}

// Problem is why a field is not acceptable, as a key of the message catalogue.
type Problem string

// The problems a field can have.
const (
	ProblemRequired      Problem = "required"
	ProblemEmail         Problem = "email_invalid"
	ProblemTooShort      Problem = "password_too_short"
	ProblemTooLong       Problem = "password_too_long"
	ProblemCommon        Problem = "password_common"
	ProblemContext       Problem = "password_contains_context"
	ProblemWrongPassword Problem = "password_wrong"
	ProblemNameTooLong   Problem = "name_too_long"
	ProblemEmailDomain   Problem = "email_domain"
	ProblemEmailSame     Problem = "email_same"
	ProblemWrongCode     Problem = "code_wrong"
	ProblemCodeSpent     Problem = "code_spent"
	ProblemValue         Problem = "value_invalid"
	ProblemValueTooLong  Problem = "value_too_long"
)

// InvalidError lists what is wrong with a form, by field name. The caller
// answers 422 and shows the form again; nothing has changed.
type InvalidError struct {
	Fields map[string]Problem
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("invalid input: %v", e.Fields)
}
