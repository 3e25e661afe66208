package policy

import (
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// unruly returns what the active organization asks for and the identity lacks.
func unruly(id *authcore.Identity, now time.Time) []Missing {
	var missing []Missing
	rules := &id.Org.Rules
	if rules.TwoStep && !twoStep(id) {
		missing = append(missing, Missing{Condition: MissingOrgTwoStep})
	}
	if len(rules.Methods) > 0 && id.ProvenAt(rules.Methods...).IsZero() {
		missing = append(missing, Missing{MissingOrgMethod, words(rules.Methods)})
	}
	if rules.MaxAge > 0 && now.Sub(id.ProvenAt()) > rules.MaxAge {
		missing = append(missing, Missing{Condition: MissingOrgFresh})
	}
	return missing
}

// MeetsRules reports whether an identity has proven what its active organization
// asks of members. Until then, no app may see it as one.
func MeetsRules(id *authcore.Identity, now time.Time) bool { return len(unruly(id, now)) == 0 }

// twoStep reports whether two-step sign-in is done, or the browser trusted.
func twoStep(id *authcore.Identity) bool { return id.Level >= authcore.AAL2 || id.Trusted }
