package caddymodule

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/idna"

	"github.com/sigra-auth/sigra/authcore/signup"
)

// SignUpConfig says who may make an account.
type SignUpConfig struct {
	// Mode is closed, open, domain or invite. Default: closed, operators make
	// accounts.
	Mode string `json:"mode,omitempty"`
	// Domains are those of the addresses that may sign up, for the mode domain.
	Domains []string `json:"domains,omitempty"`
	// Approval holds new accounts until an operator accepts them.
	Approval bool `json:"approval,omitempty"`
}

func (c SignUpConfig) rules() signup.Rules {
	rules := signup.Rules{Mode: signup.Mode(c.Mode), Approval: c.Approval}
	for _, domain := range c.Domains {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err == nil { // else validate has refused it
			rules.Domains = append(rules.Domains, strings.ToLower(ascii))
		}
	}
	return rules
}

func (c SignUpConfig) validate() error {
	switch signup.Mode(c.Mode) {
	case "", signup.Closed, signup.Open, signup.Invite:
		if len(c.Domains) > 0 {
			return fmt.Errorf("signup: only the mode domain takes domains")
		}
	case signup.Domain:
		if len(c.Domains) == 0 {
			return fmt.Errorf("signup: domain wants at least one domain, such as `signup domain example.com`")
		}
	default:
		return fmt.Errorf("signup: %q is not closed, open, domain or invite", c.Mode)
	}
	for _, domain := range c.Domains {
		if _, err := idna.Lookup.ToASCII(domain); err != nil || strings.Contains(domain, "@") {
			return fmt.Errorf("signup: %q is not a domain such as example.com", domain)
		}
	}
	return nil
}

// parse reads `signup closed|open|invite|domain <domain...> { approval }`.
func (c *SignUpConfig) parse(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	c.Mode, c.Domains = args[0], args[1:]
	if len(c.Domains) == 0 {
		c.Domains = nil
	}
	if err := c.validate(); err != nil {
		return d.Err(err.Error())
	}
	return eachOption(d, options{"approval": flagOption(&c.Approval)})
}
