package caddymodule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sigra-auth/sigra/authcore/org"
)

// OrgsConfig says who makes organizations, and what roles there are in them.
type OrgsConfig struct {
	// Creation is off, admins or anyone. Default: off, operators make organizations
	// by the command line.
	Creation string `json:"creation,omitempty"`
	// Roles are those that members can have, the owners' first and that of new
	// members last. Default: owner, admin, member.
	Roles []string `json:"roles,omitempty"`
	// Managers are the roles that may manage members; owners always may. Default:
	// owner and admin or, with other roles, the owners' alone.
	Managers []string `json:"managers,omitempty"`
	// Personal gives every user a workspace of their own.
	Personal bool `json:"personal,omitempty"`
	// Limit is how many organizations a user may own; zero is no limit. Default: 20.
	Limit *int `json:"limit,omitempty"`
	// Reserved are further slugs that nobody may take.
	Reserved []string `json:"reserved,omitempty"`
	// Invitations bounds how many may be sent in 24 hours.
	Invitations *InvitationLimits `json:"invitations,omitempty"`
}

// InvitationLimits are the most invitations in 24 hours; zero is no limit.
type InvitationLimits struct {
	// PerUser are those that one user sends. Default: 20.
	PerUser int `json:"per_user"`
	// PerOrg are those to one organization. Default: 50.
	PerOrg int `json:"per_org"`
}

// creations are the values of Creation.
var creations = []string{string(org.CreationOff), string(org.CreationAdmins), string(org.CreationAnyone)}

func (c OrgsConfig) config() org.Config {
	config := org.DefaultConfig()
	config.Creation = org.Creation(cmp.Or(c.Creation, string(org.CreationOff)))
	config.Personal, config.Reserved = c.Personal, c.Reserved
	if len(c.Roles) > 0 {
		config.Roles = org.Roles{All: c.Roles, Managers: c.Roles[:1], Default: c.Roles[len(c.Roles)-1]}
	}
	if len(c.Managers) > 0 {
		config.Roles.Managers = c.Managers
		if owner := config.Roles.Owner(); !slices.Contains(c.Managers, owner) {
			config.Roles.Managers = append([]string{owner}, c.Managers...)
		}
	}
	if c.Limit != nil {
		config.MaxOwned = *c.Limit
	}
	if c.Invitations != nil {
		config.PerInviter, config.PerOrg = c.Invitations.PerUser, c.Invitations.PerOrg
	}
	return config
}

func (c OrgsConfig) validate() error {
	config := c.config()
	if !slices.Contains(creations, string(config.Creation)) {
		return fmt.Errorf("orgs: %q is not off, admins or anyone", c.Creation)
	}
	if config.MaxOwned < 0 || config.PerInviter < 0 || config.PerOrg < 0 {
		return fmt.Errorf("orgs: a limit cannot be negative")
	}
	for _, slug := range c.Reserved {
		if !hostLabel.MatchString(slug) {
			return fmt.Errorf("orgs: reserved %q cannot be the slug of an organization", slug)
		}
	}
	if err := config.Roles.Validate(); err != nil {
		return fmt.Errorf("orgs: %w", err)
	}
	return nil
}

// parse reads
//
//	orgs off|admins|anyone {
//		roles       <role...>
//		managers    <role...>
//		personal
//		limit       <n>
//		reserved    <slug...>
//		invitations <per user> <per org>
//	}
func (c *OrgsConfig) parse(d *caddyfile.Dispenser) error {
	if !d.AllArgs(&c.Creation) {
		return d.ArgErr()
	}
	if !slices.Contains(creations, c.Creation) {
		return unknown(d, c.Creation, creations)
	}
	if err := eachOption(d, options{
		"roles":    listOption(&c.Roles),
		"managers": listOption(&c.Managers),
		"personal": flagOption(&c.Personal),
		"reserved": listOption(&c.Reserved),
		"limit": func(d *caddyfile.Dispenser) error {
			n, err := counts(d, 1)
			if err == nil {
				c.Limit = &n[0]
			}
			return err
		},
		"invitations": func(d *caddyfile.Dispenser) error {
			n, err := counts(d, 2)
			if err == nil {
				c.Invitations = &InvitationLimits{PerUser: n[0], PerOrg: n[1]}
			}
			return err
		},
	}); err != nil {
		return err
	}
	if err := c.validate(); err != nil {
		return d.Err(err.Error())
	}
	return nil
}

// listOption reads one or several words.
func listOption(to *[]string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		words := d.RemainingArgs()
		if len(words) == 0 {
			return d.ArgErr()
		}
		*to = append(*to, words...)
		return nil
	}
}

// counts reads so many numbers; zero is no limit.
func counts(d *caddyfile.Dispenser, many int) ([]int, error) {
	args := d.RemainingArgs()
	if len(args) != many {
		return nil, d.ArgErr()
	}
	list := make([]int, many)
	for i, arg := range args {
		n, err := strconv.ParseUint(arg, 10, 31)
		if err != nil {
			return nil, d.Errf("%q is not a number; 0 is no limit", arg)
		}
		list[i] = int(n)
	}
	return list, nil
}
