// Package caddymodule makes Sigra a Caddy module: it turns configuration into
// values of authcore and requests into questions to it. It is the only package
// that imports Caddy.
package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/assertion"
	"github.com/sigra-auth/sigra/ui"
)

func init() { caddy.RegisterModule(new(App)) }

// appID is the one word for the app, the global option, the directive and the
// command.
const appID = "sigra"

// App is the authentication gateway. It keeps accounts, sessions and keys; the
// handlers of the sites ask it. An empty configuration is a working gateway of
// one node: SQLite below Caddy's data directory, sessions in the same
// database, secrets made and kept, mail to the log.
type App struct {
	// StorageRaw is where identity is kept. Default: sqlite.
	StorageRaw json.RawMessage `json:"storage,omitempty" caddy:"namespace=sigra.storage inline_key=driver"`
	// SessionsRaw is where sessions are kept. Default: database. Several nodes
	// need redis.
	SessionsRaw json.RawMessage `json:"sessions,omitempty" caddy:"namespace=sigra.session_store inline_key=driver"`
	// MailerRaw is how mail is sent. Default: log.
	MailerRaw json.RawMessage `json:"mailer,omitempty" caddy:"namespace=sigra.mailer inline_key=driver"`
	// Secret is the master secret, 32 bytes in base64, as a placeholder such as
	// {env.SIGRA_SECRET}. Default: made once and kept in Caddy's storage. All
	// nodes that share a database need the same one.
	Secret string `json:"secret,omitempty"`
	// Origins are the public origins of sites whose host does not tell them.
	Origins []string `json:"origins,omitempty"`

	Session   SessionConfig   `json:"session,omitzero"`
	Cookie    CookieConfig    `json:"cookie,omitzero"`
	Password  PasswordConfig  `json:"password,omitzero"`
	Throttle  ThrottleConfig  `json:"throttle,omitzero"`
	Assertion AssertionConfig `json:"assertion,omitzero"`
	SignUp    SignUpConfig    `json:"signup,omitzero"`
	Orgs      OrgsConfig      `json:"orgs,omitzero"`
	Deletion  DeletionConfig  `json:"deletion,omitzero"`
	MFA       *MFAConfig      `json:"mfa,omitempty"`
	Passkeys  PasskeysConfig  `json:"passkeys,omitzero"`
	Brand     BrandConfig     `json:"brand,omitzero"`
	// ProfileFields are what users are asked for at sign-up and in their
	// account.
	ProfileFields []ProfileField `json:"profile_fields,omitempty"`
	// Templates is a directory whose files replace the page templates of the
	// same name.
	Templates string `json:"templates,omitempty"`
	// Messages is a directory whose files replace messages.
	Messages string `json:"messages,omitempty"`

	ctx       caddy.Context
	logger    *slog.Logger
	master    masterSecret
	mailer    Mailer
	engine    *engine
	trouble   atomic.Pointer[string] // why the engine has not started
	engineKey string
	observer  *observer
	services
	pages    *ui.Handler
	hosts    hostSet
	locate   sync.Once
	stripped *nameSet
	stop     context.CancelFunc
	worked   chan struct{} // closed when no job is under way any more
	tuned    *tuning
	checkup  checkup
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: appID, New: func() caddy.Module { return new(App) }}
}

