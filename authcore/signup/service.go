// Package signup lets people make accounts, and prove that the address is
// theirs before an app sees it.
//
// Sign-up gives the same answer whether or not the address is taken, and
// causes the same work: it is checked, the password is hashed, and all of it is
// put into the queue of jobs, to be looked at after the answer. The owner of a
// taken address is told by mail.
package signup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/authcore/token"
)

// confirmLife is how long link, code and ticket work.
const confirmLife = 48 * time.Hour

// The kinds of the jobs that look at a sign-up.
const (
	SignUpJob job.Kind = "sign_up"
	ResendJob job.Kind = "confirm_resend"
)

// Mode says who may sign up.
type Mode string

// The modes.
const (
	// Closed is nobody: operators make accounts.
	Closed Mode = "closed"
	// Open is everybody.
	Open Mode = "open"
	// Domain is everybody with an address in one of some domains.
	Domain Mode = "domain"
	// Invite is whoever an operator has invited.
	Invite Mode = "invite"
)

// Rules say who may sign up.
type Rules struct {
	Mode Mode
	// Domains are lower case, in A-labels, for the mode Domain.
	Domains []string
	// Approval holds new accounts until an operator accepts them. Those who were
	// invited have been accepted.
	Approval bool
}

// Allows reports whether accounts may have an address.
func (r Rules) Allows(email account.Email) bool {
	_, domain, _ := strings.Cut(email.Key, "@")
	return r.Mode != Domain || slices.Contains(r.Domains, domain)
}

// Deps are what a Service is made of.
type Deps struct {
	Rules    Rules
	Users    Users
	Tokens   Tokens
	Store    Store
	Queue    Queue
	Accounts Accounts
	Sessions Sessions
	Guard    Guard
	Sealer   job.Sealer
	Events   events.Sink
	Clock    authcore.Clock
}

// Service is what the pages and the worker call.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Opened reports whether anybody can sign up at all.
func (s *Service) Opened() bool { return s.Rules.Mode == Open || s.Rules.Mode == Domain }

// SignUp is an account that somebody asks for.
type SignUp struct {
	Email    string
	Name     string
	Password string
	// Profile are the values of the operator's fields.
	Profile map[string]string
	// ReturnTo is where the link in the mail leads in the end; may be empty.
	ReturnTo string
	Client   authcore.Client
}

// asked is a sign-up as it waits in the queue.
type asked struct {
	Ticket string          `json:"ticket"`
	Key    string          `json:"key"`
	User   authcore.User   `json:"user"`
	Hash   string          `json:"hash"`
	Return string          `json:"return_to,omitempty"`
	Client authcore.Client `json:"client"`
}

// SignUp takes a sign-up and returns the ticket for the browser. It fails with
// authcore.ErrNotFound when nobody can sign up, *account.InvalidError for bad
// fields and *account.ThrottledError for a client network that asks too often;
// whether the address is taken makes no difference.
func (s *Service) SignUp(ctx context.Context, in SignUp) (cookie string, err error) {
	if !s.Opened() {
		return "", authcore.ErrNotFound
	}
	if email, ok := account.ParseEmail(in.Email); ok && !s.Rules.Allows(email) {
		return "", &account.InvalidError{Fields: map[string]account.Problem{"email": account.ProblemEmailDomain}}
	}
	user, hash, err := s.Accounts.Prepare(ctx, account.NewUser{
		Email: in.Email, Name: in.Name, Password: in.Password, Language: in.Client.Language, Profile: in.Profile,
	})
	if err != nil {
		return "", err
	}
	key, err := s.allow(ctx, user.EmailKey, in.Client)
	if err != nil {
		return "", err
	}
	t := ticket{ID: rand.Text(), Key: user.EmailKey, Email: user.Email, Until: s.Clock().Add(confirmLife)}
	in.Client.UserAgent = "" // of any length, and of no use here
	if err := s.promise(ctx, SignUpJob, asked{Ticket: t.ID, Key: key, User: user, Hash: hash, Return: in.ReturnTo, Client: in.Client}); err != nil {
		return "", err
	}
	return s.sealTicket(t)
}

// allow counts a mail. Over the limit of the address it returns the key of no
// account, so that nothing is sent and the work is as ever.
func (s *Service) allow(ctx context.Context, key string, client authcore.Client) (string, error) {
	allowed, err := s.Guard.Mail(ctx, string(SignUpJob), key, client.IP)
	var exceeded *throttle.Exceeded
	switch {
	case errors.As(err, &exceeded):
		return "", &account.ThrottledError{RetryAfter: exceeded.RetryAfter}
	case err != nil:
		return "", fmt.Errorf("counting request: %w", err)
	case !allowed:
		return "", nil
	}
	return key, nil
}

