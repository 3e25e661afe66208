package caddymodule

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sigra-auth/sigra/authcore/deletion"
)

// DeletionConfig says how users delete their accounts.
type DeletionConfig struct {
	// Mode is off, soft, anonymize or hard. Default: soft.
	Mode string `json:"mode,omitempty"`
	// Grace is how long an account can be kept after all. Default: 14d.
	Grace caddy.Duration `json:"grace,omitempty"`
	// AtOnce deletes without a grace period.
	AtOnce bool `json:"at_once,omitempty"`
}

func (c DeletionConfig) rules() deletion.Rules {
	rules := deletion.Rules{Mode: deletion.Mode(cmp.Or(c.Mode, string(deletion.Soft)))}
	if !c.AtOnce {
		rules.Grace = cmp.Or(time.Duration(c.Grace), deletion.DefaultGrace)
	}
	return rules
}

func (c DeletionConfig) validate() error {
	switch deletion.Mode(c.Mode) {
	case "", deletion.Off, deletion.Soft, deletion.Anonymize, deletion.Hard:
		return nil
	default:
		return fmt.Errorf("deletion: %q is not off, soft, anonymize or hard", c.Mode)
	}
}

// parse reads `deletion off|soft|anonymize|hard [<grace>|at_once]`.
func (c *DeletionConfig) parse(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.ArgErr()
	}
	c.Mode = args[0]
	if err := c.validate(); err != nil {
		return d.Err(err.Error())
	}
	if len(args) > 1 && args[1] == "at_once" {
		c.AtOnce = true
	} else if len(args) > 1 {
		var err error
		if c.Grace, err = parseDuration(d, args[1]); err != nil {
			return err
		}
	}
	return noBlock(d)
}
