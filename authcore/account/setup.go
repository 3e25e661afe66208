package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/token"
)

// setUpLife is how long a set-up link works.
const setUpLife = 24 * time.Hour

// IssueSetUp makes the secret of a link that creates the first account, and
// voids older ones. It fails with authcore.ErrConflict when there is an
// account already.
func (s *Service) IssueSetUp(ctx context.Context) (secret string, err error) {
	exists, err := s.users.HasUsers(ctx)
	if err != nil {
		return "", fmt.Errorf("looking for accounts: %w", err)
	}
	if exists {
		return "", fmt.Errorf("the first account exists already: %w", authcore.ErrConflict)
	}
	secret, t := token.New(token.SetUp, "", s.clock(), setUpLife)
	if err := s.tokens.Issue(ctx, t); err != nil {
		return "", fmt.Errorf("storing set-up token: %w", err)
	}
	return secret, nil
}

// CheckSetUp reports whether a set-up link works still, without using it up:
// authcore.ErrNotFound when not.
func (s *Service) CheckSetUp(ctx context.Context, secret string) error {
	hash, ok := token.HashOf(secret)
	if !ok {
		return authcore.ErrNotFound
	}
	_, err := s.tokens.Peek(ctx, hash, token.SetUp, s.clock())
	return err
}

// CompleteSetUp creates the first account, an administrator with a verified
// address (whoever reads the log vouches for it), and signs it in. It fails
// with *InvalidError for bad fields and authcore.ErrNotFound for a link that
// was used, has expired or never was.
func (s *Service) CompleteSetUp(ctx context.Context, in SetUp) (SignedIn, error) {
	if err := s.CheckSetUp(ctx, in.Secret); err != nil {
		return SignedIn{}, err
	}
	user, hash, err := s.newUser(ctx, NewUser{Email: in.Email, Name: in.Name, Password: in.Password, Role: authcore.RoleAdmin, Verified: true})
	if err != nil {
		return SignedIn{}, err
	}
	tokenHash, _ := token.HashOf(in.Secret)
	event := s.userEvent(audit.SetupComplete, user.ID, in.Client)
	if err := s.ledger.CreateFirst(ctx, tokenHash, user, hash, event); err != nil {
		if errors.Is(err, authcore.ErrConflict) {
			return SignedIn{}, authcore.ErrNotFound
		}
		return SignedIn{}, fmt.Errorf("creating first account: %w", err)
	}
	s.events.Emit(events.UserCreated, map[string]any{"user_id": user.ID})
	signedIn, err := s.open(ctx, user, false, nil, in.Client)
	if err != nil { // the account is there, and the link is used
		s.logger.Warn("first account made, but not signed in", slog.Any("error", err))
		return SignedIn{}, ErrNotSignedIn
	}
	return signedIn, nil
}

// ErrNotSignedIn says that the account was made but no session: the visitor
// signs in.
var ErrNotSignedIn = errors.New("the account was made, but not signed in")

// NewUser is an account to be made.
type NewUser struct {
	Email    string
	Name     string
	Password string
	Role     string
	// Language is the BCP 47 tag of what the user reads; may be empty.
	Language string
	// Profile are the values of the operator's fields; nil does not ask for them.
	Profile map[string]string
	// NoPassword makes an account that signs in another way.
	NoPassword bool
	// Verified says that somebody vouches for the address.
	Verified bool
}

// Draft checks the fields of an account and returns it, not stored yet. It fails
// with *InvalidError.
func (s *Service) Draft(in NewUser) (authcore.User, error) {
	problems := map[string]Problem{}
	email, ok := ParseEmail(in.Email)
	switch {
	case strings.TrimSpace(in.Email) == "":
		problems["email"] = ProblemRequired
	case !ok:
		problems["email"] = ProblemEmail
	}
	name, problem := CleanName(in.Name)
	if problem != "" {
		problems["name"] = problem
	}
	var kept map[string]string
	if in.Profile != nil {
		var wrong map[string]Problem
		kept, wrong = s.fields.Clean(in.Profile)
		maps.Copy(problems, wrong)
	}
	if problem := s.passwordProblem(in.Password, email, name); problem != "" && !in.NoPassword {
		problems["password"] = problem
	}
	if len(problems) > 0 {
		return authcore.User{}, &InvalidError{problems}
	}
	now := s.clock().UTC().Truncate(time.Microsecond)
	user := authcore.User{
		ID: uuid.Must(uuid.NewV7()).String(), Email: email.Display, EmailKey: email.Key,
		Name: name, Role: in.Role, Language: in.Language, Profile: kept, CreatedAt: now, UpdatedAt: now,
	}
	if in.Verified {
		user.EmailVerifiedAt = now
	}
	return user, nil
}

// Hash hashes a password that has been judged. It fails with an error that wraps
// authcore.ErrUnavailable when too many hashes are under way.
func (s *Service) Hash(ctx context.Context, password string) (string, error) {
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hashing password: %w", err)
	}
	return hash, nil
}

func (s *Service) newUser(ctx context.Context, in NewUser) (authcore.User, string, error) {
	user, err := s.Draft(in)
	if err != nil {
		return authcore.User{}, "", err
	}
	hash, err := s.Hash(ctx, in.Password)
	return user, hash, err
}

// NewPassword judges and hashes a new password of an account. It fails with
// *InvalidError on the field "password".
func (s *Service) NewPassword(ctx context.Context, user authcore.User, password string) (hash string, err error) {
	if problem := s.passwordProblem(password, Email{Display: user.Email, Key: user.EmailKey}, user.Name); problem != "" {
		return "", &InvalidError{map[string]Problem{"password": problem}}
	}
	return s.Hash(ctx, password)
}

func (s *Service) passwordProblem(password string, email Email, name string) Problem {
	if password == "" {
		return ProblemRequired
	}
	local, _, _ := strings.Cut(email.Key, "@")
	return Problem(s.policy.Check(password, append(strings.Fields(name), local, email.Display)...))
}
