package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/assertion"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/secret"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

// engines holds what must survive a reload: database pools, the session cache
// with its open streams, signing keys, the queue of password hashing. The key
// identifies the resources, so a configuration that names the same ones finds
// them as they are.
var engines = caddy.NewUsagePool()

// engine is everything of a gateway that outlives one configuration. It holds
// no context or logger of the configuration that made it.
type engine struct {
	db       *sqlstore.DB
	backend  SessionBackend
	sessions *session.Manager
	hasher   *password.Hasher
	throttle *throttle.Guard
	logger   *slog.Logger

	ctx    context.Context
	cancel context.CancelFunc

	// opening serializes start; ready is closed when it has succeeded, and
	// signer and box are set by then.
	opening sync.Mutex
	ready   chan struct{}
	box     *secret.Box
	signer  *assertion.Signer
	// offered says that the link for the first account was shown, or is not needed.
	offered atomic.Bool

	tuningMu sync.Mutex
	tunings  []*tuning // of the configurations that run, the newest last
}

// tuning is what a configuration can change of an engine that runs.
type tuning struct {
	sessions  session.Settings
	passwords password.Params
	throttle  throttle.Limits
	keys      assertion.Schedule
}

// tune makes a configuration's wishes those of the engine, until untune is
// called with the result. A reload starts the new configuration before it stops
// the old one and, when something else in the new one fails, stops the new one
// again: what the old one wants then holds as before.
func (e *engine) tune(t tuning) *tuning {
	e.tuningMu.Lock()
	defer e.tuningMu.Unlock()
	e.tunings = append(e.tunings, &t)
	e.applyTuning()
	return &t
}

func (e *engine) untune(t *tuning) {
	e.tuningMu.Lock()
	defer e.tuningMu.Unlock()
	e.tunings = slices.DeleteFunc(e.tunings, func(other *tuning) bool { return other == t })
	e.applyTuning()
}

func (e *engine) applyTuning() {
	if len(e.tunings) == 0 {
		return
	}
	newest := e.tunings[len(e.tunings)-1]
	e.sessions.Configure(newest.sessions)
	e.hasher.SetParams(newest.passwords)
	e.throttle.SetLimits(newest.throttle)
	if e.isReady() { // else start is given its schedule
		e.signer.Configure(newest.keys)
	}
}

// newEngine builds the parts without connecting to anything.
func newEngine(storage Storage, sessions SessionStore, settings session.Settings) (*engine, error) {
	logger := slog.New(processLog{})
	db, err := storage.Open()
	if err != nil {
		return nil, err
	}
	backend, err := sessions.Open(db, logger)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &engine{
		db: db, backend: backend, logger: logger, ctx: ctx, cancel: cancel, ready: make(chan struct{}),
		hasher:   password.NewHasher(password.DefaultParams, password.Limits{}),
		throttle: throttle.NewGuard(backend.Throttle, throttle.DefaultLimits()),
		sessions: session.New(session.Options{
			Store: backend.Store, Bus: backend.Bus, Log: backend.Log, Settings: settings, Clock: time.Now, Logger: logger,
		}),
	}, nil
}

// isReady reports whether the engine has started.
func (e *engine) isReady() bool {
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

// start connects, migrates, and checks that the master secret is the one the
// database was made with. It does nothing when the engine runs already. An
// error that wraps authcore.ErrUnavailable says that a dependency is away.
func (e *engine) start(ctx context.Context, master []byte, keys assertion.Schedule) error {
	e.opening.Lock()
	defer e.opening.Unlock()
	if e.isReady() {
		return nil
	}
	if err := e.db.Migrate(ctx); err != nil {
		return fmt.Errorf("migrating database: %w", err)
	}
	box, err := secret.NewBox(master)
	if err != nil {
		return err
	}
	if err := box.Check(ctx, e.db); err != nil {
		return err
	}
	signer := assertion.NewSigner(assertion.Options{Schedule: keys, Store: e.db, Box: box, Clock: time.Now, Logger: e.logger})
	if err := signer.Load(ctx); err != nil {
		return fmt.Errorf("loading signing keys: %w", err)
	}
	e.box, e.signer = box, signer
	close(e.ready)
	go e.sessions.Run(e.ctx)
	go e.maintain()
	go e.watch(e.backend.Ping)
	return nil
}

const (
	maintainKeysEvery = time.Minute
	sweepEvery        = 10 * time.Minute
)

// maintain rotates keys and removes what has expired, until the engine closes.
func (e *engine) maintain() {
	keys, sweep := time.NewTicker(maintainKeysEvery), time.NewTicker(sweepEvery)
	defer keys.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-e.ctx.Done():
			return
		case <-keys.C:
			err = e.signer.Maintain(e.ctx)
		case <-sweep.C:
			err = e.db.Sweep(e.ctx, time.Now())
		}
		if err != nil && e.ctx.Err() == nil {
			e.logger.Warn("maintenance failed, it is tried again", slog.Any("error", err))
		}
	}
}

// drainTime is longer than any use of a store may take. Caddy does not wait
// for requests that still run in a configuration it cleans up.
const drainTime = 5 * time.Second

// Destruct closes the engine when no configuration uses it any more. Streams
// end with it: nothing would tell them of a revocation.
func (e *engine) Destruct() error {
	e.cancel()
	e.sessions.CloseStreams()
	draining.Store(e, nil)
	time.AfterFunc(drainTime, e.close)
	return nil
}

// close closes the stores of an engine that drains, once.
func (e *engine) close() {
	if _, open := draining.LoadAndDelete(e); !open {
		return
	}
	if err := errors.Join(e.backend.Close(), e.db.Close()); err != nil {
		e.logger.Warn("closing stores", slog.Any("error", err))
	}
}

// draining holds the engines whose stores are still open for the last requests.
var draining sync.Map

func init() { caddy.OnExit(func(context.Context) { closeDraining() }) }

// closeDraining closes them at once, before the process ends: no request runs any
// more, and SQLite moves what was written into the main file when it is closed.
func closeDraining() {
	draining.Range(func(e, _ any) bool {
		e.(*engine).close()
		return true
	})
}

// awaitReady waits until the engine has started: on a reload that changes the
// stores, requests may arrive a moment before it has.
func (e *engine) awaitReady(ctx context.Context) error {
	if e.isReady() {
		return nil
	}
	timer := time.NewTimer(readyWait)
	defer timer.Stop()
	select {
	case <-e.ready:
		return nil
	case <-ctx.Done():
	case <-timer.C:
	}
	return fmt.Errorf("sigra has not started: %w", authcore.ErrUnavailable)
}

// readyWait bounds how long a request waits for the engine to start.
const readyWait = 3 * time.Second
