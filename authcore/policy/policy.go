// Package policy decides whether an identity may pass. The decision is a pure
// function, so that the gate, tests and explanations ask the same question.
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
	// Roles asks for one of these platform roles or roles in the active
	// organization.
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
	// TwoStep asks for two-step sign-in, of users with one of TwoStepRoles or,
	// when none is named, of all. A trusted browser is enough for that.
	TwoStep      bool
	TwoStepRoles []string
	// OneStep takes sessions that were made where no second factor was asked of a
	// user who has one; see authcore.Identity.Skipped.
	OneStep bool
}

// proofs are the kinds of proof of which one must be fresh; none means any.
func (n Need) proofs() []authcore.FactorKind {
	switch {
	case len(n.Factors) > 0:
		return n.Factors
	case n.Level == authcore.AAL2:
		return authcore.SecondFactors
	default:
		return nil
	}
}

// Outcome is what to do with a request.
type Outcome string

// The outcomes. They are also the values of a metric label.
const (
	// Allow lets the request pass.
	Allow Outcome = "allow"
	// SignIn asks an anonymous visitor to sign in.
	SignIn Outcome = "sign_in"
	// Held leads to what the user waits for: until then, no app sees them.
	Held Outcome = "held"
	// StepUp asks for a fresh proof.
	StepUp Outcome = "step_up"
	// Forbid refuses: no sign-in by this user would help.
	Forbid Outcome = "forbid"
)

// Condition names a part of a Need that an identity misses.
type Condition string

// The conditions.
const (
	MissingEmailDomain Condition = "email_domain"
	MissingRole        Condition = "role"
	MissingOrg         Condition = "org"
	MissingLevel       Condition = "aal2"
	MissingFactor      Condition = "factor"
	MissingTwoStep     Condition = "two_step"
	MissingFresh       Condition = "fresh"
)

// Missing is a condition that an identity does not meet, with what would meet
// it.
type Missing struct {
	Condition Condition
	Wanted    []string
}

// Decision is the answer to a request.
type Decision struct {
	Outcome Outcome
	// Hold is what the user waits for when the outcome is Held.
	Hold authcore.Hold
	// Missing lists what the identity lacks, for the page that says so.
	Missing []Missing
	// Wanted are the kinds of proof that would do, when the outcome is StepUp;
	// none means any.
	Wanted []authcore.FactorKind
}

// Decide judges an identity (nil: anonymous) against a need.
func Decide(need Need, id *authcore.Identity, now time.Time) Decision {
	if id == nil {
		return Decision{Outcome: SignIn}
	}
	if hold := id.Hold(); hold != "" {
		return Decision{Outcome: Held, Hold: hold}
	}
	if missing := lasting(need, id); len(missing) > 0 {
		return Decision{Outcome: Forbid, Missing: missing}
	}
	if missing := unproven(need, id, now); len(missing) > 0 {
		return Decision{Outcome: StepUp, Missing: missing, Wanted: wanted(need, id, missing)}
	}
	return Decision{Outcome: Allow}
}

// lasting returns what the identity lacks and no step-up can give.
func lasting(need Need, id *authcore.Identity) []Missing {
	var missing []Missing
	if len(need.EmailDomains) > 0 && !inDomain(id, need.EmailDomains) {
		missing = append(missing, Missing{MissingEmailDomain, need.EmailDomains})
	}
	if len(need.Roles) > 0 && !hasRole(id, need.Roles) {
		missing = append(missing, Missing{MissingRole, need.Roles})
	}
	if len(need.Orgs) > 0 && !slices.Contains(need.Orgs, id.Org.Slug) || need.Org && id.Org.ID == "" {
		missing = append(missing, Missing{MissingOrg, need.Orgs})
	}
	return missing
}

// unproven returns what the identity lacks and a step-up can give.
func unproven(need Need, id *authcore.Identity, now time.Time) []Missing {
	var missing []Missing
	if id.Level < need.Level {
		missing = append(missing, Missing{MissingLevel, []string{string(need.Level)}})
	}
	if len(need.Factors) > 0 && id.ProvenAt(need.Factors...).IsZero() {
		var kinds []string
		for _, kind := range need.Factors {
			kinds = append(kinds, string(kind))
		}
		missing = append(missing, Missing{MissingFactor, kinds})
	}
	if id.Level < authcore.AAL2 && (asksTwoStep(need, id) || id.Skipped && !need.OneStep) {
		missing = append(missing, Missing{MissingTwoStep, need.TwoStepRoles})
	}
	if need.Fresh > 0 && now.Sub(id.ProvenAt(need.proofs()...)) > need.Fresh {
		missing = append(missing, Missing{Condition: MissingFresh})
	}
	return missing
}

func asksTwoStep(need Need, id *authcore.Identity) bool {
	return need.TwoStep && !id.Trusted && (len(need.TwoStepRoles) == 0 || hasRole(id, need.TwoStepRoles))
}

// wanted returns the kinds of proof that meet the first of what is missing. If
// that is not all, the next request asks for the rest.
func wanted(need Need, id *authcore.Identity, missing []Missing) []authcore.FactorKind {
	switch missing[0].Condition {
	case MissingLevel, MissingTwoStep:
		return id.Raising()
	default:
		return need.proofs()
	}
}

func inDomain(id *authcore.Identity, domains []string) bool {
	_, domain, ok := strings.Cut(id.Email, "@")
	return ok && slices.Contains(domains, strings.ToLower(domain))
}

func hasRole(id *authcore.Identity, roles []string) bool {
	return id.Role != "" && slices.Contains(roles, id.Role) ||
		id.Org.Role != "" && slices.Contains(roles, id.Org.Role)
}
