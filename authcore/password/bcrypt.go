package password

import (
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcryptMax is what bcrypt reads of a password, in bytes. Systems that hashed
// longer ones hashed this prefix.
const bcryptMax = 72

// maxBcryptCost bounds what an imported hash may ask for (about two seconds).
const maxBcryptCost = 15

// bcryptHash is a bcrypt hash as text.
type bcryptHash string

func parseBcrypt(text string) (stored, error) {
	if !strings.HasPrefix(text, "$2a$") && !strings.HasPrefix(text, "$2b$") && !strings.HasPrefix(text, "$2y$") {
		return nil, ErrUnknownHash
	}
	if cost, err := bcrypt.Cost([]byte(text)); err != nil || cost > maxBcryptCost {
		return nil, ErrUnknownHash
	}
	return bcryptHash(text), nil
}

func (h bcryptHash) verify(typed, normal string) bool {
	return h.matches(typed) || typed != normal && h.matches(normal)
}

func (h bcryptHash) matches(password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(h), prefix(password)) == nil
}

func (bcryptHash) current(Params) bool { return false }

func prefix(password string) []byte {
	if len(password) > bcryptMax {
		password = password[:bcryptMax]
	}
	return []byte(password)
}
