package account

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxName bounds the display name, in bytes.
const maxName = 200

// CleanName returns a display name as it is kept, and what is wrong with it.
func CleanName(raw string) (name string, problem Problem) {
	if name = CleanLine(raw); len(name) > maxName {
		return name, ProblemNameTooLong
	}
	return name, ""
}

// CleanLine returns a text in NFC, on one line, without control and format
// characters: it is shown to others and must not disguise itself by
// bidirectional overrides.
func CleanLine(raw string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
			return -1
		default:
			return r
		}
	}, raw)
	return norm.NFC.String(strings.Join(strings.Fields(visible), " "))
}
