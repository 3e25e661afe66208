package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// maxFailures is how many wrong passwords in a row an account may see, whatever
// their source, until the password is set anew (NIST SP 800-63B-4 section 3.2.2). The
// last of them are for browsers that it knows: a stranger must not lock the owner out
// of those, and whoever has one must not guess for ever either.
const (
	maxFailures      = 100
	keptForTheKnown  = 10
	maxFromStrangers = maxFailures - keptForTheKnown
)

// The reasons of a failed sign-in, in the audit log only.
const (
	reasonUnknown  = "unknown_email"
	reasonPassword = "invalid_password"
	reasonDisabled = "disabled"
	reasonLocked   = "locked"
	reasonRaced    = "account_changed"
)

// SignIn checks an address and a password and opens a session. Every wrong
// attempt, whatever is wrong with it, does the same work and fails with
// ErrInvalidCredentials; a client network over its limit gets a
// *ThrottledError, and a broken or overloaded part authcore.ErrUnavailable.
func (s *Service) SignIn(ctx context.Context, in SignIn) (SignedIn, error) {
	email, valid := ParseEmail(in.Email)
	user, credential, err := s.candidate(ctx, email, valid)
	if err != nil {
		return SignedIn{}, err
	}
	device := knownDevice(s.sealer, in.Devices, user, s.clock())
	ticket, err := s.guard.Attempt(ctx, throttle.Attempt{Account: email.Key, IP: in.Client.IP, Device: device})
	var exceeded *throttle.Exceeded
	switch {
	case errors.As(err, &exceeded) && !exceeded.Account:
		return SignedIn{}, &ThrottledError{exceeded.RetryAfter}
	case exceeded != nil || err == nil && credential.Failures >= maxFailuresOf(device):
		// The visitor is not told: that would tell whether the account exists.
		return SignedIn{}, s.refuse(ctx, user, in)
	case err != nil:
		return SignedIn{}, fmt.Errorf("counting attempt: %w", err)
	}
	result, err := s.passwords.Verify(ctx, credential.Hash, in.Password)
	if err != nil {
		return SignedIn{}, fmt.Errorf("verifying password: %w", err)
	}
	if reason := reasonAgainst(user, result.OK); reason != "" {
		if ticket.Last {
			s.tellOfLock(ctx, email.Key, in.Client)
		}
		return SignedIn{}, s.fail(ctx, user, in, reason)
	}
	jobs, err := s.newDevice(user, credential, device, in.Client)
	if err != nil {
		return SignedIn{}, err
	}
	signedIn, err := s.open(ctx, user, in.Remember, in.Devices, in.Client, jobs...)
	if errors.Is(err, authcore.ErrConflict) {
		return SignedIn{}, s.fail(ctx, user, in, reasonRaced)
	}
	if err != nil {
		return SignedIn{}, err
	}
	if err := ticket.Succeed(ctx); err != nil {
		s.logger.Warn("sign-in limits not reset", slog.Any("error", err))
	}
	if result.Upgrade {
		s.upgrade(ctx, user.ID, credential.Hash, in.Password)
	}
	return signedIn, nil
}

// maxFailuresOf is how many failures in a row a browser may meet.
func maxFailuresOf(device string) int {
	if device == "" {
		return maxFromStrangers
	}
	return maxFailures
}

// candidate returns the account behind an address, and zero values when there
// is none.
func (s *Service) candidate(ctx context.Context, email Email, valid bool) (authcore.User, Credential, error) {
	key := email.Key
	if !valid {
		key = "invalid" // no account has a key without a domain
	}
	user, credential, err := s.users.UserByEmail(ctx, key)
	if err != nil && !errors.Is(err, authcore.ErrNotFound) {
		return authcore.User{}, Credential{}, fmt.Errorf("finding account: %w", err)
	}
	return user, credential, nil
}

// reasonAgainst says why a sign-in fails, or nothing.
func reasonAgainst(user authcore.User, passwordOK bool) string {
	switch {
	case user.ID == "":
		return reasonUnknown
	case !passwordOK:
		return reasonPassword
	case user.Disabled():
		return reasonDisabled
	default:
		return ""
	}
}

// refuse fails a sign-in to a locked account, whose password must not be
// tried. It does the work of trying one, so that the answer takes as long as
// any other.
func (s *Service) refuse(ctx context.Context, user authcore.User, in SignIn) error {
	if err := s.passwords.VerifyDummy(ctx, in.Password); err != nil {
		return fmt.Errorf("verifying password: %w", err)
	}
	return s.fail(ctx, user, in, reasonLocked)
}

// fail notes a failed sign-in and returns the generic error. It counts the
// passwords that were tried: if refused attempts counted too, a stranger would
// reach maxFailures in a minute and lock new browsers of the owner out for good.
func (s *Service) fail(ctx context.Context, user authcore.User, in SignIn, reason string) error {
	event := audit.New(s.clock(), audit.LoginFailure, in.Client).Of(user.ID).With("reason", reason)
	counted := user.ID
	if reason == reasonLocked {
		counted = ""
	}
	if _, err := s.ledger.Failed(ctx, counted, event); err != nil {
		return fmt.Errorf("noting failed sign-in: %w", err)
	}
	s.events.Emit(events.SignInFailed, map[string]any{"reason": reason})
	return ErrInvalidCredentials
}

// newDevice returns the letter that tells the owner of a sign-in from a browser
// that the account does not know, unless it is the first with this password: of
// that the owner has been told.
func (s *Service) newDevice(user authcore.User, credential Credential, device string, client authcore.Client) ([]job.Job, error) {
	if device != "" || !credential.SignedInAt.After(credential.ChangedAt) || !user.EmailVerified() {
		return nil, nil
	}
	letter := mail.About(mail.NewDevice, user, client, map[string]string{"user_agent": client.UserAgent})
	j, err := mail.NewJob(s.sealer, letter.LeadingTo("/account/sessions"), s.clock())
	return []job.Job{j}, err
}

