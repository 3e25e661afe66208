package org_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/profile"
	"github.com/sigra-auth/sigra/authcore/secret"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/local"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

const good = "correct horse battery staple"

var client = authcore.Client{IP: "192.0.2.1", UserAgent: "test", Site: "https://app.example", Portal: "https://app.example/_auth"}

// operator is whoever has the command line.
var operator org.Actor

// world is the service over real parts, with a clock and a DNS that tests change.
type world struct {
	*org.Service
	t        testing.TB
	db       *sqlstore.DB
	accounts *account.Service
	sessions *session.Manager
	box      *secret.Box
	places   *org.Workspaces
	skew     atomic.Int64
	mu       sync.Mutex
	events   []events.Name
	dns      map[string][]string
}

func (w *world) Emit(name events.Name, _ map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, name)
}

// LookupTXT implements org.Resolver.
func (w *world) LookupTXT(_ context.Context, name string) ([]string, error) {
	if records, ok := w.dns[name]; ok {
		return records, nil
	}
	return nil, errors.New("no such host")
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }

func (w *world) pass(d time.Duration) { w.skew.Add(int64(d)) }

func newWorld(t testing.TB, change ...func(*org.Config)) *world {
	t.Helper()
	w := &world{t: t, dns: make(map[string][]string)}
	var err error
	w.db, err = sqlstore.OpenSQLite(filepath.Join(t.TempDir(), "test.db"), sqlstore.Options{Clock: w.now})
	w.check(err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.check(w.db.Migrate(t.Context()))
	w.box, err = secret.NewBox(bytes.Repeat([]byte{7}, 32))
	w.check(err)
	config := org.DefaultConfig()
	config.Creation = org.CreationAnyone
	for _, f := range change {
		f(&config)
	}
	logger, orgs := slog.New(slog.DiscardHandler), w.db.Orgs()
	w.sessions = session.New(session.Options{Store: w.db.Sessions(), Bus: new(local.Bus), Settings: session.DefaultSettings(), Clock: w.now, Logger: logger})
	w.places = &org.Workspaces{Config: config, Orgs: orgs, Members: orgs, Users: w.db, Clock: w.now}
	w.accounts = account.New(account.Deps{
		Users: w.db, Ledger: w.db, Tokens: w.db, Browsers: w.db, Passkeys: w.db, Queue: w.db.Jobs(), Sessions: w.sessions, Sealer: w.box, Events: w, Clock: w.now, Logger: logger,
		Orgs:      w.places,
		Passwords: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, password.Limits{}),
		Guard:     throttle.NewGuard(local.NewThrottle(w.now), throttle.DefaultLimits()), Fields: profile.Fields{},
		Usable: func(string) bool { return true },
	})
	w.Service = org.New(org.Deps{
		Config: config, Orgs: orgs, Members: orgs, MemberChanges: orgs, Invitations: orgs, Domains: orgs, Joining: orgs, Users: w.db, Accounts: w.accounts, Sessions: w.sessions,
		Notes: w.db, Resolver: w, Sealer: w.box, Events: w, Clock: w.now,
	})
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// fails reports an error that is not the one to expect.
func (w *world) fails(what string, err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		w.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// refuses reports that a field was not found to be wrong.
func (w *world) refuses(what string, err error, field string, problem account.Problem) {
	w.t.Helper()
	var invalid *account.InvalidError
	if !errors.As(err, &invalid) || invalid.Fields[field] != problem {
		w.t.Errorf("%s: %v, want %s on %s", what, err, problem, field)
	}
}

// person is somebody with an account and a browser.
type person struct {
	w     *world
	user  authcore.User
	token session.Token
}

// person makes an account with a name at example.com, and signs in.
func (w *world) person(name string, change ...func(*account.NewUser)) *person {
	w.t.Helper()
	in := account.NewUser{Email: name + "@example.com", Password: good, Verified: true}
	for _, f := range change {
		f(&in)
	}
	user, err := w.accounts.Add(w.t.Context(), in)
	w.check(err)
	p := &person{w: w, user: user}
	p.signIn()
	return p
}

func (p *person) signIn() {
	p.w.t.Helper()
	signedIn, err := p.w.accounts.SignIn(p.w.t.Context(), account.SignIn{Email: p.user.Email, Password: good, Client: client})
	p.w.check(err)
	p.token = signedIn.Token
}

// live is the session as the next request finds it.
func (p *person) live() *session.Live {
	p.w.t.Helper()
	live, err := p.w.sessions.Resume(p.w.t.Context(), p.token)
	p.w.check(err)
	return live
}

func (p *person) actor() org.Actor {
	p.w.t.Helper()
	return org.Actor{Live: p.live(), Client: client}
}

// in returns the organization and role that the session acts in, as slug:role.
func (p *person) in() string {
	p.w.t.Helper()
	o := p.live().Identity.Org
	return o.Slug + ":" + o.Role
}

// org makes an organization with an owner, and members by their roles.
func (w *world) org(slug string, owner *person, others map[*person]string) org.Org {
	w.t.Helper()
	o, err := w.Create(w.t.Context(), operator, org.NewOrg{Name: "The " + slug, Slug: slug, Owner: owner.user.ID})
	w.check(err)
	for p, role := range others {
		w.check(w.Add(w.t.Context(), operator, slug, p.user.ID, role))
	}
	return o
}

// trail are the events of an organization, the newest first.
func (w *world) trail(orgID string) []audit.Event {
	w.t.Helper()
	list, err := w.db.Orgs().Events(w.t.Context(), orgID, "", 1000)
	w.check(err)
	return list
}

// noted reports whether the newest event of an organization is the right one, less
// those that follow from it.
func (w *world) noted(orgID string, action audit.Action, by *person) {
	w.t.Helper()
	trail := w.trail(orgID)
	e := trail[slices.IndexFunc(trail, func(e audit.Event) bool { return e.Action != audit.OrgReassign })]
	actor, id := audit.ActorOperator, ""
	if by != nil {
		actor, id = audit.ActorUser, by.user.ID
	}
	if e.Action != action || e.ActorType != actor || e.ActorID != id || e.OrgID != orgID {
		w.t.Errorf("noted %+v, want %s by %s %s", e, action, actor, id)
	}
}

// letters are the mails of a kind that wait to be sent, the oldest first.
func (w *world) letters(kind mail.Kind) (letters []mail.Letter) {
	w.t.Helper()
	jobs, err := w.db.Jobs().List(w.t.Context(), 10000, mail.JobKind)
	w.check(err)
	slices.SortFunc(jobs, func(a, b job.Job) int { return strings.Compare(a.ID, b.ID) })
	for _, j := range jobs {
		var l mail.Letter
		w.check(j.Payload(w.box, &l))
		if l.Kind == kind {
			letters = append(letters, l)
		}
	}
	return letters
}

// last is the newest mail of a kind.
func (w *world) last(kind mail.Kind) mail.Letter {
	w.t.Helper()
	letters := w.letters(kind)
	if len(letters) == 0 {
		w.t.Fatalf("no mail of the kind %s", kind)
	}
	return letters[len(letters)-1]
}

// members returns who belongs to an organization, as addresses by role.
func (w *world) members(slug string) map[string]string {
	w.t.Helper()
	list, err := w.ListMembers(w.t.Context(), operator, slug, "", "")
	w.check(err)
	members := make(map[string]string)
	for _, m := range list.Members {
		members[m.Email] = m.Role
	}
	return members
}

// state is all that an organization holds, as a text to compare.
func (w *world) state(o org.Org) string {
	w.t.Helper()
	ctx, store := w.t.Context(), w.db.Orgs()
	members, err := store.Members(ctx, o.ID, "", "", 1000)
	w.check(err)
	invitations, err := store.Invitations(ctx, o.ID, w.now())
	w.check(err)
	domains, err := store.Domains(ctx, o.ID)
	w.check(err)
	requests, err := store.Requests(ctx, o.ID, "", 1000)
	w.check(err)
	st, err := store.Find(ctx, o.Slug, "")
	w.check(err)
	return fmt.Sprint(st, members, invitations, domains, requests, len(w.trail(o.ID)))
}

// visiting is somebody who opens a link; nobody is signed out.
func (p *person) visiting() org.Actor {
	if p == nil {
		return org.Actor{Client: client}
	}
	return p.actor()
}
