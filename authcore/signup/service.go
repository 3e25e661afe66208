// Package signup lets people make accounts, and prove that the address is
// theirs before an app sees it.
//
// Sign-up gives the same answer whether or not the address is taken, and
// causes the same work: it is checked, the password is hashed, and all of it is
// put into the queue of jobs, to be looked at after the answer. The owner of a
// taken address is told by mail.
//
// Until the address is proven there is no account, only a token that holds what it
// will be: so nobody can tell one from the other by signing in, a stranger who
// signs up with an address keeps it from nobody, and what was never confirmed goes
// away with its token.
package signup

import (
	"context"
	"crypto/rand"
	"encoding/json"
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

// problem returns what keeps an address from signing up, or nothing. A domain without a
// dot is mistyped: hardly any mail gets there, unless the operator has named it, or it is
// this machine.
func (r Rules) problem(raw string) account.Problem {
	email, ok := account.ParseEmail(raw)
	_, domain, _ := strings.Cut(email.Key, "@")
	switch {
	case !ok: // told with what else is wrong
		return ""
	case !r.Allows(email):
		return account.ProblemEmailDomain
	case r.Mode != Domain && domain != "localhost" && !strings.Contains(domain, "."):
		return account.ProblemEmail
	default:
		return ""
	}
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
	// Passkey asks for an account without a password, to which a passkey is added
	// once the address is proven.
	Passkey bool
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
// whether the address is taken makes no difference. It counts before it hashes,
// or a flood of sign-ups would keep others from signing in.
func (s *Service) SignUp(ctx context.Context, in SignUp) (cookie string, err error) {
	if !s.Opened() {
		return "", authcore.ErrNotFound
	}
	if problem := s.Rules.problem(in.Email); problem != "" {
		return "", &account.InvalidError{Fields: map[string]account.Problem{"email": problem}}
	}
	user, err := s.Accounts.Draft(account.NewUser{
		Email: in.Email, Name: in.Name, Password: in.Password, NoPassword: in.Passkey, Profile: in.Profile,
	})
	if err != nil {
		return "", err
	}
	key, err := s.allow(ctx, user.EmailKey, in.Client)
	if err != nil {
		return "", err
	}
	hash := ""
	if !in.Passkey {
		if hash, err = s.Accounts.Hash(ctx, in.Password); err != nil {
			return "", err
		}
	}
	t := ticket{ID: rand.Text(), Key: user.EmailKey, Email: user.Email, Until: s.Clock().Add(confirmLife)}
	t.Password = t.digest(in.Password)
	if err := s.promise(ctx, SignUpJob, asked{Ticket: t.ID, Key: key, User: user, Hash: hash, Return: in.ReturnTo, Client: in.Client}); err != nil {
		return "", err
	}
	return s.sealTicket(t)
}

// allow counts a mail. Over the limit of the address it returns the key of no
// account, so that nothing is sent and the work is as ever.
func (s *Service) allow(ctx context.Context, key string, client authcore.Client) (string, error) {
	verdict, err := s.Guard.Mail(ctx, string(SignUpJob), key, client.IP)
	if err != nil || !verdict.Allowed {
		return "", account.Throttled(err)
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

// register sends the proof of a sign-up, or tells the owner of the address.
func (s *Service) register(ctx context.Context, j job.Job) error {
	a, user, found, err := s.look(ctx, j)
	if err != nil || a.Key == "" || found && user.Disabled() {
		return err
	}
	now := s.Clock()
	if found {
		letter, err := mail.NewJob(s.Sealer, mail.About(mail.Taken, user, a.Client, nil).LeadingTo("/login"), now)
		if err != nil {
			return err
		}
		return done(s.Store.Answer(ctx, j, letter))
	}
	t, letter, err := s.proofOf(pending{User: a.User, Hash: a.Hash}, a, now)
	if err != nil {
		return err
	}
	event := audit.New(now, audit.SignUp, a.Client).By(audit.ActorUser, a.User.ID).Of(a.User.ID)
	return done(s.Store.Propose(ctx, j, t, letter, event))
}

// resend sends another link and code: for the sign-up that counts, or for an
// account that an operator has made.
func (s *Service) resend(ctx context.Context, j job.Job) error {
	a, user, found, err := s.look(ctx, j)
	if err != nil {
		return err
	}
	now := s.Clock()
	if !found {
		return s.resendSignUp(ctx, j, a, now)
	}
	if user.EmailVerified() || user.Disabled() || a.Ticket != "" {
		return nil
	}
	t, letter, err := s.proof(user, a, now)
	if err != nil {
		return err
	}
	return done(s.Store.Reissue(ctx, j, t, letter))
}

func (s *Service) resendSignUp(ctx context.Context, j job.Job, a asked, now time.Time) error {
	old, err := s.Store.ConfirmToken(ctx, a.Ticket, "", now)
	if errors.Is(err, authcore.ErrNotFound) || err == nil && old.Address != a.Key {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := s.openPending(old)
	if err != nil {
		return err
	}
	t, letter, err := s.proofOf(p, a, now)
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

const (
	codePurpose    = "confirm-code"
	pendingPurpose = "sign-up-pending"
)

// pending is the payload of a sign-up's token: the account that it will be.
type pending struct {
	User authcore.User `json:"user"`
	// Hash is that of the password; empty for an account with a passkey.
	Hash string `json:"hash"`
	Code string `json:"code"`
}

func (s *Service) openPending(t token.Token) (p pending, err error) {
	plain, err := s.Sealer.Open(pendingPurpose, t.Payload, []byte(t.Address))
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	if err != nil {
		return p, fmt.Errorf("opening sign-up: %w", err)
	}
	return p, nil
}

// proofOf makes the token of a sign-up and the letter that takes it to the owner
// of the address.
func (s *Service) proofOf(p pending, a asked, now time.Time) (token.Token, job.Job, error) {
	secret, t := token.New(token.Confirm, "", now, confirmLife)
	p.Code = newCode()
	t.Address, t.SignUp = p.User.EmailKey, a.Ticket
	plain, err := json.Marshal(p)
	if err != nil {
		return t, job.Job{}, err
	}
	t.Payload = s.Sealer.Seal(pendingPurpose, plain, []byte(t.Address))
	letter, err := s.letter(p.User, p.Code, secret, a, now)
	return t, letter, err
}

// proof makes the token of an account and the letter that takes it to the
// owner.
func (s *Service) proof(user authcore.User, a asked, now time.Time) (token.Token, job.Job, error) {
	secret, t := token.New(token.Confirm, user.ID, now, confirmLife)
	code := newCode()
	t.Address = user.EmailKey
	t.Payload = s.Sealer.Seal(codePurpose, []byte(code), []byte(user.ID))
	letter, err := s.letter(user, code, secret, a, now)
	return t, letter, err
}

func (s *Service) letter(user authcore.User, code, secret string, a asked, now time.Time) (job.Job, error) {
	path := "/confirm/" + secret
	if a.Return != "" {
		path += "?return_to=" + url.QueryEscape(a.Return)
	}
	values := map[string]string{"code": code[:3] + " " + code[3:]}
	return mail.NewJob(s.Sealer, mail.About(mail.Confirm, user, a.Client, values).LeadingTo(path), now)
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
