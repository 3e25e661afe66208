package password

import (
	"encoding/base64"
	"errors"
	"strings"
)

// stored is a hash as it was read from a database.
type stored interface {
	// verify compares in constant time. Other systems hashed a password as it was
	// typed, we do so in its normal form; either is right.
	verify(typed, normal string) bool
	// current reports whether a new hash would be made the same way.
	current(p Params) bool
}

// parsers are the formats that are known, ours first. Each refuses what asks for
// more work than an imported hash may.
var parsers = []func(string) (stored, error){parseArgon2id, parseBcrypt, parsePBKDF2, parseScrypt}

// ErrUnknownHash says that a stored hash is of no known format, or asks for more
// work than is allowed.
var ErrUnknownHash = errors.New("not a hash of a known format, or one that asks for too much work")

func parse(text string) (stored, error) {
	for _, parser := range parsers {
		if s, err := parser(text); err == nil {
			return s, nil
		}
	}
	return nil, ErrUnknownHash
}

// Recognize reports whether a hash from elsewhere can be verified: an Argon2id,
// PBKDF2 or scrypt hash as PHC string or as Passlib or Django write it, or a
// bcrypt hash. It fails with ErrUnknownHash.
func Recognize(hash string) error {
	_, err := parse(hash)
	return err
}

// maxHash bounds a stored hash, in bytes.
const maxHash = 512

// decode64 decodes base64 with or without padding, and with the dot for the plus
// that Passlib writes.
func decode64(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.ReplaceAll(text, ".", "+"), "="))
}
