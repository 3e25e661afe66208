package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/session"
)

// recent is how long ago a user may have been proven to change what guards the
// account: a session that was left open must not be enough.
const recent = 15 * time.Minute

// StaleError says that the user must prove it is them first. The caller leads
// to the page that asks for that, and back.
type StaleError struct {
	// Wanted are the kinds of proof of which one is needed; none means any.
	Wanted []authcore.FactorKind
}

func (e *StaleError) Error() string { return "the last proof of the user is too old" }

// CheckRecent fails with *StaleError unless the signed-in user was proven not
// long ago, by one of the kinds if any are named. With two-step sign-in, or with
// a passkey, that is a second factor: a password that was guessed, or a browser
// that is trusted, must not be enough to add another, and to pass every rule that
// asks for one by it. At which site the request came in does not matter: a thief
// would choose one where the passkey cannot be asked for.
func (s *Service) CheckRecent(ctx context.Context, live *session.Live, kinds ...authcore.FactorKind) error {
	user, _, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	if len(kinds) > 0 || user.TwoStep() {
		return s.checkRecent(live, user, kinds)
	}
	guards, err := s.Guards(ctx, live)
	if err != nil {
		return err
	}
	if len(guards) > 0 {
		kinds = authcore.SecondFactors
	}
	return s.checkRecent(live, user, kinds)
}

// Guards returns the relying parties that the signed-in user has passkeys for. One
// that no site belongs to any more does not count: it could never be asked for, and
// would lock the account's factors for ever.
func (s *Service) Guards(ctx context.Context, live *session.Live) ([]string, error) {
	ids, err := s.passkeys.RelyingParties(ctx, live.Identity.UserID)
	if err != nil {
		return nil, fmt.Errorf("looking for passkeys: %w", err)
	}
	return slices.DeleteFunc(ids, func(id string) bool { return !s.usable(id) }), nil
}

// ProofBy returns what a factor proves that the user of a session has just added.
// It proves nothing beside others unless the session has two already: whoever
// knows the password alone would raise it by a factor of their own.
func ProofBy(live *session.Live, hadOthers bool, added authcore.Factor) []authcore.Factor {
	if hadOthers && live.Identity.Level < authcore.AAL2 {
		return nil
	}
	return []authcore.Factor{added}
}

func (s *Service) checkRecent(live *session.Live, user authcore.User, kinds []authcore.FactorKind) error {
	if len(kinds) == 0 && user.TwoStep() {
		kinds = authcore.SecondFactors
	}
	// A key that asks for no PIN is one factor: where a browser is trusted, it would
	// else turn the second off for whoever has found it.
	if user.TwoStep() && live.Identity.Level < authcore.AAL2 {
		return &StaleError{live.Identity.Raising()}
	}
	if s.clock().Sub(live.Identity.ProvenAt(kinds...)) > recent {
		return &StaleError{kinds}
	}
	return nil
}

// MayChange reports whether a change of the account asks for the password. It
// fails with *StaleError when another proof is needed first.
func (s *Service) MayChange(ctx context.Context, live *session.Live) (hasPassword bool, err error) {
	user, credential, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return false, fmt.Errorf("finding account: %w", err)
	}
	return credential.Hash != "", s.mayChange(live, user, credential)
}

func (s *Service) mayChange(live *session.Live, user authcore.User, credential Credential) error {
	if credential.Hash != "" && !user.TwoStep() {
		return nil // the password is the proof
	}
	return s.checkRecent(live, user, nil)
}

// Reprove asks the signed-in user for a proof before a change of the account:
// the password if there is one and, with two-step sign-in or without a
// password, another proof not long ago. It returns the account as it is now. It
// fails with *InvalidError on the field "current", *ThrottledError after too
// many wrong ones, and *StaleError.
func (s *Service) Reprove(ctx context.Context, live *session.Live, password string, client authcore.Client) (authcore.User, error) {
	user, _, err := s.reprove(ctx, live, password, client)
	return user, err
}

// reprove also returns the proofs that were given with it.
func (s *Service) reprove(ctx context.Context, live *session.Live, password string, client authcore.Client) (authcore.User, []authcore.Factor, error) {
	user, credential, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return user, nil, fmt.Errorf("finding account: %w", err)
	}
	if err := s.mayChange(live, user, credential); err != nil || credential.Hash == "" {
		return user, nil, err
	}
	if err := s.checkPassword(ctx, user, credential, password, "current", live, client); err != nil {
		return user, nil, err
	}
	return user, []authcore.Factor{{Kind: authcore.FactorPassword}}, s.stillSignedIn(ctx, live)
}

// ErrSignedOut says that a session has ended while a change was being made in it.
// Nothing has changed; the caller answers 401.
var ErrSignedOut = errors.New("the session has ended meanwhile")

// SignedOut returns the error of a change that rests on a session, where the account
// has another auth epoch by now: the session has ended with the older one.
func SignedOut(err error) error {
	if errors.Is(err, authcore.ErrConflict) {
		return ErrSignedOut
	}
	return err
}

// stillSignedIn fails with ErrSignedOut when a session has ended by now.
func (s *Service) stillSignedIn(ctx context.Context, live *session.Live) error {
	alive, err := s.sessions.Alive(ctx, live)
	if err == nil && !alive {
		err = ErrSignedOut
	}
	return err
}

// checkPassword verifies the password of a signed-in user, which came in a
// field, within the limit of step-up.
func (s *Service) checkPassword(ctx context.Context, user authcore.User, credential Credential, password, field string, live *session.Live, client authcore.Client) error {
	if err := s.guard.StepUp(ctx, user.ID); err != nil {
		return Throttled(err)
	}
	result, err := s.passwords.Verify(ctx, credential.Hash, password)
	if err != nil {
		return fmt.Errorf("verifying password: %w", err)
	}
	if !result.OK {
		event := s.userEvent(audit.StepUpFailure, user.ID, client).On(live.ID)
		if _, err := s.ledger.Failed(ctx, user.ID, event); err != nil {
			return fmt.Errorf("noting failed attempt: %w", err)
		}
		return &InvalidError{map[string]Problem{field: ProblemWrongPassword}}
	}
	if err := s.guard.StepUpSucceeded(ctx, user.ID); err != nil {
		s.logger.Warn("step-up limit not reset", slog.Any("error", err))
	}
	return nil
}

// Renew gives a session a new token after the user has been proven anew, and
// makes it carry what the account says now and the organizations of the user.
func (s *Service) Renew(ctx context.Context, live *session.Live, user authcore.User, proofs ...authcore.Factor) (SignedIn, error) {
	memberships, err := s.memberships(ctx, user.ID)
	if err != nil {
		return SignedIn{}, err
	}
	now := s.clock().UTC()
	token, next, err := s.sessions.Rotate(ctx, live, func(next *session.Session) {
		next.AuthEpoch = user.AuthEpoch
		next.Identity = next.Identity.Describe(user).Belong(memberships)
		for _, proof := range proofs {
			proof.At = now
			next.Identity = next.Identity.Prove(proof)
		}
	})
	if err != nil {
		return SignedIn{}, err
	}
	if err := s.settle(ctx, live, next); err != nil {
		return SignedIn{}, err
	}
	signedIn := SignedIn{Token: token, Session: next}
	if next.AuthEpoch == live.AuthEpoch {
		return signedIn, nil // the mark of the browser counts still
	}
	signedIn.Device, err = sealDevice(s.sealer, user.ID, "", next.AuthEpoch, now)
	if err != nil {
		return SignedIn{}, fmt.Errorf("sealing device: %w", err)
	}
	return signedIn, nil
}
