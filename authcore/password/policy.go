package password

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/data"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	// minLength and maxLength are in code points after NFKC (NIST SP 800-63B-4
	// section 3.1.1.2).
	minLength = 8
	maxLength = 256
	// maxBytes bounds what is normalized at all: the longest password in its
	// longest spelling, since a code point of four bytes may be typed as up to
	// three of them (NFD).
	maxBytes = 3 * 4 * maxLength
)

var errTooLong = errors.New("too long to be a password")

// normalize returns the form that is hashed: NFKC, so that a password typed on
// another keyboard or system is the same one. It reports false for what is too
// long to be hashed.
func normalize(password string) (string, bool) {
	if len(password) > maxBytes {
		return "", false
	}
	normal := norm.NFKC.String(password)
	return normal, utf8.RuneCountInString(normal) <= maxLength
}

// Problem is why a password is not acceptable. The values are keys of the
// message catalogue.
type Problem string

// The problems.
const (
	TooShort Problem = "password_too_short"
	TooLong  Problem = "password_too_long"
	Common   Problem = "password_common"
	Context  Problem = "password_contains_context"
)

// Policy says which new passwords are acceptable. There are no rules about
// kinds of characters: they make passwords worse (NIST SP 800-63B-4 section
// 3.1.1.2).
type Policy struct {
	// MinLength is in code points after NFKC. Default and least: 8.
	MinLength int
	// Names are those of the product, which an attacker would try first.
	Names []string
}

// Least is how many characters a new password has at least.
func (p Policy) Least() int { return max(p.MinLength, minLength) }

// Check judges a new password; empty means that it is acceptable. Context are
// words that an attacker would try first: the names of the user and of the
// product.
func (p Policy) Check(password string, context ...string) Problem {
	normal, ok := normalize(password)
	if !ok {
		return TooLong
	}
	if utf8.RuneCountInString(normal) < p.Least() {
		return TooShort
	}
	folded := cases.Fold().String(normal)
	if common()[folded] {
		return Common
	}
	for _, word := range append(context, p.Names...) {
		if isMostly(folded, cases.Fold().String(norm.NFKC.String(word))) {
			return Context
		}
	}
	return ""
}

// isMostly reports whether a password is little more than a word: what is left
// without it would be no password.
func isMostly(password, word string) bool {
	if utf8.RuneCountInString(word) < 3 {
		return false
	}
	rest := strings.ReplaceAll(password, word, "")
	return rest != password && utf8.RuneCountInString(rest) < minLength/2
}

// common is zxcvbn's list of common passwords, folded, read when the first
// password is judged: it takes megabytes that most processes never need.
var common = sync.OnceValue(func() map[string]bool {
	var asset struct{ List []string }
	if err := json.Unmarshal(data.MustAsset("data/Passwords.json"), &asset); err != nil {
		panic(err) // the list is compiled in, and a test reads it
	}
	set := make(map[string]bool, len(asset.List))
	for _, password := range asset.List {
		set[cases.Fold().String(password)] = true
	}
	return set
})
