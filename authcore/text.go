package authcore

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds a [ShortText], in bytes.
const maxText = 512

// ShortText makes text that a stranger has sent fit to keep: valid UTF-8, which
// Postgres insists on, without control characters, and bounded.
func ShortText(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, text)
	if len(text) <= maxText {
		return text
	}
	cut := maxText
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