// open makes the session of a user who has just proven a password, with the
// jobs that follow from it unless a second factor is due.
func (s *Service) open(ctx context.Context, user authcore.User, remember bool, devices []string, client authcore.Client, jobs ...job.Job) (SignedIn, error) {
	opening := Opening{User: user, Factor: authcore.Factor{Kind: authcore.FactorPassword}, Remember: remember, Devices: devices, Client: client}
	return s.Open(ctx, opening, func(ctx context.Context, event audit.Event) error {
		if event.Action == audit.LoginPending {
			return s.ledger.SignedIn(ctx, user.ID, user.AuthEpoch, event)
		}
		return s.ledger.SignedIn(ctx, user.ID, user.AuthEpoch, event, jobs...)
	})
}

// Opening is a session to be made.
type Opening struct {
	User authcore.User
	// Factor is how the user has just been proven.
	Factor   authcore.Factor
	Remember bool
	// Devices are the values of known-device cookies, if any: a browser that the
	// account knows keeps its id.
	Devices []string
	Client  authcore.Client
}

// Open makes a session, a pending one when a second factor is due. It counts
// only once commit has stored what the sign-in rests on, with the event of it;
// if that fails, there is no session. The event is audit.LoginSuccess, or
// audit.LoginPending. It fails with authcore.ErrConflict when the organizations of
// the user change meanwhile.
func (s *Service) Open(ctx context.Context, o Opening, commit func(ctx context.Context, event audit.Event) error) (SignedIn, error) {
	now := s.clock().UTC()
	o.Factor.At = now
	identity := authcore.Identity{Kind: authcore.KindSession, Site: o.Client.Site}.Describe(o.User).Prove(o.Factor)
	grant := session.Grant{Identity: identity, AuthEpoch: o.User.AuthEpoch, Remember: o.Remember, Client: o.Client}
	token, opened, err := s.openIn(ctx, o, grant, func(ctx context.Context, opened *session.Session) error {
		action := audit.LoginSuccess
		if opened.Identity.Pending {
			action = audit.LoginPending
		}
		return commit(ctx, s.userEvent(action, o.User.ID, o.Client).On(opened.ID).With("method", string(o.Factor.Kind)))
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("opening session: %w", err)
	}
	signedIn := SignedIn{Token: token, Session: opened}
	if opened.Identity.Pending {
		return signedIn, nil
	}
	if signedIn.Device, err = sealDevice(s.sealer, o.User.ID, knownDevice(s.sealer, o.Devices, o.User, now), o.User.AuthEpoch, now); err != nil {
		return SignedIn{}, fmt.Errorf("sealing device: %w", err)
	}
	s.events.Emit(events.SignedIn, map[string]any{"user_id": o.User.ID, "session_id": opened.ID})
	return signedIn, nil
}

// errMoved says that the organizations of a user have changed, or the trust in the
// browser.
var errMoved = fmt.Errorf("the user belongs to other organizations now, or trusts the browser no more: %w", authcore.ErrConflict)

// openTries bounds how often a sign-in begins again because of that.
const openTries = 3

// openIn makes a session with the organizations that the user belongs to when it
// is committed, and with the trust in the browser that there is then: a refresh that
// came before the session was stored did not find it.
func (s *Service) openIn(ctx context.Context, o Opening, first session.Grant, commit func(context.Context, *session.Session) error) (token session.Token, opened *session.Session, err error) {
	userID := first.Identity.UserID
	for range openTries {
		grant := first
		if err := s.askSecond(ctx, o, &grant); err != nil {
			return token, nil, err
		}
		before, err := s.memberships(ctx, userID)
		if err != nil {
			return token, nil, err
		}
		grant.Identity = grant.Identity.Belong(before)
		token, opened, err = s.sessions.Open(ctx, grant, func(ctx context.Context, opened *session.Session) error {
			if grant.Identity.Trusted {
				if until, err := s.trusts(ctx, o.User, o.Client); err != nil || until.IsZero() {
					return cmp.Or(err, errMoved)
				}
			}
			now, err := s.memberships(ctx, userID)
			switch {
			case err != nil:
				return err
			case !reflect.DeepEqual(now.Orgs, before.Orgs):
				return errMoved
			default:
				return commit(ctx, opened)
			}
		})
		if !errors.Is(err, errMoved) {
			return token, opened, err
		}
	}
	return token, nil, errMoved
}

// askSecond decides whether a second factor is due: with two-step sign-in,
// unless the first is two in one, the user trusts the browser, or the site asks
// for none, which the session then says. A session that rests on trust does not
// outlive it.
func (s *Service) askSecond(ctx context.Context, o Opening, g *session.Grant) (err error) {
	if !o.User.TwoStep() || g.Identity.Level == authcore.AAL2 {
		return nil
	}
	if g.Until, err = s.trusts(ctx, o.User, o.Client); err != nil {
		return err
	}
	if g.Identity.Trusted = !g.Until.IsZero(); !g.Identity.Trusted {
		g.Identity.Skipped, g.Identity.Pending = o.Client.OneStep, !o.Client.OneStep
	}
	return nil
}

// upgrade replaces a hash that has weaker parameters than today's. It may fail
// without harm: the next sign-in tries again.
func (s *Service) upgrade(ctx context.Context, userID, stored, password string) {
	hash, err := s.passwords.Hash(ctx, password)
	if err == nil {
		err = s.ledger.UpgradePassword(ctx, userID, stored, hash)
	}
	if err != nil {
		s.logger.Warn("password hash not upgraded", slog.Any("error", err))
	}
}
