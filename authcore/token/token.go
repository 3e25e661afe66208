// Package token makes single-use secrets for links: 256 random bits that are
// given away once and stored as their SHA-256 only, bound to a purpose.
package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// Purpose says what a token is good for; one made for one purpose is unknown
// for every other.
type Purpose string

// The purposes.
const (
	// SetUp lets its bearer create the first account.
	SetUp Purpose = "setup"
	// SignIn lets its bearer sign in once.
	SignIn Purpose = "sign_in"
	// Reset lets its bearer choose a new password.
	Reset Purpose = "reset"
	// Confirm proves the address of an account. Its payload is a short code that
	// stands for it.
	Confirm Purpose = "confirm"
	// Invite lets its bearer make an account with the address it was sent to.
	Invite Purpose = "invite"
	// OrgInvite makes its bearer a member of an organization.
	OrgInvite Purpose = "org_invite"
	// OrgDomain proves a domain of an organization; it is typed, not followed.
	OrgDomain Purpose = "org_domain"
	// ChangeEmail gives an account the address it was sent to.
	ChangeEmail Purpose = "change_email"
	// KeepEmail, sent to the address so far, voids a ChangeEmail token.
	KeepEmail Purpose = "keep_email"
	// KeptRequest brings back a form that met a session which had ended.
	KeptRequest Purpose = "kept_request"
)

// Token is a stored token.
type Token struct {
	Hash    []byte // SHA-256 of the secret
	Purpose Purpose
	UserID  string // empty when the purpose concerns no user
	// Address is the canonical address of the account when the token was made,
	// which is void once the account has another one; or of the account that an
	// Invite token is for.
	Address string
	// SignUp is the sign-up that a Confirm token belongs to.
	SignUp string
	// Payload is what else the purpose needs. It is sealed if it is a secret.
	Payload   []byte
	ExpiresAt time.Time
	CreatedAt time.Time
}

// Store keeps tokens.
type Store interface {
	// Issue stores a token and removes older ones of the same purpose and
	// user, so that the newest alone is valid.
	Issue(ctx context.Context, t Token) error
	// Peek returns a live token without consuming it, or authcore.ErrNotFound.
	Peek(ctx context.Context, hash []byte, purpose Purpose, at time.Time) (Token, error)
}

// secretLength is the length of a secret as text.
const secretLength = 43

// New returns a fresh secret for a link and the token to store.
func New(purpose Purpose, userID string, now time.Time, ttl time.Duration) (secret string, t Token) {
	var raw [32]byte
	rand.Read(raw[:]) // never fails since Go 1.24
	secret = base64.RawURLEncoding.EncodeToString(raw[:])
	hash, _ := HashOf(secret)
	return secret, Token{Hash: hash, Purpose: purpose, UserID: userID, CreatedAt: now.UTC(), ExpiresAt: now.Add(ttl).UTC()}
}

// HashOf returns the stored form of a secret and reports whether the text can
// be one at all, so that garbage never reaches a store.
func HashOf(secret string) ([]byte, bool) {
	if len(secret) != secretLength {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil {
		return nil, false
	}
	hash := sha256.Sum256(raw)
	return hash[:], true
}
