package ui

import (
	"net/url"
	"path"
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
// hosts, and a layer in between may decode `/%2fx` once more. It must not lead
// back into the portal's actions either, such as signing out, nor in circles
// through sign-in. So only a plain local path passes, or an absolute address
// whose origin the operator configured.
func (v *visit) returnTo(raw string) string {
	if address, ok := localPath(raw); ok && !v.isPortalAction(address) {
		return address
	}
	if address, ok := v.configured(raw); ok && !v.isPortalAction(address) {
		return address
	}
	return v.facts.Base + "/account"
}

// localPath returns the address if it is a path of this host in every
// reading.
func localPath(raw string) (string, bool) {
	if raw == "" || len(raw) > maxReturn || raw[0] != '/' || strings.ContainsFunc(raw, unsafeRune) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	return raw, !ambiguous(u.Path)
}

// ambiguous reports whether a path means something else after it is decoded
// once or twice more: another host, another line of a header, or, by its dot
// segments, another path. Addresses that browsers come from hold none of that.
func ambiguous(decoded string) bool {
	for range 3 {
		if strings.HasPrefix(decoded, "//") || strings.HasPrefix(decoded, `/\`) || strings.ContainsFunc(decoded, isControl) {
			return true
		}
		for segment := range strings.SplitSeq(strings.ReplaceAll(decoded, `\`, "/"), "/") {
			if segment == "." || segment == ".." {
				return true
			}
		}
		again, err := url.PathUnescape(decoded)
		if err != nil || again == decoded {
			return false
		}
		decoded = again
	}
	return false
}

// configured returns the address if it is a web address that the operator's
// configuration accepts.
func (v *visit) configured(raw string) (string, bool) {
	if v.facts.Returns == nil || len(raw) > maxReturn || strings.ContainsFunc(raw, unsafeRune) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || ambiguous(u.Path) {
		return "", false
	}
	return v.facts.Returns(raw)
}

// unsafeRune reports runes that browsers drop or turn into slashes, and those
// that an address holds only in encoded form.
func unsafeRune(r rune) bool { return r == ' ' || isControl(r) || r == '\\' || r > 0x7f }

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// isPortalAction reports whether an address is in the portal, other than a page
// of the account.
func (v *visit) isPortalAction(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	below, inside := strings.CutPrefix(strings.ToLower(path.Clean("/"+u.Path)), strings.ToLower(v.facts.Base))
	if !inside || below != "" && below[0] != '/' {
		return false
	}
	return below != "" && below != "/account" && below != "/account/sessions"
}
