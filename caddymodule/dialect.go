package caddymodule

import (
	"maps"
	"slices"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
)

// claim says which part of an identity a header carries.
type claim int

const (
	claimUserID claim = iota
	claimUser         // the verified address, what most apps take for the name of an account
	claimEmail
	claimName
	claimGroups
	claimOrgSlug
	claimOrgID
	claimOrgRole
	claimActor
)

// field is one header of a dialect.
type field struct {
	name  string
	claim claim
}

// dialect is a set of headers that apps read.
type dialect []field

// ownFields are set in every dialect.
var ownFields = dialect{
	{"Sigra-User", claimUserID},
	{"Sigra-Org", claimOrgSlug},
	{"Sigra-Org-Id", claimOrgID},
	{"Sigra-Org-Role", claimOrgRole},
	{"Sigra-Actor", claimActor},
}

// dialects are the header families that unmodified apps read, by the word that
// selects them. All of them are deleted from every request, whichever is
// selected: an app may read one that its operator did not think of.
var dialects = map[string]dialect{
	"remote": {
		{"Remote-User", claimUser}, {"Remote-Email", claimEmail},
		{"Remote-Name", claimName}, {"Remote-Groups", claimGroups},
	},
	"webauth": {
		{"X-Webauth-User", claimUser}, {"X-Webauth-Email", claimEmail},
		{"X-Webauth-Fullname", claimName}, {"X-Webauth-Name", claimName}, {"X-Webauth-Groups", claimGroups},
	},
	"forwarded": {
		{"X-Forwarded-User", claimUser}, {"X-Forwarded-Email", claimEmail},
		{"X-Forwarded-Preferred-Username", claimUser}, {"X-Forwarded-Groups", claimGroups},
	},
	"auth_request": {
		{"X-Auth-Request-User", claimUser}, {"X-Auth-Request-Email", claimEmail},
		{"X-Auth-Request-Preferred-Username", claimUser}, {"X-Auth-Request-Groups", claimGroups},
	},
}

// dialectNames are the words that select a dialect.
func dialectNames() []string { return slices.Sorted(maps.Keys(dialects)) }

func (d dialect) names() []string {
	names := make([]string, len(d))
	for i, f := range d {
		names[i] = f.name
	}
	return names
}

// valueOf returns what a header carries for an identity; empty means that the
// header must not be sent.
func valueOf(c claim, id *authcore.Identity, separator string) string {
	switch c {
	case claimUserID:
		return id.UserID
	case claimUser, claimEmail:
		return verifiedEmail(id)
	case claimName:
		return id.Name
	case claimGroups:
		return strings.Join(id.Groups(), separator)
	case claimOrgSlug:
		return id.Org.Slug
	case claimOrgID:
		return id.Org.ID
	case claimOrgRole:
		return id.Org.Role
	default:
		return id.Actor
	}
}

// verifiedEmail returns the address only when it was proven: an unverified one
// could be somebody else's.
func verifiedEmail(id *authcore.Identity) string {
	if !id.EmailVerified {
		return ""
	}
	return id.Email
}
