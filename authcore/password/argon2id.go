package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	saltLength = 16
	tagLength  = 32
)

// Bounds on what a hash may ask for, see Params.Valid.
const (
	maxMemory  = 1 << 20 // KiB: 1 GiB
	maxTime    = 16
	maxThreads = 16
	maxSalt    = 64
	maxTag     = 64
)

// argon2idHash is an Argon2id hash with what is needed to verify it.
type argon2idHash struct {
	Params
	salt, tag []byte
}

func newArgon2id(p Params, password []byte) argon2idHash {
	salt := make([]byte, saltLength)
	rand.Read(salt) // never fails since Go 1.24
	return argon2idHash{p, salt, argon2.IDKey(password, salt, p.Time, p.Memory, p.Threads, tagLength)}
}

func (a argon2idHash) current(p Params) bool { return a.Params == p }

func (a argon2idHash) verify(typed, normal string) bool {
	return a.matches([]byte(normal)) || typed != normal && a.matches([]byte(typed))
}

func (a argon2idHash) matches(password []byte) bool {
	tag := argon2.IDKey(password, a.salt, a.Time, a.Memory, a.Threads, uint32(len(a.tag)))
	return subtle.ConstantTimeCompare(tag, a.tag) == 1
}

// String returns the PHC string.
func (a argon2idHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		a.Memory, a.Time, a.Threads, b64.EncodeToString(a.salt), b64.EncodeToString(a.tag))
}

// parseArgon2id reads a PHC string, strictly: what would not be written the
// same way is refused.
func parseArgon2id(phc string) (stored, error) {
	parts := strings.Split(phc, "$")
	if len(phc) > 256 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return nil, ErrUnknownHash
	}
	var a argon2idHash
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return nil, ErrUnknownHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.Memory, &a.Time, &a.Threads); err != nil {
		return nil, ErrUnknownHash
	}
	var err1, err2 error
	a.salt, err1 = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	a.tag, err2 = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err1 != nil || err2 != nil || !a.sane() || a.String() != phc {
		return nil, ErrUnknownHash
	}
	return a, nil
}

func (a argon2idHash) sane() bool {
	return a.Valid() && len(a.salt) >= 8 && len(a.salt) <= maxSalt && len(a.tag) >= 16 && len(a.tag) <= maxTag
}
