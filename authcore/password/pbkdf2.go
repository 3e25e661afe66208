package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"
	"strconv"
	"strings"
)

// maxIterations bounds what an imported hash may ask for (about two seconds).
const maxIterations = 5_000_000

// pbkdf2Hash is a PBKDF2 hash (RFC 8018 section 5.2) with what is needed to
// verify it.
type pbkdf2Hash struct {
	digest     func() hash.Hash
	iterations int
	salt, tag  []byte
}

// digests are the pseudorandom functions, by the names that formats give them.
var digests = map[string]func() hash.Hash{
	"pbkdf2": sha1.New, "pbkdf2-sha1": sha1.New, "pbkdf2-sha256": sha256.New, "pbkdf2-sha512": sha512.New,
}

// parsePBKDF2 reads `$pbkdf2-sha256$<iterations>$<salt>$<hash>` (Passlib), the
// same with `i=<iterations>` (PHC), and `pbkdf2_sha256$<iterations>$<salt>$<hash>`
// with the salt as text (Django).
func parsePBKDF2(text string) (stored, error) {
	parts := strings.Split(text, "$")
	if len(text) > maxHash || len(parts) < 4 {
		return nil, ErrUnknownHash
	}
	django := parts[0] != ""
	if !django {
		parts = parts[1:]
	}
	if len(parts) != 4 {
		return nil, ErrUnknownHash
	}
	name := parts[0]
	if django {
		name = strings.ReplaceAll(name, "_", "-")
	}
	h := pbkdf2Hash{digest: digests[name], salt: []byte(parts[2])}
	iterations, length, told := strings.Cut(strings.TrimPrefix(parts[1], "i="), ",") // PHC may tell the length too
	var err, saltErr error
	h.iterations, err = strconv.Atoi(iterations)
	if !django {
		h.salt, saltErr = decode64(parts[2])
	}
	tag, tagErr := decode64(parts[3])
	h.tag = tag
	if told && length != "l="+strconv.Itoa(len(tag)) {
		return nil, ErrUnknownHash
	}
	if h.digest == nil || err != nil || saltErr != nil || tagErr != nil || !h.sane() {
		return nil, ErrUnknownHash
	}
	return h, nil
}

func (h pbkdf2Hash) sane() bool {
	return h.iterations >= 1 && h.iterations <= maxIterations && len(h.salt) >= 1 && len(h.salt) <= maxSalt &&
		len(h.tag) >= 16 && len(h.tag) <= maxTag
}

func (h pbkdf2Hash) verify(typed, normal string) bool {
	return h.matches(typed) || typed != normal && h.matches(normal)
}

func (h pbkdf2Hash) matches(password string) bool {
	tag, err := pbkdf2.Key(h.digest, password, h.salt, h.iterations, len(h.tag))
	return err == nil && subtle.ConstantTimeCompare(tag, h.tag) == 1
}

func (pbkdf2Hash) current(Params) bool { return false }
