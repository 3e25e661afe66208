package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// tokenBytes is the entropy of a session token: 256 bits.
const tokenBytes = 32

// TokenLength is the length of a token as text (base64url without padding).
const TokenLength = 43

// Token is the bearer secret in the cookie. It exists in the browser and in
// the memory of the request only; everything that is stored is its Hash.
type Token [tokenBytes]byte

// Hash is the SHA-256 of a token, the key under which a session is stored.
type Hash [sha256.Size]byte

// NewToken returns a fresh random token.
func NewToken() Token {
	var t Token
	rand.Read(t[:]) // never fails since Go 1.24
	return t
}

// ParseToken decodes a token and reports whether the text is one. Anything
// else (length, alphabet, non-canonical trailing bits) is refused here, before
// any store is asked.
func ParseToken(text string) (Token, bool) {
	var t Token
	if len(text) != TokenLength {
		return Token{}, false
	}
	n, err := canonical.Decode(t[:], []byte(text))
	return t, err == nil && n == tokenBytes
}

// canonical refuses a second spelling of the same bytes. It is made once, and not
// copied for each token.
var canonical = base64.RawURLEncoding.Strict()

// String returns the token as it stands in the cookie.
func (t Token) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// Hash returns the key under which the session of this token is stored.
func (t Token) Hash() Hash { return sha256.Sum256(t[:]) }
