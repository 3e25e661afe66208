package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sigra-auth/sigra/storage/sqlstore"
)

func init() {
	caddy.RegisterModule(new(SQLite))
	caddy.RegisterModule(new(Postgres))
}

// Storage is a guest in sigra.storage: where identity is kept.
type Storage interface {
	// PoolKey identifies the database, without secrets.
	PoolKey() string
	// Open returns the database without connecting to it.
	Open() (*sqlstore.DB, error)
}

// SQLite keeps identity in one file. It is the default.
type SQLite struct {
	// Path of the file. Default: sigra/sigra.db below Caddy's data directory.
	Path string `json:"path,omitempty"`

	path string
}

// CaddyModule returns the Caddy module information.
func (*SQLite) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sigra.storage.sqlite", New: func() caddy.Module { return new(SQLite) }}
}

// Provision expands the path.
func (s *SQLite) Provision(caddy.Context) error {
	path := filepath.Join(caddy.AppDataDir(), "sigra", "sigra.db")
	if s.Path != "" {
		expanded, err := expand("storage sqlite", s.Path)
		if err != nil {
			return err
		}
		path = expanded
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("storage sqlite: %w", err)
	}
	s.path = absolute
	return nil
}

// UnmarshalCaddyfile reads `sqlite [<path>]`.
func (s *SQLite) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		s.Path = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return noBlock(d)
}

// PoolKey is the path alone. A reload that changes the session store or the secret
// still opens the file a second time, until the configuration before has drained.
func (s *SQLite) PoolKey() string { return "sqlite:" + s.path }

// Open returns the database.
func (s *SQLite) Open() (*sqlstore.DB, error) { return sqlstore.OpenSQLite(s.path, sqlstore.Options{}) }

// Postgres keeps identity in PostgreSQL.
type Postgres struct {
	// DSN is a connection URL or keyword string; use {env.*} or {file.*} to
	// keep its password out of the configuration.
	DSN string `json:"dsn"`
	// MaxConns bounds the pool. Default: 20.
	MaxConns int `json:"max_conns,omitempty"`

	dsn string
}

// CaddyModule returns the Caddy module information.
func (*Postgres) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sigra.storage.postgres", New: func() caddy.Module { return new(Postgres) }}
}

// Provision expands the DSN; it does not connect.
func (p *Postgres) Provision(caddy.Context) (err error) {
	p.dsn, err = expand("storage postgres", p.DSN)
	return err
}

// Validate checks the DSN and the bound.
func (p *Postgres) Validate() error {
	if p.MaxConns < 0 || p.MaxConns > 1000 {
		return fmt.Errorf("storage postgres: max_conns must be 1 to 1000")
	}
	return nil
}

// UnmarshalCaddyfile reads
//
//	postgres <dsn> {
//		max_conns <n>
//	}
func (p *Postgres) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&p.DSN) {
		return d.ArgErr()
	}
	if err := refuseLiteralPassword(d, "storage postgres", p.DSN); err != nil {
		return err
	}
	return eachOption(d, options{
		"max_conns": func(d *caddyfile.Dispenser) error {
			var text string
			if !d.AllArgs(&text) {
				return d.ArgErr()
			}
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return d.Errf("max_conns wants a positive number, not %q", text)
			}
			p.MaxConns = n
			return nil
		},
	})
}

// PoolKey identifies the database and its pool without showing the password.
func (p *Postgres) PoolKey() string {
	return "postgres:" + fingerprint(p.dsn) + ":" + strconv.Itoa(p.MaxConns)
}

// Open returns the database.
func (p *Postgres) Open() (*sqlstore.DB, error) {
	return sqlstore.OpenPostgres(p.dsn, sqlstore.Options{MaxConns: p.MaxConns})
}

// expand replaces the placeholders of a value. An unknown or empty one is an
// error that names the placeholder, never an empty secret.
func expand(what, value string) (string, error) {
	expanded, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	return expanded, nil
}

// fingerprint identifies a secret without telling it.
func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:8])
}

var (
	_ Storage           = (*SQLite)(nil)
	_ Storage           = (*Postgres)(nil)
	_ caddy.Provisioner = (*SQLite)(nil)
	_ caddy.Provisioner = (*Postgres)(nil)
	_ caddy.Validator   = (*Postgres)(nil)
)
