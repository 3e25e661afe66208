package caddymodule

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/publicsuffix"

	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
)

// SessionConfig sets the lifetimes of sessions. Durations accept `d` for days.
type SessionConfig struct {
	// Idle ends a session that was not used for so long. Default: 30m.
	Idle caddy.Duration `json:"idle,omitempty"`
	// Absolute ends every session that is not remembered. Default: 24h.
	Absolute caddy.Duration `json:"absolute,omitempty"`
	// Remember is the life of a remembered session. Default: 60d.
	Remember caddy.Duration `json:"remember,omitempty"`
	// Activity is how often a use is noted. Default: 5m.
	Activity caddy.Duration `json:"activity,omitempty"`
	// Cache is how old a cached session may be before the store is read again
	// though nothing says that it changed. Default: 10s.
	Cache caddy.Duration `json:"cache,omitempty"`
	// CacheOff makes every request read the session store.
	CacheOff bool `json:"cache_off,omitempty"`
	// MaxStaleness is how long a cached session still serves when neither the
	// invalidation link nor the session store can be reached. Default: 5s.
	MaxStaleness caddy.Duration `json:"max_staleness,omitempty"`
	// Strict refuses at once then.
	Strict bool `json:"strict,omitempty"`
}

// settings returns what the session manager is told.
func (c SessionConfig) settings() session.Settings {
	s := session.DefaultSettings()
	for _, field := range []struct {
		set caddy.Duration
		to  *time.Duration
	}{
		{c.Idle, &s.Idle}, {c.Absolute, &s.Absolute}, {c.Remember, &s.Remember},
		{c.Activity, &s.Activity}, {c.Cache, &s.CacheTTL}, {c.MaxStaleness, &s.MaxStaleness},
	} {
		if field.set > 0 {
			*field.to = time.Duration(field.set)
		}
	}
	if c.CacheOff {
		s.CacheTTL = 0
	}
	if c.Strict {
		s.MaxStaleness = 0
	}
	return s
}

func (c SessionConfig) validate() error {
	s := c.settings()
	switch {
	case s.Idle > s.Absolute:
		return fmt.Errorf("session: idle (%s) must not be longer than absolute (%s)", s.Idle, s.Absolute)
	case s.Activity*2 > s.Idle:
		return fmt.Errorf("session: activity (%s) must be at most half of idle (%s), or sessions in use would end", s.Activity, s.Idle)
	case s.MaxStaleness > time.Minute || s.CacheTTL > time.Minute:
		return fmt.Errorf("session: cache and max_staleness must be at most 1m")
	}
	return nil
}

// CookieConfig sets the session cookie.
type CookieConfig struct {
	// Domain shares sessions between it and all hosts below it. Other hosts have
	// their own. Default: empty, each host has.
	Domain string `json:"domain,omitempty"`
}

// domain is the domain without the dot that older standards put before it.
func (c CookieConfig) domain() string { return strings.TrimPrefix(c.Domain, ".") }

// validate refuses domains for which browsers take no cookie: any site could be below
// a public suffix.
func (c CookieConfig) validate() error {
	domain := c.domain()
	if domain == "" {
		return nil
	}
	if !isDomain(domain) {
		return fmt.Errorf("cookie: domain %q is not a domain such as example.com", c.Domain)
	}
	if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
		return fmt.Errorf("cookie: domain %s is a public suffix, for which browsers take no cookie; give one below it, such as example.%s", domain, domain)
	}
	return nil
}

// PasswordConfig sets what passwords are accepted and how they are hashed.
type PasswordConfig struct {
	// MinLength is in characters (code points after NFKC). Default: 8, the
	// least.
	MinLength int `json:"min_length,omitempty"`
	// Argon2Memory is in KiB. Default: 19456 (19 MiB).
	Argon2Memory uint32 `json:"argon2id_memory,omitempty"`
	// Argon2Time is the number of passes. Default: 2.
	Argon2Time uint32 `json:"argon2id_time,omitempty"`
	// Argon2Threads is the parallelism of one hash. Default: 1.
	Argon2Threads uint8 `json:"argon2id_threads,omitempty"`
}

