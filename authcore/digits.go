package authcore

import (
	"strings"
	"unicode"
)

// Digits drops what people type between the digits of a code.
func Digits(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, code)
}
