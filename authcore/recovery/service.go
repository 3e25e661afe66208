// Package recovery lets people in who have no password at hand: by a link that
// signs in, and by one that leads to a new password.
//
// Whoever asks for a link gets the same answer whether or not there is an
// account, and causes the same work: the request is put into the queue of jobs
// as it came, and is looked at after the answer.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
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

const (
	// signInLife is how long a link that signs in works.
	signInLife = 10 * time.Minute
	// resetLife is how long a link to a new password works.
	resetLife = time.Hour
)

// The kinds of the jobs that look at a request.
const (
	SignInLinkJob job.Kind = "sign_in_link"
	ResetJob      job.Kind = "reset"
)

// Deps are what a Service is made of.
type Deps struct {
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

// Ask is a request for a link, by anybody.
type Ask struct {
	Email string
	// ReturnTo is where a link leads in the end; may be empty.
	ReturnTo string
	// Devices are the values of known-device cookies, if any.
	Devices []string
	Client  authcore.Client
}

// asked is an Ask as it waits in the queue.
type asked struct {
	Key      string          `json:"key"`
	ReturnTo string          `json:"return_to,omitempty"`
	Client   authcore.Client `json:"client"`
	// Known are marks of which the account must know one; none means that anybody
	// may have asked.
	Known []account.Mark `json:"known,omitempty"`
}

// AskSignInLink asks for a link that signs in. It fails with
// *account.InvalidError for what is no address and *account.ThrottledError for
// a client network that asks too often; whether there is an account makes no
// difference.
func (s *Service) AskSignInLink(ctx context.Context, a Ask) error {
	return s.ask(ctx, SignInLinkJob, a)
}

// AskReset asks for a link to a new password. Errors are as for
// [Service.AskSignInLink].
func (s *Service) AskReset(ctx context.Context, a Ask) error { return s.ask(ctx, ResetJob, a) }

func (s *Service) ask(ctx context.Context, kind job.Kind, a Ask) error {
	email, ok := account.ParseEmail(a.Email)
	if !ok {
		return &account.InvalidError{Fields: map[string]account.Problem{"email": account.ProblemEmail}}
	}
	now := s.Clock()
	marks := account.Marks(s.Sealer, a.Devices, now)
	grant, err := s.Guard.Recovery(ctx, asking(kind, email, a.Client, marks))
	if err != nil {
		return account.Throttled(err)
	}
	payload := asked{Key: email.Key, ReturnTo: a.ReturnTo, Client: a.Client}
	if !grant.Anybody {
		payload.Known = slices.DeleteFunc(marks, func(m account.Mark) bool { return !slices.Contains(grant.Devices, m.ID) })
	}
	if !grant.Anybody && len(payload.Known) == 0 {
		payload.Key = "" // of no account; the work is as ever
	}
	j, err := job.New(s.Sealer, kind, payload, now)
	if err != nil {
		return err
	}
	if err := s.Queue.Add(ctx, j); err != nil {
		return fmt.Errorf("queueing request: %w", err)
	}
	return nil
}

// asking is what counts a request.
func asking(kind job.Kind, email account.Email, client authcore.Client, marks []account.Mark) throttle.Asking {
	a := throttle.Asking{Kind: string(kind), Address: email.Key, IP: client.IP}
	for _, m := range marks {
		a.Devices = append(a.Devices, m.ID)
	}
	return a
}

// admits reports whether a link may be sent to a user.
func (a asked) admits(user authcore.User) bool {
	return !user.Disabled() && (len(a.Known) == 0 || slices.ContainsFunc(a.Known, func(m account.Mark) bool { return m.Counts(user) }))
}

// Handlers do the jobs.
func (s *Service) Handlers() map[job.Kind]job.Handler {
	return map[job.Kind]job.Handler{
		SignInLinkJob: s.answer(link{token.SignIn, signInLife, mail.SignInLink, "/magic/", audit.SignInLinkSent}),
		ResetJob:      s.answer(link{token.Reset, resetLife, mail.Reset, "/reset/", audit.ResetSent}),
	}
}

// link is what a kind of request is answered with.
type link struct {
	purpose token.Purpose
	life    time.Duration
	letter  mail.Kind
	path    string
	action  audit.Action
}

// answer looks at a request and sends its link, if there is an account.
func (s *Service) answer(l link) job.Handler {
	return func(ctx context.Context, j job.Job) error {
		var a asked
		if err := j.Payload(s.Sealer, &a); err != nil {
			return err
		}
		user, _, err := s.Users.UserByEmail(ctx, a.Key)
		if errors.Is(err, authcore.ErrNotFound) || err == nil && !a.admits(user) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("finding account: %w", err)
		}
		now := s.Clock()
		secret, t := token.New(l.purpose, user.ID, now, l.life)
		t.Address = user.EmailKey
		path := l.path + secret
		if a.ReturnTo != "" {
			path += "?return_to=" + url.QueryEscape(a.ReturnTo)
		}
		letter, err := mail.NewJob(s.Sealer, mail.About(l.letter, user, a.Client, nil).LeadingTo(path), now)
		if err != nil {
			return err
		}
		event := audit.New(now, l.action, a.Client).Of(user.ID)
		err = s.Store.IssueLink(ctx, j, t, letter, event)
		if errors.Is(err, authcore.ErrNotFound) {
			return nil // another node has done it
		}
		return err
	}
}

