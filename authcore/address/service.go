// Package address lets users change the e-mail address of their account. The
// new one counts once its owner has opened the link that was sent there, signed
// in to the account: so nobody can be made the owner of somebody else's account
// by a careless click. Until then the old one stays, and whoever reads its mail
// can stop the change.
package address

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/token"
)

// proposalLife is how long the links of a change work.
const proposalLife = 24 * time.Hour

// mailKind counts the mails of this package to strangers' addresses.
const mailKind = "change_email"

// Deps are what a Service is made of.
type Deps struct {
	Users    Users
	Tokens   Tokens
	Store    Store
	Accounts Accounts
	Sessions Sessions
	Guard    Guard
	// Allows says which addresses accounts may have.
	Allows func(account.Email) bool
	Sealer job.Sealer
	Events events.Sink
	Clock  authcore.Clock
}

// Service is what the pages call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Change is an address that a user wants.
type Change struct {
	Email string
	// Current is the password, if there is one.
	Current string
}

// proposed is the payload of both tokens of a change.
type proposed struct {
	Display string `json:"email"`
	Key     string `json:"key"`
}

// Ask sends a link to the new address and a notice to the old one. Whether the
// new one is that of another account makes no difference: its owner is told by
// mail. It fails with *account.InvalidError, *account.ThrottledError,
// *account.StaleError and account.ErrSignedOut.
func (s *Service) Ask(ctx context.Context, live *session.Live, change Change, client authcore.Client) error {
	email, ok := account.ParseEmail(change.Email)
	var problem account.Problem
	switch {
	case !ok:
		problem = account.ProblemEmail
	case !s.Allows(email):
		problem = account.ProblemEmailDomain
	}
	user, err := s.Accounts.Reprove(ctx, live, change.Current, client)
	var wrong *account.InvalidError
	switch {
	case errors.As(err, &wrong) && problem != "": // all that is wrong is told at once
		wrong.Fields["email"] = problem
		return wrong
	case err != nil:
		return err
	case problem != "":
		return invalid(problem)
	}
	if email.Key == user.EmailKey {
		return invalid(account.ProblemEmailSame)
	}
	verdict, err := s.Guard.Mail(ctx, mailKind, email.Key, client.IP)
	switch {
	case err != nil:
		return account.Throttled(err)
	case !verdict.Allowed: // what was sent before works still
		return &account.ThrottledError{RetryAfter: verdict.RetryAfter}
	}
	return s.propose(ctx, live, user, email, client)
}

func invalid(p account.Problem) error {
	return &account.InvalidError{Fields: map[string]account.Problem{"email": p}}
}

// propose stores a change that waits, with its letters.
func (s *Service) propose(ctx context.Context, live *session.Live, user authcore.User, email account.Email, client authcore.Client) error {
	now := s.Clock()
	payload, err := json.Marshal(proposed{email.Display, email.Key})
	if err != nil {
		return err
	}
	secret, change := token.New(token.ChangeEmail, user.ID, now, proposalLife)
	keepSecret, keep := token.New(token.KeepEmail, user.ID, now, proposalLife)
	change.Address, change.Payload = user.EmailKey, payload
	keep.Address, keep.Payload = user.EmailKey, payload

	letters := []mail.Letter{mail.About(mail.EmailChanging, user, client, map[string]string{"email": email.Display}).LeadingTo("/keep-email/" + keepSecret)}
	owner, _, err := s.Users.UserByEmail(ctx, email.Key)
	switch {
	case err != nil && !errors.Is(err, authcore.ErrNotFound):
		return fmt.Errorf("finding account: %w", err)
	case err == nil:
		letters = append(letters, mail.About(mail.Taken, owner, client, nil).LeadingTo("/login"))
	default:
		letter := mail.About(mail.ChangeEmail, user, client, nil).LeadingTo("/account/email/" + secret)
		letter.To = email.Display
		letters = append(letters, letter)
	}
	jobs := make([]job.Job, len(letters))
	for i, letter := range letters {
		if jobs[i], err = mail.NewJob(s.Sealer, letter, now); err != nil {
			return err
		}
	}
	event := audit.New(now, audit.EmailChangeRequest, client).By(audit.ActorUser, user.ID).Of(user.ID).On(live.ID)
	if err := s.Store.ProposeEmail(ctx, live.AuthEpoch, change, keep, event, jobs...); err != nil {
		return fmt.Errorf("storing change of address: %w", account.SignedOut(err))
	}
	return nil
}

// Pending returns the address that the signed-in user wants and has not
// confirmed yet; empty when there is none.
func (s *Service) Pending(ctx context.Context, live *session.Live) (string, error) {
	t, err := s.Store.ProposedEmail(ctx, live.Identity.UserID, s.Clock())
	if errors.Is(err, authcore.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	email, err := emailOf(t)
	return email.Display, err
}

// emailOf returns the new address that a token is about.
func emailOf(t token.Token) (account.Email, error) {
	var p proposed
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return account.Email{}, fmt.Errorf("reading token: %w", err)
	}
	return account.Email{Display: p.Display, Key: p.Key}, nil
}

