package authcore

import "time"

// CredentialKind says what a request proved its identity with.
type CredentialKind string

// The kinds of credential that can carry an identity.
const (
	// KindSession is a browser session resumed from the cookie.
	KindSession CredentialKind = "session"
)

// AssuranceLevel is the authenticator assurance level of NIST SP 800-63B-4.
type AssuranceLevel string

// The assurance levels that Sigra distinguishes. Their lexical order is their
// order of strength.
const (
	// AAL1 is one factor.
	AAL1 AssuranceLevel = "aal1"
	// AAL2 is two factors, or one passkey with user verification.
	AAL2 AssuranceLevel = "aal2"
)

// Identity answers who is asking, in which organization, how strongly proven
// and acting for whom. It is a snapshot that a session carries, so that a
// request needs no database; a change of the user rewrites or ends the
// sessions that carry it. It is immutable once published.
type Identity struct {
	UserID        string         `json:"sub"`
	SessionID     string         `json:"sid"`
	Kind          CredentialKind `json:"kind"`
	Email         string         `json:"email"`
	EmailVerified bool           `json:"verified,omitzero"`
	Name          string         `json:"name,omitzero"`
	// Language is that of the user, see User.
	Language string `json:"lang,omitzero"`
	// Profile is that of the user, see User.
	Profile map[string]string `json:"profile,omitempty"`
	// Held is why the user is not let through, see Hold.
	Held Hold `json:"held,omitzero"`
	// Role is the platform role of the user, see RoleAdmin.
	Role string `json:"role,omitzero"`
	// Org is the active organization, one of Orgs; see Belong and In.
	Org Org `json:"org,omitzero"`
	// Orgs are the organizations that the user belongs to.
	Orgs []Org `json:"orgs,omitempty"`
	// Actor is the id of the admin who impersonates the user, else empty.
	Actor string `json:"act,omitzero"`
	// Scopes limit what an API credential may do; empty for sessions.
	Scopes []string `json:"scopes,omitempty"`
	// Level is the assurance level that Factors add up to.
	Level AssuranceLevel `json:"aal"`
	// Factors are the proofs given in this session, oldest first; see Prove.
	Factors []Factor `json:"factors"`
	// Pending says that a second factor is due: until then the session can do
	// nothing but take it.
	Pending bool `json:"pending,omitzero"`
	// Trusted says that no second factor was asked for because the user trusts
	// the browser.
	Trusted bool `json:"trusted,omitzero"`
	// Skipped says that no second factor was asked for because the site that the
	// session was made at asks for none. Other sites must not take it for more:
	// with a shared cookie, whoever knows the password would come in by the site
	// that asks least.
	Skipped bool `json:"skipped,omitzero"`
	// AuthTime is when the user first signed in to this session.
	AuthTime time.Time `json:"auth_time"`
	// Site is the public origin that the session was made at.
	Site string `json:"site,omitzero"`
}

// Describe returns the identity with what an account says of its user; what the
// session says stays.
func (id Identity) Describe(u User) Identity {
	id.UserID, id.Email, id.EmailVerified = u.ID, u.Email, u.EmailVerified()
	id.Name, id.Role, id.Language, id.Profile, id.Held = u.Name, u.Role, u.Language, u.Profile, u.Hold()
	if !u.TwoStep() { // there is no second factor that could have been left out
		id.Trusted, id.Skipped = false, false
	}
	return id
}

// Hold returns why the user is not let through, or nothing.
func (id *Identity) Hold() Hold {
	if id.Pending {
		return HoldSecondFactor
	}
	if id.Held == "" && !id.EmailVerified {
		return HoldConfirm
	}
	return id.Held
}

// Groups returns the roles of the identity as apps read them: the platform
// role, and the role in the active organization as "org:role".
func (id *Identity) Groups() []string {
	var groups []string
	if id.Role != "" {
		groups = append(groups, id.Role)
	}
	if id.Org.Slug != "" && id.Org.Role != "" {
		groups = append(groups, id.Org.Slug+":"+id.Org.Role)
	}
	return groups
}
