package authcore

import (
	"slices"
	"time"
)

// MaxMemberships bounds how many organizations a user can belong to: a session
// carries all of them, so that a request needs no database.
const MaxMemberships = 200

// Org is an organization that a user belongs to, with the user's role in it. The
// zero value means none.
type Org struct {
	ID   string `json:"id,omitzero"`
	Slug string `json:"slug,omitzero"`
	Name string `json:"name,omitzero"`
	Role string `json:"role,omitzero"`
	// Personal says that it is the personal workspace of the user.
	Personal bool `json:"personal,omitzero"`
	// Rules are what the organization asks of its members.
	Rules OrgRules `json:"rules,omitzero"`
}

// OrgRules are what an organization asks of its members before an app sees them
// as such. The zero value asks for nothing.
type OrgRules struct {
	// TwoStep asks for two-step sign-in. A trusted browser is enough.
	TwoStep bool `json:"two_step,omitzero"`
	// MaxAge asks for a proof no older than this; zero asks for none.
	MaxAge time.Duration `json:"max_age,omitzero"`
	// Methods asks for a proof by one of these kinds; none means any.
	Methods []FactorKind `json:"methods,omitempty"`
}

// Memberships are the organizations of a user.
type Memberships struct {
	// Orgs are all of them, ordered by slug.
	Orgs []Org
	// Last is the id of the one that the user acted in last; may be empty.
	Last string
}

// Default returns the organization that a session acts in when nobody has chosen:
// the only one, else the last one. With several and no last one it is none.
func (m Memberships) Default() Org {
	if len(m.Orgs) == 1 {
		return m.Orgs[0]
	}
	for _, org := range m.Orgs {
		if org.ID == m.Last {
			return org
		}
	}
	return Org{}
}

// Belong returns the identity with the memberships that its user has now. The
// active organization stays, as it is now; when the user belongs to it no more,
// or there was none, it is the default.
func (id Identity) Belong(m Memberships) Identity {
	active := id.Org.ID
	id.Orgs, id.Org = m.Orgs, m.Default()
	for _, org := range m.Orgs {
		if org.ID == active {
			id.Org = org
		}
	}
	return id
}

// In returns the identity as it acts in one of its organizations, by slug; in
// none when the user does not belong to it.
func (id Identity) In(slug string) Identity {
	id.Org = Org{}
	if i := slices.IndexFunc(id.Orgs, func(org Org) bool { return org.Slug == slug }); i >= 0 {
		id.Org = id.Orgs[i]
	}
	return id
}
