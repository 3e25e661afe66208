package caddymodule

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// isAmbiguous reports whether the app might understand the request as one for
// another path or method than the matchers see: encoded slashes and
// backslashes, dot segments, empty segments, path parameters, double encoding,
// control characters, broken UTF-8, and method overrides. Such a request is
// legal, and some apps need one (`group%2Fproject`), so it is not refused; but
// it gets no favour from any matcher.
func isAmbiguous(r *http.Request) bool {
	return ambiguousPath(r.URL.Path) || hasEncodedSeparator(r.URL.RawPath) || overridesMethod(r)
}

// ambiguousPath judges a path that was decoded once.
func ambiguousPath(path string) bool {
	if path == "" || path[0] != '/' {
		return path != "*"
	}
	ascii := true
	for i := range len(path) {
		switch c := path[i]; {
		case c < ' ' || c == 0x7f, c == '\\', c == ';', c == '%':
			return true
		case c == '/' && i > 0 && path[i-1] == '/':
			return true
		case c == '.' && path[i-1] == '/' && dotSegment(path[i:]):
			return true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return !ascii && !utf8.ValidString(path)
}

// dotSegment reports whether a path continues with a segment of one or two
// dots.
func dotSegment(rest string) bool {
	segment, _, _ := strings.Cut(rest, "/")
	return segment == "." || segment == ".."
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

// overridesMethod reports whether a request asks frameworks to take it for
// another method than the one that matchers see.
func overridesMethod(r *http.Request) bool {
	for _, name := range [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		if v := r.Header[name]; len(v) > 0 && !strings.EqualFold(v[0], r.Method) {
			return true
		}
	}
	return strings.Contains(r.URL.RawQuery, "_method=")
}
