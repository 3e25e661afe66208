package ui

import (
	"net/url"
	"strings"
)

// maxReturn bounds an address to return to, in bytes.
const maxReturn = 2048

// returnTo returns where a visitor goes after an action: the address that was
// asked for if it is safe, else their account.
//
// The address comes from the query string, so anybody can write it. It must
// not lead off the site (phishing after a real sign-in), which browsers are
// generous about: they take `//x`, `/\x`, `/<tab>/x` and `https:x` for other
// hosts. It must not lead back into the portal's actions either, such as
// signing out. So only a plain local path passes, or an absolute address whose
// origin the operator configured.
func (v *visit) returnTo(raw string) string {
	if path, ok := localPath(raw); ok && !v.isPortalAction(path) {
		return path
	}
	if v.facts.Returns != nil && len(raw) <= maxReturn && !strings.ContainsFunc(raw, unsafeRune) {
		if address, ok := v.facts.Returns(raw); ok {
			return address
		}
	}
	return v.facts.Base + "/account"
}

// localPath returns the address if it is a path of this host in every
// reading.
func localPath(raw string) (string, bool) {
	if len(raw) == 0 || len(raw) > maxReturn || raw[0] != '/' || strings.ContainsFunc(raw, unsafeRune) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	// What follows the first slash must not be another one, also when a layer
	// in between decodes the path once more, or twice.
	decoded := u.Path
	for range 2 {
		if strings.HasPrefix(decoded, "//") || strings.HasPrefix(decoded, `/\`) || strings.ContainsFunc(decoded, unsafeRune) {
			return "", false
		}
		again, err := url.PathUnescape(decoded)
		if err != nil {
			break
		}
		decoded = again
	}
	if strings.HasPrefix(decoded, "//") || strings.HasPrefix(decoded, `/\`) {
		return "", false
	}
	return raw, true
}

// unsafeRune reports runes that browsers drop or turn into slashes.
func unsafeRune(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r > 0x7f }

// isPortalAction reports whether a path is in the portal, other than a page of
// the account.
func (v *visit) isPortalAction(path string) bool {
	u, err := url.Parse(path)
	if err != nil {
		return true
	}
	below, inside := strings.CutPrefix(strings.ToLower(cleanPath(u.Path)), strings.ToLower(v.facts.Base))
	if !inside || below != "" && below[0] != '/' {
		return false
	}
	return below != "" && below != "/" && below != "/account" && below != "/account/sessions"
}