// ErrOtherAccount says that a link is about another account than the one that
// is signed in.
var ErrOtherAccount = errors.New("the link is about another account")

// Check returns the new address that a link confirms, without using it up. It
// fails with authcore.ErrNotFound and ErrOtherAccount.
func (s *Service) Check(ctx context.Context, live *session.Live, secret string) (email string, err error) {
	_, _, wanted, err := s.open(ctx, token.ChangeEmail, secret)
	if err == nil && wanted.owner.ID != live.Identity.UserID {
		return "", ErrOtherAccount
	}
	return wanted.email.Display, err
}

// wanted is a change that a link is about.
type wanted struct {
	owner authcore.User
	email account.Email
}

func (s *Service) open(ctx context.Context, purpose token.Purpose, secret string) (hash []byte, t token.Token, w wanted, err error) {
	hash, ok := token.HashOf(secret)
	if !ok {
		return nil, t, w, authcore.ErrNotFound
	}
	if t, err = s.Tokens.Peek(ctx, hash, purpose, s.Clock()); err != nil {
		return nil, t, w, err
	}
	if w.owner, _, err = s.Users.User(ctx, t.UserID); err != nil {
		return nil, t, w, err
	}
	if w.owner.Disabled() || w.owner.EmailKey != t.Address {
		return nil, t, w, authcore.ErrNotFound
	}
	w.email, err = emailOf(t)
	return hash, t, w, err
}

// Confirm gives the account of the signed-in user its new address, ends its
// other sessions and gives this one a new token. It fails with
// authcore.ErrNotFound for a link that does not work (any more), ErrOtherAccount
// and authcore.ErrConflict when somebody else has the address by now.
func (s *Service) Confirm(ctx context.Context, live *session.Live, secret string, client authcore.Client) (account.SignedIn, error) {
	hash, _, w, err := s.open(ctx, token.ChangeEmail, secret)
	if err != nil {
		return account.SignedIn{}, err
	}
	if w.owner.ID != live.Identity.UserID {
		return account.SignedIn{}, ErrOtherAccount
	}
	now := s.Clock()
	ending, err := account.EndSessions(s.Sealer, account.Ending{UserID: w.owner.ID, Except: live.ID, At: now})
	if err != nil {
		return account.SignedIn{}, err
	}
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.EmailChanged, w.owner, client, map[string]string{"email": w.email.Display}), now)
	if err != nil {
		return account.SignedIn{}, err
	}
	// This session shows the address too, and may not get to Renew below.
	refresh, err := account.RefreshSessions(s.Sealer, w.owner.ID, now)
	if err != nil {
		return account.SignedIn{}, err
	}
	event := audit.New(now, audit.EmailChange, client).By(audit.ActorUser, w.owner.ID).Of(w.owner.ID).On(live.ID)
	changed, err := s.Store.ChangeEmail(ctx, hash, w.owner, w.email, event, letter, ending, refresh)
	if err != nil {
		return account.SignedIn{}, fmt.Errorf("changing address: %w", err)
	}
	s.Events.Emit(events.EmailChanged, map[string]any{"user_id": changed.ID})
	if _, err := s.Sessions.RevokeAll(ctx, changed.ID, live.ID); err != nil {
		return account.SignedIn{}, fmt.Errorf("the address is changed, but other sessions end only when the session store is back: %w", err)
	}
	return s.Accounts.Renew(ctx, live, changed)
}

// CheckKeep returns the new address that a link to the old one stops, without
// using it up. It fails with authcore.ErrNotFound.
func (s *Service) CheckKeep(ctx context.Context, secret string) (email string, err error) {
	_, _, w, err := s.open(ctx, token.KeepEmail, secret)
	return w.email.Display, err
}

// Keep stops a change by the link that was sent to the old address. It fails
// with authcore.ErrNotFound.
func (s *Service) Keep(ctx context.Context, secret string, client authcore.Client) error {
	hash, t, w, err := s.open(ctx, token.KeepEmail, secret)
	if err != nil {
		return err
	}
	event := audit.New(s.Clock(), audit.EmailChangeCancel, client).Of(w.owner.ID)
	return s.Store.KeepEmail(ctx, hash, t.UserID, event)
}

// Withdraw stops a change of the signed-in user's own.
func (s *Service) Withdraw(ctx context.Context, live *session.Live, client authcore.Client) error {
	userID := live.Identity.UserID
	event := audit.New(s.Clock(), audit.EmailChangeCancel, client).By(audit.ActorUser, userID).Of(userID).On(live.ID)
	err := s.Store.KeepEmail(ctx, nil, userID, event)
	if errors.Is(err, authcore.ErrNotFound) {
		return nil // nothing waits
	}
	return err
}
