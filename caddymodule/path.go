package caddymodule

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// isAmbiguous reports whether the app might understand the request as one for
// another path or method than the matchers see: encoded slashes and
// backslashes, dot segments, empty segments, path parameters, double encoding,
// encoded question marks and hashes, control characters, broken UTF-8, letters
// that some take for dots and slashes, segments that end in a dot or a space,
// which Windows drops, and a parameter that names another method. Such a request
// is legal, and some apps need one (`group%2Fproject`), so it is not refused; but
// it gets no favour from any matcher.
func isAmbiguous(u *url.URL) bool {
	return ambiguousPath(u.Path) || hasEncodedSeparator(u.RawPath) || hasMethodParameter(u.RawQuery)
}

// ambiguousPath judges a path that was decoded once.
func ambiguousPath(path string) bool {
	if path == "" || path[0] != '/' {
		return path != "*"
	}
	ascii := true
	for i := range len(path) {
		switch c := path[i]; {
		case c < ' ' || c == 0x7f, c == '\\', c == ';', c == '%', c == '?', c == '#':
			return true
		case c == '/' && i > 0 && endsBadly(path[i-1]):
			return true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if last := path[len(path)-1]; last != '/' && endsBadly(last) {
		return true
	}
	return !ascii && (!utf8.ValidString(path) || strings.ContainsFunc(path, folds))
}

// endsBadly reports whether a segment that ends so may be none to some, or another
// one. Dot segments do.
func endsBadly(last byte) bool { return last == '/' || last == '.' || last == ' ' }

// folds reports whether some apps take a letter for a dot, a slash, a backslash, a
// percent sign or a semicolon: by NFKC, or by the best fit of a Windows code page.
func folds(r rune) bool {
	switch r {
	case '\uff0e', '\ufe52', '\u2024', '\u2025', '\ufe30', // full-width and small full stops, leaders
		'\uff0f', '\u2044', '\u2215', '\u29f8', // full-width solidus, fraction, division, big solidus
		'\u2100', '\u2101', '\u2105', '\u2106', // a/c, a/s, c/o, c/u
		'\uff3c', '\ufe68', '\u2216', '\u29f5', '\u29f9', // full-width and small reverse solidus, set minus
		'\uff05', '\ufe6a', '\uff1b', '\ufe54', '\ufe14', '\u037e': // percent signs, semicolons
		return true
	}
	return false
}

// hasEncodedSeparator judges the path as it was sent, which net/url keeps when
// decoding loses something.
func hasEncodedSeparator(raw string) bool {
	for i := strings.IndexByte(raw, '%'); i >= 0 && i+2 < len(raw); {
		switch strings.ToLower(raw[i+1 : i+3]) {
		case "2f", "5c", "2e", "25", "3b":
			return true
		}
		next := strings.IndexByte(raw[i+1:], '%')
		if next < 0 {
			break
		}
		i += next + 1
	}
	return false
}

// hasMethodParameter looks for the parameter _method, in any spelling.
func hasMethodParameter(query string) bool {
	if !strings.Contains(query, "=") {
		return false
	}
	for pair := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		key, _, _ := strings.Cut(pair, "=")
		if len(key) < len(methodParameter) {
			continue
		}
		if decoded, err := url.QueryUnescape(key); err != nil || strings.EqualFold(phpName(decoded), methodParameter) {
			return true
		}
	}
	return false
}

const methodParameter = "_method"

// phpName is how PHP reads the name of a parameter: spaces and dots are underscores,
// what comes before the name is dropped, and a bracket or a zero byte ends it.
func phpName(name string) string {
	name = strings.TrimLeft(name, " ")
	if end := strings.IndexAny(name, "[\x00"); end > 0 {
		name = name[:end]
	}
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '.' || c == '[' {
			return '_'
		}
		return c
	}, name)
}