// Check returns the address of the account that a link opens, without using it up:
// authcore.ErrNotFound when it does not work (any more).
func (s *Service) Check(ctx context.Context, purpose token.Purpose, secret string) (email string, err error) {
	user, _, err := s.owner(ctx, purpose, secret)
	return user.Email, err
}

// owner returns the account of a link that works.
func (s *Service) owner(ctx context.Context, purpose token.Purpose, secret string) (authcore.User, []byte, error) {
	hash, ok := token.HashOf(secret)
	if !ok {
		return authcore.User{}, nil, authcore.ErrNotFound
	}
	t, err := s.Tokens.Peek(ctx, hash, purpose, s.Clock())
	if err != nil {
		return authcore.User{}, nil, err
	}
	user, _, err := s.Users.User(ctx, t.UserID)
	if err == nil && (user.Disabled() || user.EmailKey != t.Address) {
		err = authcore.ErrNotFound
	}
	return user, hash, err
}

// SignIn uses a link that signs in. It fails with authcore.ErrNotFound when it
// does not work (any more).
func (s *Service) SignIn(ctx context.Context, secret string, remember bool, client authcore.Client) (account.SignedIn, error) {
	user, hash, err := s.owner(ctx, token.SignIn, secret)
	if err != nil {
		return account.SignedIn{}, err
	}
	opening := account.Opening{User: user, Factor: authcore.Factor{Kind: authcore.FactorLink}, Remember: remember, Client: client}
	fresh := !user.EmailVerified()
	if fresh { // it is as soon as the link is used
		opening.User.EmailVerifiedAt = s.Clock().UTC()
		opening.User.AuthEpoch++
	}
	signedIn, err := s.Accounts.Open(ctx, opening, func(ctx context.Context, event audit.Event) error {
		if !fresh {
			return s.Store.UseSignInLink(ctx, hash, user, event)
		}
		ending, err := account.EndSessions(s.Sealer, account.Ending{UserID: user.ID, Except: event.TargetID, At: s.Clock()})
		if err != nil {
			return err
		}
		return s.Store.UseSignInLink(ctx, hash, user, event, ending)
	})
	if errors.Is(err, authcore.ErrConflict) {
		return account.SignedIn{}, authcore.ErrNotFound
	}
	if err == nil && fresh {
		// Whoever signed up with an address of others is out.
		if _, err := s.Sessions.RevokeAll(ctx, user.ID, signedIn.Session.ID); err != nil {
			return account.SignedIn{}, fmt.Errorf("ending older sessions: %w", err)
		}
	}
	return signedIn, err
}

// Reset uses a link to a new password, which ends all sessions and all other
// links of the account. It fails with *account.InvalidError for a bad password,
// which uses nothing up, and authcore.ErrNotFound for a link that does not work
// (any more).
func (s *Service) Reset(ctx context.Context, secret, password string, client authcore.Client) error {
	user, hash, err := s.owner(ctx, token.Reset, secret)
	if err != nil {
		return err
	}
	passwordHash, err := s.Accounts.NewPassword(ctx, user, password)
	if err != nil {
		return err
	}
	now := s.Clock()
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.PasswordChanged, user, client, nil).LeadingTo("/reset"), now)
	if err != nil {
		return err
	}
	ending, err := account.EndSessions(s.Sealer, account.Ending{UserID: user.ID, At: now})
	if err != nil {
		return err
	}
	event := audit.New(now, audit.ResetComplete, client).By(audit.ActorUser, user.ID).Of(user.ID)
	err = s.Store.ResetPassword(ctx, hash, user, passwordHash, event, letter, ending)
	if errors.Is(err, authcore.ErrConflict) {
		return authcore.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("resetting password: %w", err)
	}
	s.Events.Emit(events.PasswordSet, map[string]any{"user_id": user.ID})
	s.Accounts.Forgive(ctx, user)
	if _, err := s.Sessions.RevokeAll(ctx, user.ID, ""); err != nil {
		return fmt.Errorf("the password is set, but old sessions end only when the session store is back: %w", err)
	}
	return nil
}
