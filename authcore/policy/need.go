package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Need is what a route asks of an identity. The zero value asks for any
// signed-in user. Needs of several directives add up.
type Need struct {
	// EmailDomains asks for a verified address in one of these domains, in lower
	// case; a domain beyond ASCII is listed in both its IDNA forms.
	EmailDomains []string
	// Roles asks for one of these platform roles or, where an organization is asked
	// for or the place is one's, for one of these roles in it, and nothing else:
	// everybody may be able to make an organization, and whoever runs the platform
	// has no business in each.
	Roles []string
	// Org asks for an active organization; Orgs for one of these slugs.
	Org  bool
	Orgs []string
	// Level asks for an assurance level.
	Level authcore.AssuranceLevel
	// Factors asks for a proof by one of these kinds.
	Factors []authcore.FactorKind
	// Fresh asks for a proof no older than this; zero asks for none. It must be
	// by one of Factors or, where Level asks for two, by a second factor:
	// whoever sits down at an open session may know the password.
	Fresh time.Duration
	// TwoStep asks for two-step sign-in, of users with one of TwoStepRoles, on the
	// platform or in the organization, or, when none is named, of all. A trusted
	// browser is enough for that.
	TwoStep      bool
	TwoStepRoles []string
	// OneStep takes sessions that were made where no second factor was asked of a
	// user who has one; see authcore.Identity.Skipped.
	OneStep bool
}

// asksForOrg reports whether an organization must be active.
func (n *Need) asksForOrg() bool { return n.Org || len(n.Orgs) > 0 }

// Place is what the address of a request says of organizations.
type Place struct {
	// Fixed says that it names one, by its slug: the identity acts in that,
	// whichever is active in the session.
	Fixed bool
	Org   string
}

// proofs are the kinds of proof of which one must be fresh; none means any.
func (n *Need) proofs() []authcore.FactorKind {
	switch {
	case len(n.Factors) > 0:
		return n.Factors
	case n.Level == authcore.AAL2:
		return authcore.SecondFactors
	default:
		return nil
	}
}

func (n *Need) inDomain(id *authcore.Identity) bool {
	if len(n.EmailDomains) == 0 {
		return true
	}
	_, domain, ok := strings.Cut(id.Email, "@")
	return ok && slices.Contains(n.EmailDomains, strings.ToLower(domain))
}

// inOrg reports whether an organization would do.
func (n *Need) inOrg(o authcore.Org) bool {
	return !n.asksForOrg() || o.ID != "" && (len(n.Orgs) == 0 || slices.Contains(n.Orgs, o.Slug))
}

// hasRole reports whether an identity that acts in an organization has the role.
func (n *Need) hasRole(at Place, id *authcore.Identity, in authcore.Org) bool {
	role := id.Role
	if at.Fixed || n.asksForOrg() {
		role = in.Role
	}
	return len(n.Roles) == 0 || role != "" && slices.Contains(n.Roles, role)
}

// hasEither reports whether an identity has one of the roles, on the platform or in
// the active organization.
func hasEither(id *authcore.Identity, roles []string) bool {
	return id.Role != "" && slices.Contains(roles, id.Role) ||
		id.Org.Role != "" && slices.Contains(roles, id.Org.Role)
}