func (c PasswordConfig) params() password.Params {
	p := password.DefaultParams
	if c.Argon2Memory > 0 {
		p = password.Params{Memory: c.Argon2Memory, Time: c.Argon2Time, Threads: c.Argon2Threads}
	}
	return p
}

func (c PasswordConfig) validate() error {
	if c.MinLength != 0 && (c.MinLength < 8 || c.MinLength > 64) {
		return fmt.Errorf("password: min_length must be 8 to 64 (NIST SP 800-63B-4 section 3.1.1.2), not %d", c.MinLength)
	}
	p := c.params()
	if p.Memory < 7168 || !p.Valid() {
		return fmt.Errorf("password: argon2id wants 7MiB to 1GiB of memory, 1 to 16 passes, and 1 to 16 threads; memory times passes 2GiB at most")
	}
	return nil
}

// RateConfig allows Max events in any Window.
type RateConfig struct {
	Max    int            `json:"max"`
	Window caddy.Duration `json:"window"`
}

// ThrottleConfig sets the limits of sign-in.
type ThrottleConfig struct {
	// Account is how many wrong passwords an account may see from browsers it
	// does not know. Default: 5 in 15m.
	Account *RateConfig `json:"account,omitempty"`
	// Network is how many a client network (IPv4 address, IPv6 /64) may send.
	// Default: 30 in 15m.
	Network *RateConfig `json:"network,omitempty"`
	// Mail is how many mails of a kind strangers may have sent to an address.
	// Default: 3 in 15m.
	Mail *RateConfig `json:"mail,omitempty"`
	// MailNetwork is how many of those a client network may ask for. Default:
	// 20 in 15m.
	MailNetwork *RateConfig `json:"mail_network,omitempty"`
	// Factor is how many second factors may be tried in a row for a user. Default:
	// 5 in 15m.
	Factor *RateConfig `json:"factor,omitempty"`
	// Challenge is how many WebAuthn challenges a client network or a signed-in
	// user may ask for. Default: 300 in 15m.
	Challenge *RateConfig `json:"challenge,omitempty"`
}

func (c ThrottleConfig) limits() throttle.Limits {
	l := throttle.DefaultLimits()
	for _, field := range []struct {
		set *RateConfig
		to  *throttle.Limit
	}{
		{c.Account, &l.Account}, {c.Network, &l.Network}, {c.Mail, &l.Mail}, {c.MailNetwork, &l.MailNetwork},
		{c.Factor, &l.Factor}, {c.Challenge, &l.Challenge},
	} {
		if field.set != nil {
			field.to.Max, field.to.Window = field.set.Max, time.Duration(field.set.Window)
		}
	}
	return l
}

// AssertionConfig sets the keys of assertions.
type AssertionConfig struct {
	// Algorithm is ES256 or EdDSA. Default: ES256.
	Algorithm string `json:"algorithm,omitempty"`
	// Rotate is the age at which a key is replaced. Default: 30d.
	Rotate caddy.Duration `json:"rotate,omitempty"`
	// Overlap is how long a new key is published before it signs. Default: 15m.
	Overlap caddy.Duration `json:"overlap,omitempty"`
	// TTL is the life of an assertion, at most 5m. Default: 5m.
	TTL caddy.Duration `json:"ttl,omitempty"`
}

// BrandConfig sets how the pages look.
type BrandConfig struct {
	// Name of the product. Default: Sigra.
	Name string `json:"name,omitempty"`
	// Logo is an image file (SVG or PNG) shown above the forms.
	Logo string `json:"logo,omitempty"`
	// Accent is the colour of buttons and links, as #rrggbb.
	Accent string `json:"accent,omitempty"`
	// Links stand below the forms, such as terms and privacy.
	Links []LinkConfig `json:"links,omitempty"`
}

// LinkConfig is a link below the forms.
type LinkConfig struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}
