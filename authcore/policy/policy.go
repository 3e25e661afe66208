// Package policy decides whether an identity may pass. The decision is a pure
// function, so that the gate, tests and explanations ask the same question.
package policy

import (
	"slices"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

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
	// Hide answers as if there were nothing: the place belongs to an organization
	// that does not exist or that the user does not belong to, and must not learn
	// which.
	Hide Outcome = "not_found"
	// ChooseOrg leads to choosing another organization, or to making or joining one.
	ChooseOrg Outcome = "choose_org"
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
	// What the active organization asks of its members.
	MissingOrgTwoStep Condition = "org_" + Condition(authcore.RuleTwoStep)
	MissingOrgMethod  Condition = "org_" + Condition(authcore.RuleMethod)
	MissingOrgFresh   Condition = "org_" + Condition(authcore.RuleFresh)
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
func Decide(need *Need, at Place, id *authcore.Identity, now time.Time) Decision {
	if id == nil {
		return Decision{Outcome: SignIn}
	}
	if hold := id.Hold(); hold != "" {
		return Decision{Outcome: Held, Hold: hold}
	}
	if at.Fixed {
		acting := id.In(at.Org)
		if id = &acting; id.Org.ID == "" {
			return Decision{Outcome: Hide}
		}
	}
	if missing := lasting(need, at, id); len(missing) > 0 {
		if choosable(need, at, id) {
			return Decision{Outcome: ChooseOrg, Missing: missing}
		}
		return Decision{Outcome: Forbid, Missing: missing}
	}
	if missing := unproven(need, id, now); len(missing) > 0 {
		return Decision{Outcome: StepUp, Missing: missing, Wanted: wanted(need, id, missing, now)}
	}
	return Decision{Outcome: Allow}
}

// lasting returns what the identity lacks and no step-up can give.
func lasting(need *Need, at Place, id *authcore.Identity) []Missing {
	var missing []Missing
	if !need.inDomain(id) {
		missing = append(missing, Missing{MissingEmailDomain, need.EmailDomains})
	}
	if !need.hasRole(at, id, id.Org) {
		missing = append(missing, Missing{MissingRole, need.Roles})
	}
	if !need.inOrg(id.Org) {
		missing = append(missing, Missing{MissingOrg, need.Orgs})
	}
	return missing
}

// choosable reports whether the identity would lack nothing that lasts if it acted
// in another organization. Whoever belongs to none may make or join one where any
// would do.
func choosable(need *Need, at Place, id *authcore.Identity) bool {
	if at.Fixed || !need.asksForOrg() || !need.inDomain(id) {
		return false
	}
	if len(id.Orgs) == 0 {
		return len(need.Orgs) == 0
	}
	return slices.ContainsFunc(id.Orgs, func(o authcore.Org) bool { return need.inOrg(o) && need.hasRole(at, id, o) })
}

// unproven returns what the identity lacks and a step-up can give.
func unproven(need *Need, id *authcore.Identity, now time.Time) []Missing {
	var missing []Missing
	if id.Level < need.Level {
		missing = append(missing, Missing{MissingLevel, []string{string(need.Level)}})
	}
	if len(need.Factors) > 0 && id.ProvenAt(need.Factors...).IsZero() {
		missing = append(missing, Missing{MissingFactor, words(need.Factors)})
	}
	if id.Level < authcore.AAL2 && asksTwoStep(need, id) || IsHalfWay(id, need.OneStep) {
		missing = append(missing, Missing{MissingTwoStep, need.TwoStepRoles})
	}
	if need.Fresh > 0 && now.Sub(id.ProvenAt(need.proofs()...)) > need.Fresh {
		missing = append(missing, Missing{Condition: MissingFresh})
	}
	return append(missing, unruly(id, now)...)
}

// IsHalfWay reports whether a session was made where no second factor is asked for,
// and has yet to give one where it is: it must not pass for its user, not even where
// nobody need sign in.
func IsHalfWay(id *authcore.Identity, oneStep bool) bool {
	return id.Skipped && !oneStep && id.Level < authcore.AAL2
}

func words(kinds []authcore.FactorKind) []string {
	list := make([]string, len(kinds))
	for i, kind := range kinds {
		list[i] = string(kind)
	}
	return list
}

func asksTwoStep(need *Need, id *authcore.Identity) bool {
	return need.TwoStep && !id.Trusted && (len(need.TwoStepRoles) == 0 || hasEither(id, need.TwoStepRoles))
}

// wanted returns the kinds of proof that meet the first of what is missing. If
// that is not all, the next request asks for the rest.
func wanted(need *Need, id *authcore.Identity, missing []Missing, now time.Time) []authcore.FactorKind {
	switch missing[0].Condition {
	case MissingLevel, MissingTwoStep:
		return id.Raising()
	case MissingOrgTwoStep, MissingOrgMethod, MissingOrgFresh:
		return id.Org.Rules.Unmet(id, now)[0].Wanted
	default:
		return need.proofs()
	}
}
