package mfa

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/totp"
)

// maxFailures is how many wrong codes in a row a user may see, however long that
// takes (NIST SP 800-63B-4 section 3.2.2). Whoever gets there knows the first
// factor, so that a new password, or an operator, has to set it back.
const maxFailures = 100

// Attempt is a code that was typed.
type Attempt struct {
	// Code is one of the app, of six digits, or a backup code, of eight.
	Code string
	// Trust asks for no second factor in this browser for 30 days; it counts
	// when the code completes a sign-in.
	Trust bool
	// Devices are the values of known-device cookies, if any.
	Devices []string
	Client  authcore.Client
}

// WrongCodeError says that a code is wrong or was used before.
type WrongCodeError struct {
	// Left is how many more may be tried now.
	Left int
}

func (*WrongCodeError) Error() string { return "wrong code" }

// ErrTooManyFailures says that no code is taken until the password is set anew.
var ErrTooManyFailures = errors.New("too many wrong codes in a row")

// Prove takes a code from the user of a session: from a pending one as the second
// factor, which completes the sign-in, from any other as a fresh proof. It fails
// with *WrongCodeError, *account.ThrottledError and ErrTooManyFailures.
func (s *Service) Prove(ctx context.Context, live *session.Live, in Attempt) (account.SignedIn, error) {
	left, err := s.Accounts.TryFactor(ctx, live.Identity.UserID)
	if err != nil {
		return account.SignedIn{}, err
	}
	factors, err := s.Factors(ctx, live, in.Client.RPID)
	if err != nil {
		return account.SignedIn{}, err
	}
	if factors.Failures >= maxFailures {
		return account.SignedIn{}, ErrTooManyFailures
	}
	var codes *int
	kind, use, err := s.use(live, factors, in, &codes)
	if err != nil {
		return account.SignedIn{}, err
	}
	if use == nil {
		return account.SignedIn{}, s.fail(ctx, live, left, in.Client)
	}
	proving := account.Proving{Factor: authcore.Factor{Kind: kind}, Trust: in.Trust, Devices: in.Devices, Client: in.Client}
	signedIn, err := s.Accounts.Prove(ctx, live, proving, use)
	if errors.Is(err, errUsed) {
		return account.SignedIn{}, s.fail(ctx, live, left, in.Client)
	}
	signedIn.CodesLeft = codes
	return signedIn, err
}

// errUsed is a code that may have been right once.
var errUsed = errors.New("the code was used before, or never was one")

type useFunc = func(ctx context.Context, proof account.Proof) error

// use returns what uses a code up; nil when it is wrong. After a backup code, left
// is how many there are.
func (s *Service) use(live *session.Live, factors Factors, in Attempt, left **int) (authcore.FactorKind, useFunc, error) {
	userID, code := live.Identity.UserID, authcore.Digits(in.Code)
	if len(code) == backupLength {
		return authcore.FactorBackupCode, func(ctx context.Context, p account.Proof) error {
			n, err := s.useBackupCode(ctx, code, p, in.Client)
			*left = &n
			return err
		}, nil
	}
	if len(factors.Secret) == 0 {
		return "", nil, nil
	}
	secret, err := s.Box.Open(secretPurpose, factors.Secret, []byte(userID))
	if err != nil {
		return "", nil, fmt.Errorf("opening secret of the app: %w", err)
	}
	step, ok := totp.Secret(secret).Step(code, s.Clock())
	if !ok {
		return "", nil, nil
	}
	return authcore.FactorTOTP, func(ctx context.Context, p account.Proof) error { return used(s.Store.UseStep(ctx, step, p)) }, nil
}

func used(err error) error {
	if errors.Is(err, authcore.ErrNotFound) {
		return errUsed
	}
	return err
}

// useBackupCode uses a code up, and tells the owner how many are left.
func (s *Service) useBackupCode(ctx context.Context, code string, p account.Proof, client authcore.Client) (left int, err error) {
	user, _, err := s.Users.User(ctx, p.UserID)
	if err != nil {
		return 0, fmt.Errorf("finding account: %w", err)
	}
	return left, used(s.Store.UseBackupCode(ctx, s.hash(p.UserID, code), p, func(n int) (job.Job, error) {
		left = n
		letter := mail.About(mail.BackupCodeUsed, user, client, map[string]string{"left": strconv.Itoa(n)})
		return mail.NewJob(s.Box, letter.LeadingTo(settings), s.Clock())
	}))
}

// fail counts a wrong code, and tells the owner when it was the last that may be
// tried for now.
func (s *Service) fail(ctx context.Context, live *session.Live, left int, client authcore.Client) error {
	if err := s.Store.CodeFailed(ctx, live.Identity.UserID, s.event(audit.TwoStepFailure, live, client)); err != nil {
		return fmt.Errorf("noting wrong code: %w", err)
	}
	if err := s.Accounts.FactorFailed(ctx, live, left, client); err != nil {
		return err
	}
	return &WrongCodeError{left}
}
