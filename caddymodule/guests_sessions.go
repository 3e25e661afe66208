package caddymodule

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/local"
	"github.com/sigra-auth/sigra/storage/redisstore"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

func init() {
	caddy.RegisterModule(new(DatabaseSessions))
	caddy.RegisterModule(new(RedisSessions))
}

// SessionBackend is where sessions and limits are kept and how nodes tell each
// other about them.
type SessionBackend struct {
	Store    session.Store
	Bus      session.Bus
	Throttle throttle.Store
	// Ceremonies keeps WebAuthn challenges.
	Ceremonies passkey.Ceremonies
	// Log is nil when sessions live in the identity database.
	Log   session.RevocationLog
	Ping  func(context.Context) error
	Close func() error
	// Eviction names the policy by which the store throws sessions away when its memory
	// is full; empty when it does not. It may be nil.
	Eviction func(context.Context) string
}

// SessionStore is a guest in sigra.session_store.
type SessionStore interface {
	// PoolKey identifies the store, without secrets.
	PoolKey() string
	// Open returns the backend without connecting to it.
	Open(db *sqlstore.DB, logger *slog.Logger) (SessionBackend, error)
}

// DatabaseSessions keeps sessions in the identity database and limits in
// process. It is the default, for a gateway of one node.
type DatabaseSessions struct{}

// CaddyModule returns the Caddy module information.
func (*DatabaseSessions) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sigra.session_store.database", New: func() caddy.Module { return new(DatabaseSessions) }}
}

// UnmarshalCaddyfile reads `database`.
func (*DatabaseSessions) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return noBlock(d)
}

// PoolKey is a constant: the storage tells the database.
func (*DatabaseSessions) PoolKey() string { return "database" }

// Open returns the backend.
func (*DatabaseSessions) Open(db *sqlstore.DB, logger *slog.Logger) (SessionBackend, error) {
	node := rand.Text()
	alone := func(ctx context.Context) (bool, error) { return db.Alone(ctx, node) }
	return SessionBackend{
		Store: db.Sessions(), Bus: local.NewBus(alone, logger), Throttle: local.NewThrottle(time.Now), Ceremonies: db,
		Ping: db.Ping, Close: func() error { return nil },
	}, nil
}

// RedisSessions keeps sessions and limits in Redis and tells other nodes
// through it.
type RedisSessions struct {
	// URL is redis://, rediss:// (TLS), redis-sentinel:// or redis-cluster://;
	// use {env.*} or {file.*} to keep its password out of the configuration.
	URL string `json:"url"`
	// Prefix of every key. Default: sigra:
	Prefix string `json:"prefix,omitempty"`

	url string
}

// CaddyModule returns the Caddy module information.
func (*RedisSessions) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sigra.session_store.redis", New: func() caddy.Module { return new(RedisSessions) }}
}

// Provision expands the URL; it does not connect.
func (r *RedisSessions) Provision(caddy.Context) (err error) {
	if r.Prefix == "" {
		r.Prefix = "sigra:"
	}
	r.url, err = expand("sessions redis", r.URL)
	return err
}

// Validate checks the URL.
func (r *RedisSessions) Validate() error {
	_, err := redisstore.ParseURL(r.url)
	return err
}

// UnmarshalCaddyfile reads
//
//	redis <url> {
//		prefix <prefix>
//	}
func (r *RedisSessions) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&r.URL) {
		return d.ArgErr()
	}
	if err := refuseLiteralPassword(d, "sessions redis", r.URL); err != nil {
		return err
	}
	return eachOption(d, options{"prefix": textOption(&r.Prefix)})
}

// PoolKey identifies the store without showing the password.
func (r *RedisSessions) PoolKey() string { return "redis:" + fingerprint(r.url) + ":" + r.Prefix }

// logRedis gives the client library its logger, before the first client: it writes to
// standard error else.
var logRedis = sync.OnceFunc(func() { redisstore.LogTo(slog.New(processLog{})) })

// Open returns the backend.
func (r *RedisSessions) Open(db *sqlstore.DB, logger *slog.Logger) (SessionBackend, error) {
	opts, err := redisstore.ParseURL(r.url)
	if err != nil {
		return SessionBackend{}, fmt.Errorf("sessions redis: %w", err)
	}
	logRedis()
	client := redisstore.Open(opts, r.Prefix)
	return SessionBackend{
		Store: client.Sessions(), Bus: client.Bus(logger), Throttle: client.Throttle(), Ceremonies: client.Ceremonies(), Log: db.Revocations(),
		Ping: client.Ping, Close: client.Close, Eviction: client.Eviction,
	}, nil
}

var (
	_ SessionStore      = (*DatabaseSessions)(nil)
	_ SessionStore      = (*RedisSessions)(nil)
	_ caddy.Provisioner = (*RedisSessions)(nil)
	_ caddy.Validator   = (*RedisSessions)(nil)
)
