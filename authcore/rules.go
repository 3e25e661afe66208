package authcore

import "time"

// OrgRule names a part of OrgRules.
type OrgRule string

// The rules.
const (
	RuleTwoStep OrgRule = "two_step"
	RuleMethod  OrgRule = "method"
	RuleFresh   OrgRule = "fresh"
)

// Unmet is a rule that an identity does not meet.
type Unmet struct {
	Rule OrgRule
	// Wanted are the kinds of proof of which one would meet it; none means any.
	Wanted []FactorKind
}

// Unmet returns the rules that an identity does not meet, in the order in which they
// are to be met.
func (r *OrgRules) Unmet(id *Identity, now time.Time) (unmet []Unmet) {
	if r.TwoStep && id.Level < AAL2 && !id.Trusted {
		unmet = append(unmet, Unmet{RuleTwoStep, id.Raising()})
	}
	if len(r.Methods) > 0 && id.ProvenAt(r.Methods...).IsZero() {
		unmet = append(unmet, Unmet{RuleMethod, r.Methods})
	}
	if r.MaxAge > 0 && now.Sub(id.ProvenAt()) > r.MaxAge {
		unmet = append(unmet, Unmet{Rule: RuleFresh})
	}
	return unmet
}
