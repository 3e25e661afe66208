package assertion

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// claims are the body of an assertion.
type claims struct {
	Issuer        string   `json:"iss"`
	Audience      string   `json:"aud"`
	Subject       string   `json:"sub"`
	SessionID     string   `json:"sid,omitempty"`
	IssuedAt      int64    `json:"iat"`
	NotBefore     int64    `json:"nbf"`
	Expires       int64    `json:"exp"`
	ID            string   `json:"jti"`
	Email         string   `json:"email,omitempty"`
	EmailVerified bool     `json:"email_verified,omitempty"`
	Name          string   `json:"name,omitempty"`
	Methods       []string `json:"amr,omitempty"`
	Level         string   `json:"acr,omitempty"`
	AuthTime      int64    `json:"auth_time"`
	Groups        []string `json:"groups,omitempty"`
	OrgID         string   `json:"org_id,omitempty"`
	OrgSlug       string   `json:"org_slug,omitempty"`
	OrgName       string   `json:"org_name,omitempty"`
	OrgRole       string   `json:"org_role,omitempty"`
	Actor         *actor   `json:"act,omitempty"`
	Scope         string   `json:"scope,omitempty"`
}

// actor is who acts for the subject (RFC 8693 section 4.1).
type actor struct {
	Subject string `json:"sub"`
}

// For says whom an assertion is for and what it tells beside the identity.
type For struct {
	// Audience is the public origin of the app, Issuer the address of the pages.
	Audience, Issuer string
	// Profile are further claims, by name.
	Profile map[string]string
}

// encode returns the claims as JSON, with those of the profile behind them.
func (c claims) encode(profile map[string]string) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil || len(profile) == 0 {
		return body, err
	}
	more, err := json.Marshal(profile)
	if err != nil {
		return nil, err
	}
	return slices.Concat(body[:len(body)-1], []byte(","), more[1:]), nil
}

func claimsOf(id *authcore.Identity, f For, now, expires time.Time) claims {
	c := claims{
		Issuer: f.Issuer, Audience: f.Audience, Subject: id.UserID, SessionID: id.SessionID,
		IssuedAt: now.Unix(), NotBefore: now.Add(-skew).Unix(), Expires: expires.Unix(),
		ID: rand.Text()[:16], Name: id.Name, Methods: id.Methods(), Level: string(id.Level),
		AuthTime: id.ProvenAt().Unix(), Groups: id.Groups(),
		OrgID: id.Org.ID, OrgSlug: id.Org.Slug, OrgName: id.Org.Name, OrgRole: id.Org.Role,
	}
	if id.EmailVerified { // an unproven address could be somebody else's
		c.Email, c.EmailVerified = id.Email, true
	}
	if id.Actor != "" {
		c.Actor = &actor{id.Actor}
	}
	c.Scope = strings.Join(id.Scopes, " ")
	return c
}
