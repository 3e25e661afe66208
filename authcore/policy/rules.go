package policy

import (
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// unruly returns what the active organization asks for and the identity lacks.
func unruly(id *authcore.Identity, now time.Time) []Missing {
	var missing []Missing
	for _, unmet := range id.Org.Rules.Unmet(id, now) {
		missing = append(missing, Missing{Condition("org_" + unmet.Rule), words(unmet.Wanted)})
	}
	return missing
}

// MeetsRules reports whether an identity has proven what its active organization
// asks of members. Until then, no app may see it as one.
func MeetsRules(id *authcore.Identity, now time.Time) bool {
	return len(id.Org.Rules.Unmet(id, now)) == 0
}
