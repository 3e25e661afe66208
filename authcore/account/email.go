package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxEmail is the longest address that can be delivered to, in bytes (RFC 5321
// section 4.5.3.1.3, less the angle brackets).
const maxEmail = 254

// Email is an address in the form its owner wrote and the form under which it
// is unique.
type Email struct {
	// Display is the address in NFC. A domain beyond ASCII is in its IDNA
	// Unicode form, which holds no invisible characters.
	Display string
	// Key is the canonical form: NFKC and case-folded local part, lower-case
	// IDNA A-label domain. Two addresses with one key are one account, which
	// stops a second account behind a case-mapping trap.
	Key string
}

// ParseEmail checks an address and reports whether it can be one. It refuses
// what no mailbox needs and attacks use: control characters and white space
// (header injection), several at signs, and a local part that mixes scripts
// (look-alikes).
func ParseEmail(raw string) (Email, bool) {
	display := norm.NFC.String(strings.TrimSpace(raw))
	if len(display) > maxEmail || !utf8.ValidString(display) {
		return Email{}, false
	}
	local, domain, ok := strings.Cut(display, "@")
	if !ok || local == "" || len(local) > 64 || !validLocal(local) {
		return Email{}, false
	}
	ascii, shown, ok := parseDomain(domain)
	if !ok {
		return Email{}, false
	}
	display = local + "@" + shown
	key := cases.Fold().String(norm.NFKC.String(local))
	if key = norm.NFKC.String(key); !validLocal(key) {
		return Email{}, false
	}
	return Email{Display: display, Key: key + "@" + ascii}, len(key)+1+len(ascii) <= maxEmail && len(display) <= maxEmail
}

// parseDomain returns the canonical form of a domain, in A-labels, and the form
// that is shown. A root dot and empty labels are refused: no address has them
// (RFC 5321 section 4.1.2), and they would be a second key of one mailbox.
func parseDomain(domain string) (ascii, shown string, ok bool) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || strings.ContainsAny(ascii, "@ []") {
		return "", "", false
	}
	ascii = strings.ToLower(ascii)
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" {
			return "", "", false
		}
	}
	if !strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII }) {
		return ascii, domain, true
	}
	shown, err = idna.Lookup.ToUnicode(ascii)
	return ascii, shown, err == nil
}

// validLocal judges the part before the at sign.
func validLocal(local string) bool {
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	return oneScript(local) && !strings.ContainsFunc(local, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || invisible(r) || strings.ContainsRune(`()<>[]:;@\,"`, r)
	})
}

// invisible reports whether a character shows nothing: two addresses that look
// the same would be two accounts.
func invisible(r rune) bool {
	const blankBraille = 0x2800
	return r == blankBraille || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Cf)
}

// eastAsian are the scripts that one language writes together.
var eastAsian = []string{"Han", "Hiragana", "Katakana", "Hangul", "Bopomofo"}

// oneScript reports whether a text is written in one script, as Unicode
// Technical Standard 39 section 5.2 has it at its most restrictive level but
// one: Latin letters may stand beside East Asian ones, and beside no others,
// which hold their look-alikes.
func oneScript(text string) bool {
	used := make(map[string]bool)
	for _, r := range text {
		if r <= unicode.MaxASCII {
			used["Latin"] = used["Latin"] || unicode.IsLetter(r)
			continue
		}
		if name := scriptOf(r); name != "Common" && name != "Inherited" {
			used[name] = true
		}
	}
	delete(used, "")
	if !used["Latin"] {
		delete(used, "Latin")
	}
	asian := 0
	for _, name := range eastAsian {
		if used[name] {
			asian++
			delete(used, name)
		}
	}
	if asian > 0 {
		delete(used, "Latin")
		return len(used) == 0
	}
	return len(used) <= 1
}

func scriptOf(r rune) string {
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}
