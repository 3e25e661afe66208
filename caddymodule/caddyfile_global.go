package caddymodule

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/dustin/go-humanize"
)

func init() { httpcaddyfile.RegisterGlobalOption(appID, parseGlobal) }

// parseGlobal reads the global option. A second block is an error: it would
// silently replace the first.
func parseGlobal(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next()
		return nil, d.Err("there is a global sigra block already; put all options into one")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appID, Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile reads the global option:
//
//	sigra {
//		storage   sqlite [<path>] | postgres <dsn>
//		sessions  database | redis <url>
//		mailer    log | smtp <host[:port]> { ... }
//		signup    closed | open | invite | domain <domain...> { approval }
//		orgs      off | admins | anyone { ... }
//		deletion  off | soft | anonymize | hard [<grace> | at_once]
//		secret    <placeholder>
//		origin    <origin...>
//		session   { ... }
//		cookie    { domain <domain> }
//		password  { ... }
//		throttle  { ... }
//		assertion { ... }
//		brand     { ... }
//		profile_field <name> { ... }
//		templates <dir>
//		messages  <dir>
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return eachOption(d, options{
		"storage":       guestOption("sigra.storage", &a.StorageRaw),
		"sessions":      guestOption("sigra.session_store", &a.SessionsRaw),
		"mailer":        guestOption("sigra.mailer", &a.MailerRaw),
		"secret":        a.parseSecret,
		"origin":        a.parseOrigins,
		"session":       a.Session.parse,
		"cookie":        blockOption(options{"domain": textOption(&a.Cookie.Domain)}),
		"password":      a.Password.parse,
		"throttle":      a.Throttle.parse,
		"signup":        a.SignUp.parse,
		"orgs":          a.Orgs.parse,
		"deletion":      a.Deletion.parse,
		"mfa":           parseMFA(&a.MFA),
		"passkeys":      a.Passkeys.parse,
		"assertion":     a.Assertion.parse,
		"brand":         a.Brand.parse,
		"profile_field": a.parseField,
		"templates":     textOption(&a.Templates),
		"messages":      textOption(&a.Messages),
	})
}

// blockOption reads a block without arguments.
func blockOption(known options) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		if d.NextArg() {
			return d.ArgErr()
		}
		return eachOption(d, known)
	}
}

func (a *App) parseSecret(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&a.Secret) {
		return d.ArgErr()
	}
	if a.Secret == "" || a.Secret[0] != '{' {
		return d.Err("secret: a secret does not belong in the Caddyfile; give {env.NAME} or {file./path}")
	}
	return nil
}

func (a *App) parseOrigins(d *caddyfile.Dispenser) error {
	origins := d.RemainingArgs()
	if len(origins) == 0 {
		return d.ArgErr()
	}
	for _, origin := range origins {
		if _, err := parseOrigin(origin); err != nil {
			return d.WrapErr(err)
		}
	}
	a.Origins = append(a.Origins, origins...)
	return nil
}

func (c *SessionConfig) parse(d *caddyfile.Dispenser) error {
	return blockOption(options{
		"idle":          durationOption(&c.Idle),
		"absolute":      durationOption(&c.Absolute),
		"remember":      durationOption(&c.Remember),
		"activity":      durationOption(&c.Activity),
		"max_staleness": durationOption(&c.MaxStaleness),
		"strict":        flagOption(&c.Strict),
		"cache": func(d *caddyfile.Dispenser) error {
			var text string
			if !d.AllArgs(&text) {
				return d.ArgErr()
			}
			if text == "off" {
				c.CacheOff = true
				return nil
			}
			age, err := parseDuration(d, text)
			c.Cache = age
			return err
		},
	})(d)
}

func (c *PasswordConfig) parse(d *caddyfile.Dispenser) error {
	return blockOption(options{
		"min_length": func(d *caddyfile.Dispenser) error {
			n, err := numbers(d, 1)
			if err == nil {
				c.MinLength = n[0]
			}
			return err
		},
		"argon2id": c.parseArgon2id,
	})(d)
}

// parseArgon2id reads `argon2id <memory> <time> <threads>`.
func (c *PasswordConfig) parseArgon2id(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	memory, err := humanize.ParseBytes(d.Val())
	if err != nil || memory>>10 > 1<<32-1 {
		return d.Errf("%q is not a size such as 19MiB", d.Val())
	}
	n, err := numbers(d, 2)
	if err != nil {
		return err
	}
	c.Argon2Memory, c.Argon2Time, c.Argon2Threads = uint32(memory>>10), uint32(n[0]), uint8(n[1])
	return nil
}

// numbers reads so many small positive numbers.
func numbers(d *caddyfile.Dispenser, count int) ([]int, error) {
	args := d.RemainingArgs()
	if len(args) != count {
		return nil, d.ArgErr()
	}
	list := make([]int, count)
	for i, arg := range args {
		n, err := strconv.ParseUint(arg, 10, 8)
		if err != nil || n == 0 {
			return nil, d.Errf("%q is not a number from 1 to 255", arg)
		}
		list[i] = int(n)
	}
	return list, nil
}

func (c *ThrottleConfig) parse(d *caddyfile.Dispenser) error {
	return blockOption(options{
		"account": rateOption(&c.Account), "network": rateOption(&c.Network),
		"mail": rateOption(&c.Mail), "mail_network": rateOption(&c.MailNetwork),
		"factor": rateOption(&c.Factor), "challenge": rateOption(&c.Challenge),
	})(d)
}

// rateOption reads `<max> <window>`.
func rateOption(to **RateConfig) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		var count, window string
		if !d.AllArgs(&count, &window) {
			return d.ArgErr()
		}
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil || n == 0 {
			return d.Errf("%q is not a number of attempts", count)
		}
		dur, err := parseDuration(d, window)
		*to = &RateConfig{Max: int(n), Window: dur}
		return err
	}
}

func (c *AssertionConfig) parse(d *caddyfile.Dispenser) error {
	return blockOption(options{
		"algorithm": textOption(&c.Algorithm),
		"rotate":    durationOption(&c.Rotate),
		"overlap":   durationOption(&c.Overlap),
		"ttl":       durationOption(&c.TTL),
	})(d)
}

func (c *BrandConfig) parse(d *caddyfile.Dispenser) error {
	return blockOption(options{
		"name": textOption(&c.Name),
		"logo": textOption(&c.Logo),
		"accent": func(d *caddyfile.Dispenser) error {
			if !d.AllArgs(&c.Accent) {
				return d.Err(`accent wants a colour in quotes, such as "#0b7285": a bare # starts a comment`)
			}
			return nil
		},
		"link": func(d *caddyfile.Dispenser) error {
			var link LinkConfig
			if !d.AllArgs(&link.Text, &link.URL) {
				return d.ArgErr()
			}
			c.Links = append(c.Links, link)
			return nil
		},
	})(d)
}
