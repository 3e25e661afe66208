package caddymodule

import (
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"
)

// encodings turn a value into one that may stand in a header, by the word that
// selects them. None of them lets a control character through (header
// injection); only raw sends bytes that are not ASCII.
var encodings = map[string]func(string) string{
	"rfc2047": func(s string) string { return mime.QEncoding.Encode("utf-8", s) },
	"percent": func(s string) string { return strings.ReplaceAll(url.PathEscape(s), "%40", "@") },
	"raw":     func(s string) string { return s },
	"ascii": func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > '~' {
				return '?'
			}
			return r
		}, s)
	},
}

// defaultEncoding is what MIME says of header values outside of ASCII, and
// what Tailscale sends.
const defaultEncoding = "rfc2047"

// headerValue returns a value that is safe in a header: encoded when it is not
// plain ASCII, and never with a control character or broken UTF-8.
func headerValue(value string, encode func(string) string) string {
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "?")
	}
	value = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, value)
	for i := range len(value) {
		if value[i] >= 0x80 {
			return encode(value)
		}
	}
	return value
}
