package signup

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Confirmed is the result of proving an address.
type Confirmed struct {
	account.SignedIn
	// HasPassword is false when the password of the sign-up was removed: it was
	// chosen in another browser, perhaps by somebody else.
	HasPassword bool
	// Passkey says that the user wants a passkey instead.
	Passkey bool
	// Anew says that what the sign-up said of the user was removed with the password:
	// they have to say it again.
	Anew bool
}

// Waiting is the browser's or the session's sign-up that waits for its proof.
type Waiting struct {
	// Cookie is the ticket, if the browser has one.
	Cookie string
	// Live is the session of a user whose address is not proven, or nil.
	Live *session.Live
}

// Address returns the address that a mail went to; empty when nothing waits.
func (s *Service) Address(w Waiting) string {
	if w.Live != nil {
		return w.Live.Identity.Email
	}
	t, _ := s.openTicket(w.Cookie)
	return t.Email
}

// Check returns the address that a link proves, without using it up, and whether
// this browser is the one that signed up: authcore.ErrNotFound when it does not
// work (any more).
func (s *Service) Check(ctx context.Context, secret string, w Waiting) (email string, same bool, err error) {
	u, err := s.linked(ctx, secret)
	return u.user.Email, err == nil && s.same(u, w), err
}

// unproven is what a token proves the address of: a sign-up, or an account that an
// operator has made.
type unproven struct {
	token token.Token
	user  authcore.User
	// code is the one that stands for the link.
	code []byte
	// signUp is nil for an account that is there already.
	signUp *pending
}

// linked returns what a link that works proves.
func (s *Service) linked(ctx context.Context, secret string) (unproven, error) {
	hash, ok := token.HashOf(secret)
	if !ok {
		return unproven{}, authcore.ErrNotFound
	}
	t, err := s.Tokens.Peek(ctx, hash, token.Confirm, s.Clock())
	if err != nil {
		return unproven{}, err
	}
	return s.behind(ctx, t)
}

// behind returns what a token proves.
func (s *Service) behind(ctx context.Context, t token.Token) (unproven, error) {
	if t.UserID == "" {
		p, err := s.openPending(t)
		return unproven{t, p.User, []byte(p.Code), &p}, err
	}
	user, _, err := s.Users.User(ctx, t.UserID)
	if err == nil && (user.Disabled() || user.EmailKey != t.Address) {
		err = authcore.ErrNotFound
	}
	if err != nil {
		return unproven{}, err
	}
	code, err := s.Sealer.Open(codePurpose, t.Payload, []byte(t.UserID))
	if err != nil {
		return unproven{}, fmt.Errorf("opening code: %w", err)
	}
	return unproven{t, user, code, nil}, nil
}

// same reports whether whoever proves the address has also chosen the password,
// or knows it.
func (s *Service) same(u unproven, w Waiting) bool {
	if w.Live != nil && w.Live.Identity.UserID == u.user.ID {
		return true
	}
	held, ok := s.openTicket(w.Cookie)
	return ok && u.token.SignUp != "" && held.ID == u.token.SignUp
}

// ConfirmLink proves an address by the link from the mail and signs in.
// Whoever holds it owns the address, but may not be who chose the password:
// unless the browser says so, it is removed, with all sessions. That keeps an
// account that was made with the address of somebody else from ever being
// shared with them. It fails with authcore.ErrNotFound when the link does not
// work (any more).
func (s *Service) ConfirmLink(ctx context.Context, secret string, w Waiting, client authcore.Client) (Confirmed, error) {
	u, err := s.linked(ctx, secret)
	if err != nil {
		return Confirmed{}, err
	}
	return s.confirm(ctx, u, s.same(u, w), "link", client)
}

// ConfirmCode proves an address by the code from the mail, typed into the
// browser that signed up. It fails with *account.InvalidError for a wrong code,
// also when there is none or the address has had too many, and
// *account.ThrottledError after too many in a while.
func (s *Service) ConfirmCode(ctx context.Context, code string, w Waiting, client authcore.Client) (Confirmed, error) {
	held, _ := s.openTicket(w.Cookie)
	try, userID := throttle.Try{SignUp: held.ID, Address: held.Key, IP: client.IP}, ""
	if w.Live != nil {
		email, _ := account.ParseEmail(w.Live.Identity.Email)
		userID = w.Live.Identity.UserID
		try.SignUp, try.Address, held.ID = userID, email.Key, ""
	}
	if try.SignUp == "" {
		return Confirmed{}, wrongCode()
	}
	if err := s.count(ctx, try); err != nil {
		return Confirmed{}, err
	}
	t, err := s.Store.ConfirmToken(ctx, held.ID, userID, s.Clock())
	if errors.Is(err, authcore.ErrNotFound) {
		return Confirmed{}, wrongCode()
	}
	if err != nil {
		return Confirmed{}, err
	}
	u, err := s.behind(ctx, t)
	if err == nil && subtle.ConstantTimeCompare(u.code, []byte(authcore.Digits(code))) != 1 {
		return Confirmed{}, wrongCode()
	}
	if err == nil {
		var c Confirmed
		if c, err = s.confirm(ctx, u, true, "code", client); err == nil {
			return c, nil
		}
	}
	if errors.Is(err, authcore.ErrNotFound) {
		err = wrongCode()
	}
	return Confirmed{}, err
}

