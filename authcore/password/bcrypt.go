package password

import (
	"regexp"

	"golang.org/x/crypto/bcrypt"
)

// bcryptMax is what bcrypt reads of a password, in bytes. Systems that hashed
// longer ones hashed this prefix.
const bcryptMax = 72

// maxBcryptCost bounds what an imported hash may ask for (about two seconds).
const maxBcryptCost = 15

// wholeBcrypt is what a bcrypt hash looks like: 22 characters of salt and 31 of
// the hash.
var wholeBcrypt = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// bcryptHash is a bcrypt hash as text.
type bcryptHash string

func parseBcrypt(text string) (stored, error) {
	if !wholeBcrypt.MatchString(text) {
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
