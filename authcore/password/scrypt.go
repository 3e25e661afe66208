package password

import (
	"crypto/subtle"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"
)

const (
	// maxScryptMemory bounds what an imported hash may ask for, in bytes.
	maxScryptMemory = 256 << 20
	// maxScryptWork bounds N times r times p.
	maxScryptWork = 1 << 23
)

// scryptHash is a scrypt hash (RFC 7914) with what is needed to verify it.
type scryptHash struct {
	n, r, p   int
	salt, tag []byte
}

// parseScrypt reads `$scrypt$ln=15,r=8,p=1$<salt>$<hash>` (PHC, Passlib) and
// `scrypt$<n>$<salt>$<r>$<p>$<hash>` with the salt as text (Django).
func parseScrypt(text string) (stored, error) {
	parts := strings.Split(text, "$")
	if len(text) > maxHash {
		return nil, ErrUnknownHash
	}
	var h scryptHash
	var tag string
	var err error
	switch {
	case len(parts) == 5 && parts[0] == "" && parts[1] == "scrypt":
		var ln int
		if _, err := fmt.Sscanf(parts[2], "ln=%d,r=%d,p=%d", &ln, &h.r, &h.p); err != nil || ln < 1 || ln > 24 {
			return nil, ErrUnknownHash
		}
		h.n, tag = 1<<ln, parts[4]
		h.salt, err = decode64(parts[3])
	case len(parts) == 6 && parts[0] == "scrypt":
		for i, to := range map[int]*int{1: &h.n, 3: &h.r, 4: &h.p} {
			if *to, err = strconv.Atoi(parts[i]); err != nil {
				return nil, ErrUnknownHash
			}
		}
		h.salt, tag = []byte(parts[2]), parts[5]
	default:
		return nil, ErrUnknownHash
	}
	if err == nil {
		h.tag, err = decode64(tag)
	}
	if err != nil || !h.sane() {
		return nil, ErrUnknownHash
	}
	return h, nil
}

func (h scryptHash) sane() bool {
	return h.n > 1 && h.n&(h.n-1) == 0 && h.r >= 1 && h.r <= 64 && h.p >= 1 && h.p <= 16 &&
		h.n <= maxScryptMemory/128/h.r && h.n*h.r*h.p <= maxScryptWork &&
		len(h.salt) >= 1 && len(h.salt) <= maxSalt && len(h.tag) >= 16 && len(h.tag) <= maxTag
}

func (h scryptHash) verify(typed, normal string) bool {
	return h.matches(typed) || typed != normal && h.matches(normal)
}

func (h scryptHash) matches(password string) bool {
	tag, err := scrypt.Key([]byte(password), h.salt, h.n, h.r, h.p, len(h.tag))
	return err == nil && subtle.ConstantTimeCompare(tag, h.tag) == 1
}

func (scryptHash) current(Params) bool { return false }
