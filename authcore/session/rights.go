package session

import (
	"slices"

	"github.com/sigra-auth/sigra/authcore"
)

// sameRights reports whether two identities of a session may do the same. If not,
// what was let through for the one must not go on for the other. Names, language
// and profile do not matter, nor does which of their organizations the user has
// made the active one. Trust in a browser counts when it is lost, since what was let
// through for it rests on nothing then; a gain ends nothing.
func sameRights(a, b *authcore.Identity) bool {
	return a.Role == b.Role && a.Email == b.Email && a.EmailVerified == b.EmailVerified && a.Held == b.Held && a.Skipped == b.Skipped && (b.Trusted || !a.Trusted || b.Level == authcore.AAL2) &&
		slices.EqualFunc(a.Orgs, b.Orgs, sameStanding)
}

// sameStanding compares organizations of two identities. Those of one are ordered
// by slug.
func sameStanding(a, b authcore.Org) bool {
	return a.ID == b.ID && a.Slug == b.Slug && a.Role == b.Role &&
		a.Rules.TwoStep == b.Rules.TwoStep && a.Rules.MaxAge == b.Rules.MaxAge && slices.Equal(a.Rules.Methods, b.Rules.Methods)
}
