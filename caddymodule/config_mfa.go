package caddymodule

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// The modes of two-step sign-in.
const (
	mfaOff      = "off"
	mfaOptional = "optional"
	mfaRequired = "required"
)

var mfaModes = []string{mfaOff, mfaOptional, mfaRequired}

// MFAConfig says whether signing in takes a second factor.
type MFAConfig struct {
	// Mode is off: nobody is asked for one; optional: who has set one up is; or
	// required: who has not is led to setting one up first.
	Mode string `json:"mode"`
	// Roles limits required to users with one of these roles. Default: all.
	Roles []string `json:"roles,omitempty"`
}

// errOffSomewhere refuses a mode that could not hold: whoever signs in does so for
// the whole site, so that no second factor for some of its paths would be none for
// all.
var errOffSomewhere = errors.New("mfa off goes with a sigra directive without a matcher")

func (c *MFAConfig) validate() error {
	switch {
	case c == nil:
		return nil
	case !slices.Contains(mfaModes, c.Mode):
		return fmt.Errorf("mfa: %q is not off, optional or required", c.Mode)
	case len(c.Roles) > 0 && c.Mode != mfaRequired:
		return fmt.Errorf("mfa: roles go with required, as in: mfa required admin")
	default:
		return nil
	}
}

// validateRoles refuses a role that nobody can have, on the platform or in an
// organization: the requirement would be for nobody.
func (c *MFAConfig) validateRoles(orgs OrgsConfig) error {
	if c == nil {
		return nil
	}
	known := append(slices.Clone(platformRoles), orgs.config().Roles.All...)
	for _, role := range c.Roles {
		if !slices.Contains(known, role) {
			return fmt.Errorf("mfa required: there is no role %q; %s", role, suggestion(role, known))
		}
	}
	return nil
}

func parseMFA(to **MFAConfig) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		*to = new(MFAConfig)
		return (*to).parse(d)
	}
}

// parse reads `mfa off|optional|required [<role...>]`.
func (c *MFAConfig) parse(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	if c.Mode, c.Roles = args[0], args[1:]; !slices.Contains(mfaModes, c.Mode) {
		return unknown(d, c.Mode, mfaModes)
	}
	if len(c.Roles) == 0 {
		c.Roles = nil
	}
	if err := c.validate(); err != nil {
		return d.Err(err.Error())
	}
	return noBlock(d)
}

func (c *MFAConfig) is(mode string) bool { return c != nil && c.Mode == mode }

// mfa is what a gate's site says of two-step sign-in, or the whole gateway.
func (g *Gate) mfa() *MFAConfig {
	if g.MFA != nil {
		return g.MFA
	}
	return g.app.MFA
}

// oneStep reports whether sign-in at a site takes one factor alone. That is for the
// directives to say which stand for the whole site: all of them, since several sites
// may have one host, on other ports or under a wildcard. Where each has a matcher,
// none speaks for sign-in and the app does: silence must not turn the second factor
// off.
func (a *App) oneStep(at *site) bool {
	off := a.MFA.is(mfaOff)
	for _, g := range at.gates {
		if len(g.matchers) > 0 {
			continue
		}
		if !g.mfa().is(mfaOff) {
			return false
		}
		off = true
	}
	return off
}