// Provision builds the gateway without connecting to anything.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.logger, a.stripped = ctx, ctx.Slogger(), newNameSet()
	if err := a.hosts.addOrigins(a.Origins); err != nil {
		return err
	}
	a.stripped.add(a.fieldHeaders()...)
	a.Passkeys.normalize()
	storage, sessions, err := a.loadGuests(ctx)
	if err != nil {
		return err
	}
	if a.master, err = newMasterSecret(a.Secret, ctx.Storage()); err != nil {
		return err
	}
	if a.observer, err = newObserver(ctx); err != nil {
		return err
	}
	key := storage.PoolKey() + "|" + sessions.PoolKey() + "|" + a.master.poolKey()
	loaded, _, err := engines.LoadOrNew(key, func() (caddy.Destructor, error) {
		return newEngine(storage, sessions, a.Session.settings())
	})
	if err != nil {
		return fmt.Errorf("opening stores: %w", err)
	}
	// Only now: Cleanup must not release what was never taken, or a rejected
	// reload would close the stores of the running configuration.
	a.engineKey, a.engine = key, loaded.(*engine)
	for _, c := range []prometheus.Collector{sessionCollector{a.engine}, jobCollector{a.engine}} {
		if err := register(ctx, c); err != nil {
			return err
		}
	}
	a.services = a.newServices()
	a.pages, err = a.newPages()
	return err
}

// loadGuests loads the replaceable parts, or their defaults.
func (a *App) loadGuests(ctx caddy.Context) (Storage, SessionStore, error) {
	storage, err := loadGuest[Storage](ctx, a, "StorageRaw", a.StorageRaw, "sigra.storage.sqlite")
	if err != nil {
		return nil, nil, err
	}
	sessions, err := loadGuest[SessionStore](ctx, a, "SessionsRaw", a.SessionsRaw, "sigra.session_store.database")
	if err != nil {
		return nil, nil, err
	}
	a.mailer, err = loadGuest[Mailer](ctx, a, "MailerRaw", a.MailerRaw, "sigra.mailer.log")
	return storage, sessions, err
}

func loadGuest[T any](ctx caddy.Context, a *App, field string, raw json.RawMessage, fallback string) (T, error) {
	var guest any
	var err error
	if raw == nil {
		guest, err = ctx.LoadModuleByID(fallback, nil)
	} else {
		guest, err = ctx.LoadModule(a, field)
	}
	if err != nil {
		return *new(T), fmt.Errorf("loading %s: %w", field, err)
	}
	typed, ok := guest.(T)
	if !ok {
		return *new(T), fmt.Errorf("module %T cannot be used as %s", guest, field)
	}
	return typed, nil
}

// Validate checks values that parsing cannot.
func (a *App) Validate() error {
	if n := a.Assertion; time.Duration(n.TTL) > 5*time.Minute {
		return errors.New("assertion: ttl must be at most 5m, so that a revoked session cannot be asserted for long")
	}
	if alg := a.Assertion.Algorithm; alg != "" && alg != "ES256" && alg != "EdDSA" {
		return fmt.Errorf("assertion: algorithm must be ES256 or EdDSA, not %q", alg)
	}
	return errors.Join(a.Session.validate(), a.Cookie.validate(), a.Password.validate(), a.SignUp.validate(), a.Orgs.validate(), a.Deletion.validate(), a.MFA.validate(), a.MFA.validateRoles(a.Orgs), a.Passkeys.validate(), a.validateFields())
}

// startTimeout bounds the first attempt to reach the stores at a start.
const startTimeout = 20 * time.Second

// Start connects. A store that is away does not keep Caddy from starting: it
// is tried again until it is there, and requests meanwhile get 503.
func (a *App) Start() error {
	if err := a.sites().trouble; err != nil { // known only when all routes are
		return err
	}
	running.add(a)
	a.tuned = a.engine.tune(a.tuning())
	a.engine.sessions.RefreshWith(a.accounts.Refresh)
	ctx, cancel := context.WithCancel(context.Background())
	a.stop, a.worked = cancel, make(chan struct{})
	go func() {
		defer close(a.worked)
		a.work(ctx)
	}()
	err := a.open(ctx)
	if errors.Is(err, authcore.ErrUnavailable) {
		a.logger.Error("sigra cannot reach its stores and answers 503 until it can", slog.Any("error", err))
		go a.keepOpening(ctx)
		return nil
	}
	if err != nil {
		// Caddy stops the apps that have started, and cleans this one up only.
		_ = a.Stop() // it never fails
	}
	return err
}

