package deletion

import (
	"strings"

	"github.com/sigra-auth/sigra/authcore"
)

// SoleOwnerError says that other members of organizations would be left without
// an owner: the organizations must be passed on, or deleted, first.
type SoleOwnerError struct {
	// Orgs are ordered by slug.
	Orgs []authcore.Org
}

func (e *SoleOwnerError) Error() string {
	slugs := make([]string, len(e.Orgs))
	for i, o := range e.Orgs {
		slugs[i] = o.Slug
	}
	return "the account is the only owner of " + strings.Join(slugs, ", ") + ": make another member owner first"
}
