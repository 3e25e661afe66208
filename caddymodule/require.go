package caddymodule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/idna"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/policy"
)

// Require is what a route asks of an identity, beyond being signed in.
type Require struct {
	// EmailDomains asks for a verified address in one of these domains.
	EmailDomains []string `json:"email_domains,omitempty"`
	// Roles asks for one of these platform roles, of which there is admin. With an
	// organization asked for here, or named by the address, it asks for one of these
	// roles in that organization instead.
	Roles []string `json:"roles,omitempty"`
	// Org asks for an active organization, Orgs for one of these slugs.
	Org  bool     `json:"org,omitempty"`
	Orgs []string `json:"orgs,omitempty"`
	// AAL2 asks for two factors, or a passkey with user verification.
	AAL2 bool `json:"aal2,omitempty"`
	// Factors asks for a proof by one of these: passkey, totp.
	Factors []string `json:"factors,omitempty"`
	// Fresh asks for a proof no older than this: with Factors, by one of them;
	// with AAL2, by a second factor.
	Fresh caddy.Duration `json:"fresh,omitempty"`
}

func (q Require) need() policy.Need {
	n := policy.Need{Roles: q.Roles, Org: q.Org || len(q.Orgs) > 0, Orgs: q.Orgs, Fresh: time.Duration(q.Fresh)}
	for _, domain := range q.EmailDomains {
		// An address is shown in either form of its domain.
		if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
			n.EmailDomains = append(n.EmailDomains, strings.ToLower(ascii))
		}
		if shown, err := idna.Lookup.ToUnicode(domain); err == nil {
			n.EmailDomains = append(n.EmailDomains, strings.ToLower(shown))
		}
	}
	for _, kind := range q.Factors {
		n.Factors = append(n.Factors, authcore.FactorKind(kind))
	}
	if q.AAL2 {
		n.Level = authcore.AAL2
	}
	return n
}

// platformRoles are the roles that a user can have beside those in organizations.
var platformRoles = []string{authcore.RoleAdmin}

// validateRoles refuses roles that nobody can have where they are asked for.
func (g *Gate) validateRoles() error {
	q := g.Require
	if q.Org || len(q.Orgs) > 0 || g.OrgFrom.fixes() {
		return nil
	}
	for _, role := range q.Roles {
		if !slices.Contains(platformRoles, role) {
			return fmt.Errorf("require role: %s is a role in organizations; add `require org`, or `org from` host, path or header", role)
		}
	}
	return nil
}

// demandable are the kinds of proof that a route can ask for by name.
var demandable = []string{string(authcore.FactorPasskey), string(authcore.FactorTOTP)}

func (q Require) validate() error {
	for _, kind := range q.Factors {
		if !slices.Contains(demandable, kind) {
			return fmt.Errorf("require factor: %q is not passkey or totp", kind)
		}
	}
	for _, domain := range q.EmailDomains {
		if _, err := idna.Lookup.ToASCII(domain); err != nil || strings.Contains(domain, "@") {
			return fmt.Errorf("require email_domain: %q is not a domain", domain)
		}
	}
	return nil
}
