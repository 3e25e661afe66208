// Package userimport brings accounts from elsewhere, with the hashes of their
// passwords: all of a file, or nothing.
package userimport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/password"
)

// MaxRows bounds one import, which is held in memory and written in one
// transaction.
const MaxRows = 100_000

// Row is one account as a file tells it.
type Row struct {
	// Line is where it stands in the file, for errors.
	Line  int    `json:"line"`
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	// Role is admin or empty.
	Role string `json:"role,omitempty"`
	// EmailVerified says that the address has been proven elsewhere. Default:
	// true.
	EmailVerified *bool `json:"email_verified,omitempty"`
	// PasswordHash is one that password.Recognize knows; empty for an account
	// without a password.
	PasswordHash string `json:"password_hash,omitempty"`
	// Language is a BCP 47 tag; may be empty.
	Language string `json:"language,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
	// CreatedAt is in RFC 3339. Default: now.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Profile are the values of profile fields, as they are.
	Profile map[string]string `json:"profile,omitempty"`
}

// Problem is what is wrong with a row.
type Problem struct {
	Line    int    `json:"line"`
	Message string `json:"error"`
}

// maxProblems bounds the problems that are told at once.
const maxProblems = 100

// InvalidError lists what is wrong with a file. Nothing was imported.
type InvalidError struct {
	Problems []Problem
	// More is how many problems are not in the list.
	More int
}

func (e *InvalidError) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("line %d: %s", p.Line, p.Message))
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", e.More))
	}
	return "nothing was imported:\n" + strings.Join(lines, "\n")
}

func (e *InvalidError) add(line int, format string, args ...any) {
	if len(e.Problems) >= maxProblems {
		e.More++
		return
	}
	e.Problems = append(e.Problems, Problem{line, fmt.Sprintf(format, args...)})
}

// Account is what is stored of a row.
type Account struct {
	User         authcore.User
	PasswordHash string
	Event        audit.Event
}

// Store keeps accounts.
type Store interface {
	// TakenEmails returns those of the canonical addresses that accounts have.
	TakenEmails(ctx context.Context, keys []string) ([]string, error)
	// ImportUsers stores all accounts and their events in one transaction, or
	// none. It fails with authcore.ErrConflict when an address is taken.
	ImportUsers(ctx context.Context, accounts []Account) error
}

// Service is what the command line calls.
type Service struct {
	store Store
	clock authcore.Clock
}

// New returns the service.
func New(store Store, clock authcore.Clock) *Service { return &Service{store, clock} }

// Import stores the accounts of a file, or checks them only, and returns how many
// there are. It fails with *InvalidError.
func (s *Service) Import(ctx context.Context, rows []Row, dryRun bool) (int, error) {
	if len(rows) > MaxRows {
		return 0, &InvalidError{Problems: []Problem{{rows[MaxRows].Line, fmt.Sprintf("one import takes %d accounts at most; split the file", MaxRows)}}}
	}
	accounts, lines, err := s.check(rows)
	if err != nil {
		return 0, err
	}
	if err := s.checkTaken(ctx, accounts, lines); err != nil || dryRun {
		return len(accounts), err
	}
	err = s.store.ImportUsers(ctx, accounts)
	if errors.Is(err, authcore.ErrConflict) { // somebody has signed up meanwhile
		if taken := s.checkTaken(ctx, accounts, lines); taken != nil {
			return 0, taken
		}
	}
	if err != nil {
		return 0, fmt.Errorf("storing accounts: %w", err)
	}
	return len(accounts), nil
}

// check judges each row by itself and returns its account, with the lines of the
// addresses.
func (s *Service) check(rows []Row) ([]Account, map[string]int, error) {
	now := s.clock().UTC().Truncate(time.Microsecond)
	accounts, lines, invalid := make([]Account, 0, len(rows)), make(map[string]int, len(rows)), new(InvalidError)
	for _, row := range rows {
		account, problem := accountOf(row, now)
		if problem != "" {
			invalid.add(row.Line, "%s", problem)
			continue
		}
		if first, twice := lines[account.User.EmailKey]; twice {
			invalid.add(row.Line, "this address is on line %d already", first)
			continue
		}
		lines[account.User.EmailKey] = row.Line
		accounts = append(accounts, account)
	}
	if len(invalid.Problems) > 0 {
		return nil, nil, invalid
	}
	return accounts, lines, nil
}

func accountOf(row Row, now time.Time) (a Account, problem string) {
	email, ok := account.ParseEmail(row.Email)
	name, wrong := account.CleanName(row.Name)
	switch {
	case !ok:
		return a, fmt.Sprintf("%q is no e-mail address", row.Email)
	case wrong != "":
		return a, "the name is too long"
	case row.Role != "" && row.Role != authcore.RoleAdmin:
		return a, fmt.Sprintf("the role %q is neither %q nor empty", row.Role, authcore.RoleAdmin)
	case row.PasswordHash != "" && password.Recognize(row.PasswordHash) != nil:
		return a, "the password hash is none of Argon2id, bcrypt, PBKDF2 or scrypt that could be verified"
	case row.CreatedAt.After(now):
		return a, "created_at is in the future"
	}
	if row.Language != "" {
		if _, err := language.Parse(row.Language); err != nil {
			return a, fmt.Sprintf("%q is no language such as de or pt-BR", row.Language)
		}
	}
	kept, problem := cleanProfile(row.Profile)
	if problem != "" {
		return a, problem
	}
	user := authcore.User{
		ID: uuid.Must(uuid.NewV7()).String(), Email: email.Display, EmailKey: email.Key, Name: name, Role: row.Role,
		Language: row.Language, Profile: kept, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: now,
	}
	if user.CreatedAt.IsZero() {
		user.CreatedAt = now
	}
	if row.EmailVerified == nil || *row.EmailVerified {
		user.EmailVerifiedAt = now
	}
	if row.Disabled {
		user.DisabledAt = now
	}
	event := audit.New(now, audit.UserCreate, authcore.Client{}).By(audit.ActorOperator, "").Of(user.ID).With("source", "import")
	return Account{user, row.PasswordHash, event}, ""
}

const (
	maxFields = 20
	maxValue  = 500 // characters
)

// cleanProfile returns the values on one line each, as sign-up would keep them.
func cleanProfile(profile map[string]string) (kept map[string]string, problem string) {
	if len(profile) > maxFields {
		return nil, fmt.Sprintf("the profile has more than %d fields", maxFields)
	}
	for name, value := range profile {
		name, value = account.CleanLine(name), account.CleanLine(value)
		if utf8.RuneCountInString(name) > maxValue || utf8.RuneCountInString(value) > maxValue {
			return nil, "a value of the profile is too long"
		}
		if kept == nil {
			kept = make(map[string]string)
		}
		kept[name] = value
	}
	return kept, ""
}

// lookBatch is how many addresses are looked up at once.
const lookBatch = 500

func (s *Service) checkTaken(ctx context.Context, accounts []Account, lines map[string]int) error {
	invalid := new(InvalidError)
	for start := 0; start < len(accounts); start += lookBatch {
		batch := accounts[start:min(start+lookBatch, len(accounts))]
		keys := make([]string, len(batch))
		for i, a := range batch {
			keys[i] = a.User.EmailKey
		}
		taken, err := s.store.TakenEmails(ctx, keys)
		if err != nil {
			return fmt.Errorf("looking for accounts: %w", err)
		}
		for _, key := range taken {
			invalid.add(lines[key], "there is an account with this address")
		}
	}
	if len(invalid.Problems) > 0 {
		return invalid
	}
	return nil
}
