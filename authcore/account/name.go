package account

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// cleanName returns a display name in NFC, on one line, without control and
// format characters: the name is shown to others and must not disguise itself
// by bidirectional overrides.
func cleanName(raw string) string {
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