func (s *Service) promise(ctx context.Context, kind job.Kind, payload asked) error {
	j, err := job.New(s.Sealer, kind, payload, s.Clock())
	if err != nil {
		return err
	}
	if err := s.Queue.Add(ctx, j); err != nil {
		return fmt.Errorf("queueing request: %w", err)
	}
	return nil
}

// Handlers do the jobs.
func (s *Service) Handlers() map[job.Kind]job.Handler {
	return map[job.Kind]job.Handler{SignUpJob: s.register, ResendJob: s.resend}
}

// register makes the account of a sign-up, or tells the owner of the address.
func (s *Service) register(ctx context.Context, j job.Job) error {
	a, user, found, err := s.look(ctx, j)
	if err != nil || a.Key == "" {
		return err
	}
	now := s.Clock()
	if found && user.Disabled() {
		return nil
	}
	if found && user.EmailVerified() {
		letter, err := mail.NewJob(s.Sealer, mail.About(mail.Taken, user, a.Client, nil).LeadingTo("/login"), now)
		if err != nil {
			return err
		}
		return done(s.Store.Answer(ctx, j, letter))
	}
	asks := a.User
	if s.Rules.Approval {
		asks.AwaitsApprovalSince = now
	}
	if found { // never confirmed: whoever signs up last may
		asks.ID, asks.AuthEpoch = user.ID, user.AuthEpoch
	}
	t, letter, err := s.proof(asks, a, now)
	if err != nil {
		return err
	}
	event := audit.New(now, audit.SignUp, a.Client).By(audit.ActorUser, asks.ID).Of(asks.ID)
	if err := s.Store.Register(ctx, j, asks, a.Hash, t, letter, event); err != nil {
		return done(err)
	}
	if found {
		if _, err := s.Sessions.RevokeAll(ctx, asks.ID, ""); err != nil {
			return err
		}
	}
	s.Events.Emit(events.UserCreated, map[string]any{"user_id": asks.ID})
	return nil
}

// resend sends another link and code for a sign-up that waits for its proof.
func (s *Service) resend(ctx context.Context, j job.Job) error {
	a, user, found, err := s.look(ctx, j)
	if err != nil || !found || user.EmailVerified() || user.Disabled() {
		return err
	}
	if a.Ticket != "" { // of a browser: only of the sign-up that counts
		t, err := s.Store.ConfirmToken(ctx, a.Ticket, "", time.Time{})
		if errors.Is(err, authcore.ErrNotFound) || err == nil && t.UserID != user.ID {
			return nil
		}
		if err != nil {
			return err
		}
	}
	t, letter, err := s.proof(user, a, s.Clock())
	if err != nil {
		return err
	}
	return done(s.Store.Reissue(ctx, j, t, letter))
}

// look opens a job and finds the account behind its address.
func (s *Service) look(ctx context.Context, j job.Job) (a asked, user authcore.User, found bool, err error) {
	if err := j.Payload(s.Sealer, &a); err != nil {
		return a, user, false, err
	}
	user, _, err = s.Users.UserByEmail(ctx, a.Key)
	if errors.Is(err, authcore.ErrNotFound) {
		return a, user, false, nil
	}
	return a, user, err == nil, err
}

const codePurpose = "confirm-code"

// proof makes the token of an account and the letter that takes it to the
// owner.
func (s *Service) proof(user authcore.User, a asked, now time.Time) (token.Token, job.Job, error) {
	secret, t := token.New(token.Confirm, user.ID, now, confirmLife)
	code := newCode()
	t.Address, t.SignUp = user.EmailKey, a.Ticket
	t.Payload = s.Sealer.Seal(codePurpose, []byte(code), []byte(user.ID))
	path := "/confirm/" + secret
	if a.Return != "" {
		path += "?return_to=" + url.QueryEscape(a.Return)
	}
	values := map[string]string{"code": code[:3] + " " + code[3:]}
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.Confirm, user, a.Client, values).LeadingTo(path), now)
	return t, letter, err
}

// newCode returns six random digits.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // never fails since Go 1.24
	}
	return fmt.Sprintf("%06d", n)
}

// done is the end of a job that another node may have done.
func done(err error) error {
	if errors.Is(err, authcore.ErrNotFound) {
		return nil
	}
	return err
}
