package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Proving is a factor that the user of a session has just proven.
type Proving struct {
	Factor authcore.Factor
	// Trust asks for no second factor in this browser for a while. It counts
	// when a sign-in is completed.
	Trust bool
	// Devices are the values of known-device cookies, if any.
	Devices []string
	Client  authcore.Client
}

// Proof is what is stored with the use of a factor, in one transaction: of
// several uses at once, one succeeds.
type Proof struct {
	UserID string
	// Epoch is that of the session. If the account has another one by now, or is
	// disabled, the proof fails with authcore.ErrConflict.
	Epoch int64
	// Browser is trusted from now on, if not nil.
	Browser *Browser
	// Event is audit.LoginSuccess when the proof completes a sign-in.
	Event audit.Event
	Jobs  []job.Job
}

// Prove takes a factor from the user of a session: from a pending one, the
// second, which completes the sign-in; from any other, a fresh proof. Use
// stores it. The session gets a new token.
func (s *Service) Prove(ctx context.Context, live *session.Live, p Proving, use func(ctx context.Context, proof Proof) error) (SignedIn, error) {
	user, credential, err := s.users.User(ctx, live.Identity.UserID)
	if err != nil {
		return SignedIn{}, fmt.Errorf("finding account: %w", err)
	}
	if live.Identity.Pending {
		return s.complete(ctx, live, user, credential, p, use)
	}
	event := s.userEvent(audit.StepUpSuccess, user.ID, p.Client).On(live.ID).With("method", string(p.Factor.Kind))
	if err := use(ctx, Proof{UserID: user.ID, Epoch: live.AuthEpoch, Event: event}); err != nil {
		return SignedIn{}, err
	}
	s.factorSucceeded(ctx, user.ID)
	return s.Renew(ctx, live, user, p.Factor)
}

// ErrNoSecondFactor is a proof of the kind that a pending sign-in has already.
var ErrNoSecondFactor = errors.New("the proof is no second factor")

// complete signs in whoever waits for the second factor. It fails with
// ErrNoSecondFactor before anything is used: a security key that asks for no PIN
// is one factor, and whoever has found it must not come in by using it twice.
func (s *Service) complete(ctx context.Context, live *session.Live, user authcore.User, credential Credential, p Proving, use func(ctx context.Context, proof Proof) error) (SignedIn, error) {
	if !live.Identity.Completes(p.Factor) {
		return SignedIn{}, ErrNoSecondFactor
	}
	now := s.clock().UTC()
	device := knownDevice(s.sealer, p.Devices, user, now)
	jobs, err := s.newDevice(user, credential, device, p.Client)
	if err != nil {
		return SignedIn{}, err
	}
	memberships, err := s.memberships(ctx, user.ID)
	if err != nil {
		return SignedIn{}, err
	}
	proof := Proof{UserID: user.ID, Epoch: live.AuthEpoch, Jobs: jobs}
	proof.Event = s.userEvent(audit.LoginSuccess, user.ID, p.Client).On(live.ID).With("method", string(p.Factor.Kind))
	var signedIn SignedIn
	if p.Trust {
		signedIn.Trust, proof.Browser = newBrowser(user, p.Client, now)
		proof.Event = proof.Event.With("browser", "trusted")
	}
	if err := use(ctx, proof); err != nil {
		return SignedIn{}, err
	}
	s.factorSucceeded(ctx, user.ID)
	p.Factor.At = now
	signedIn.Token, signedIn.Session, err = s.sessions.Complete(ctx, live, func(next *session.Session) {
		next.Identity = next.Identity.Describe(user).Belong(memberships).Prove(p.Factor)
	})
	if err != nil {
		return SignedIn{}, err
	}
	if err := s.settle(ctx, live, signedIn.Session); err != nil {
		return SignedIn{}, err
	}
	if signedIn.Device, err = sealDevice(s.sealer, user.ID, device, user.AuthEpoch, now); err != nil {
		return SignedIn{}, fmt.Errorf("sealing device: %w", err)
	}
	s.events.Emit(events.SignedIn, map[string]any{"user_id": user.ID, "session_id": live.ID})
	return signedIn, nil
}