// open starts the engine and shows the set-up link when there is no account.
func (a *App) open(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			text := err.Error()
			a.trouble.Store(&text)
		}
	}()
	if !a.engine.isReady() { // else a reload needs nothing of Caddy's storage
		master, err := a.master.load(ctx, a.engine.db.Used)
		if err != nil {
			return err
		}
		if err := a.engine.start(ctx, master, a.keySchedule()); err != nil {
			return err
		}
	}
	if !a.serves() || a.engine.offered.Load() {
		return nil
	}
	settled, err := a.offerSetUp(ctx)
	a.engine.offered.Store(settled) // else it is owed: the next try, or the next configuration, shows it
	return err
}

// serves reports whether this process has a web server; a command that opens
// the stores by itself has none, and leaves set-up links and jobs alone.
func (a *App) serves() bool {
	_, err := a.ctx.AppIfConfigured("http")
	return err == nil
}

func (a *App) keepOpening(ctx context.Context) {
	told := ""
	for retry := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			retry.Stop()
			return
		case <-retry.C:
		}
		err := a.open(ctx)
		if err == nil {
			a.logger.Info("sigra has reached its stores")
			retry.Stop()
			return
		}
		if !errors.Is(err, authcore.ErrUnavailable) && err.Error() != told {
			told = err.Error() // waiting does not mend it: another master secret, say
			a.logger.Error("sigra cannot start and answers 503", slog.Any("error", err))
		}
		a.logger.Debug("sigra cannot reach its stores", slog.Any("error", err))
	}
}

// tuning is what a configuration wants of the parts that outlive it.
func (a *App) tuning() tuning {
	return tuning{a.Session.settings(), a.Password.params(), a.Throttle.limits(), a.keySchedule()}
}

func (a *App) keySchedule() assertion.Schedule {
	return assertion.Schedule{
		Algorithm: a.Assertion.Algorithm, Rotate: time.Duration(a.Assertion.Rotate),
		Overlap: time.Duration(a.Assertion.Overlap), TTL: time.Duration(a.Assertion.TTL),
	}
}

// offerSetUp shows the link that creates the first account, while there is none. It
// is not settled while there is none to show.
func (a *App) offerSetUp(ctx context.Context) (settled bool, err error) {
	if a.sites().portal() == "" {
		exists, err := a.engine.db.HasUsers(ctx)
		if err == nil && !exists {
			a.logger.Warn("there is no account yet, and no link to create the first one, since the public address is not known: " +
				"name it by the option origin")
		}
		return exists, err
	}
	link, err := a.setUpLink(ctx)
	switch {
	case errors.Is(err, authcore.ErrConflict):
		return true, nil // there is an account
	case err != nil:
		return false, err
	}
	a.logger.Warn("there is no account yet: open this link to create the first one", slog.String("link", link))
	return true, nil
}

// setUpLink issues a link that creates the first account.
func (a *App) setUpLink(ctx context.Context) (string, error) {
	secret, err := a.accounts.IssueSetUp(ctx)
	if err != nil {
		return "", err
	}
	return a.sites().portal() + "/setup/" + secret, nil
}

// Stop ends what belongs to this configuration alone.
func (a *App) Stop() error {
	running.remove(a)
	if a.stop == nil {
		return nil
	}
	a.stop()
	a.engine.untune(a.tuned)
	if caddy.Exiting() { // a mail that is being sent would be sent again after a restart
		select {
		case <-a.worked:
		case <-time.After(workGrace):
		}
	}
	return nil
}

// workGrace is how long a process that ends waits for the jobs under way.
const workGrace = 10 * time.Second

// Cleanup releases the engine. It also runs after a failed Provision and, without Stop,
// after a failed Start.
func (a *App) Cleanup() error {
	running.remove(a)
	if a.engineKey == "" {
		return nil
	}
	_, err := engines.Delete(a.engineKey)
	return err
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.Validator    = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
