package session

import (
	"slices"

	"github.com/sigra-auth/sigra/authcore"
)

// sameRights reports whether two identities of a session may do the same. If not,
// what was let through for the one must not go on for the other. Names, language
// and profile do not matter, nor does which of their organizations the user has
// made the active one.
func sameRights(a, b *authcore.Identity) bool {
	return a.Role == b.Role && a.Email == b.Email && a.EmailVerified == b.EmailVerified && a.Held == b.Held &&
		slices.EqualFunc(a.Orgs, b.Orgs, sameStanding)
}

// sameStanding compares organizations of two identities. Those of one are ordered
// by slug.
func sameStanding(a, b authcore.Org) bool {
	return a.ID == b.ID && a.Slug == b.Slug && a.Role == b.Role &&
		a.Rules.TwoStep == b.Rules.TwoStep && a.Rules.MaxAge == b.Rules.MaxAge && slices.Equal(a.Rules.Methods, b.Rules.Methods)
}
