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

func isBcrypt(stored string) bool {
	if !strings.HasPrefix(stored, "$2a$") && !strings.HasPrefix(stored, "$2b$") && !strings.HasPrefix(stored, "$2y$") {
		return false
	}
	cost, err := bcrypt.Cost([]byte(stored))
	return err == nil && cost <= maxBcryptCost
}

// matchesBcrypt tries the password as it was typed, which is what other
// systems hashed, and then as we normalize it.
func matchesBcrypt(stored, typed, normal string) bool {
	if bcrypt.CompareHashAndPassword([]byte(stored), prefix(typed)) == nil {
		return true
	}
	return typed != normal && bcrypt.CompareHashAndPassword([]byte(stored), prefix(normal)) == nil
}

func prefix(password string) []byte {
	if len(password) > bcryptMax {
		password = password[:bcryptMax]
	}
	return []byte(password)
}