// count counts a try before anything is looked up. When codes are no use any more, it
// fails with *account.InvalidError, for right ones too.
func (s *Service) count(ctx context.Context, try throttle.Try) error {
	if s.Rules.Mode == Domain {
		_, try.Domain, _ = strings.Cut(try.Address, "@")
	}
	err := s.Guard.Code(ctx, try)
	var exceeded *throttle.Exceeded
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exceeded):
		return fmt.Errorf("counting try: %w", err)
	case exceeded.Spent:
		return &account.InvalidError{Fields: map[string]account.Problem{"code": account.ProblemCodeSpent}}
	default:
		return &account.ThrottledError{RetryAfter: exceeded.RetryAfter}
	}
}

func wrongCode() error {
	return &account.InvalidError{Fields: map[string]account.Problem{"code": account.ProblemWrongCode}}
}

// confirm signs in whoever has proven an address; keep says that the password is
// theirs.
func (s *Service) confirm(ctx context.Context, u unproven, keep bool, method string, client authcore.Client) (Confirmed, error) {
	opening := account.Opening{User: u.user, Factor: authcore.Factor{Kind: authcore.FactorLink}, Client: client}
	if !keep && u.signUp != nil {
		// Whoever chose the password may be a stranger, who must not say either what an
		// app is told of the owner of the address.
		opening.User.Name, opening.User.Profile = "", nil
	}
	opening.User.EmailVerifiedAt = s.Clock().UTC()
	commit := func(ctx context.Context, event audit.Event) error { return s.prove(ctx, u, keep, event) }
	if u.signUp == nil {
		opening.User.AuthEpoch++
	} else {
		if s.Rules.Approval {
			opening.User.AwaitsApprovalSince = opening.User.EmailVerifiedAt
		}
		commit = func(ctx context.Context, event audit.Event) error { return s.create(ctx, u, opening.User, keep, event) }
	}
	signedIn, err := s.Accounts.Open(ctx, opening, func(ctx context.Context, event audit.Event) error {
		event.Action = audit.AddressConfirmed
		return commit(ctx, event.With("method", method))
	})
	if errors.Is(err, authcore.ErrConflict) {
		return Confirmed{}, authcore.ErrNotFound
	}
	if err != nil {
		return Confirmed{}, err
	}
	confirmed := Confirmed{SignedIn: signedIn, HasPassword: keep}
	if u.signUp != nil {
		confirmed.Passkey = u.signUp.Hash == ""
		confirmed.Anew = !keep && (u.user.Name != "" || len(u.user.Profile) > 0)
		s.Events.Emit(events.UserCreated, map[string]any{"user_id": u.user.ID})
		return confirmed, nil
	}
	if _, err := s.Sessions.RevokeAll(ctx, u.user.ID, signedIn.Session.ID); err != nil {
		return Confirmed{}, fmt.Errorf("ending older sessions: %w", err)
	}
	return confirmed, nil
}

// create makes the account of a sign-up.
func (s *Service) create(ctx context.Context, u unproven, user authcore.User, keep bool, event audit.Event) error {
	hash := u.signUp.Hash
	if !keep {
		hash = ""
	}
	return s.Store.Accept(ctx, u.token, user, hash, event)
}

// prove verifies the address of an account that is there already.
func (s *Service) prove(ctx context.Context, u unproven, keep bool, event audit.Event) error {
	ending, err := account.EndSessions(s.Sealer, account.Ending{UserID: u.user.ID, Except: event.TargetID, At: s.Clock()})
	if err != nil {
		return err
	}
	return s.Store.Confirm(ctx, u.token.Hash, u.user, keep, event, ending)
}

// Resend asks for another mail. It fails with *account.ThrottledError; whether
// anything waits makes no difference.
func (s *Service) Resend(ctx context.Context, w Waiting, client authcore.Client) error {
	a := asked{Client: client}
	if held, ok := s.openTicket(w.Cookie); ok {
		a.Ticket, a.Key = held.ID, held.Key
	}
	if w.Live != nil {
		user, _, err := s.Users.User(ctx, w.Live.Identity.UserID)
		if err != nil {
			return err
		}
		a.Ticket, a.Key = "", user.EmailKey
	}
	key, err := s.allow(ctx, a.Key, client)
	if err != nil {
		return err
	}
	a.Key = key
	return s.promise(ctx, ResendJob, a)
}
