package ui

import (
	"iter"
	"net/url"
	"path"
	"slices"
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

// decodings yields a decoded path as it is and as a layer behind us may read
// it: with backslashes for slashes, and decoded once or twice more.
func decodings(decoded string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for range 3 {
			if !yield(strings.ReplaceAll(decoded, `\`, "/")) {
				return
			}
			again, err := url.PathUnescape(decoded)
			if err != nil || again == decoded {
				return
			}
			decoded = again
		}
	}
}

// ambiguous reports whether a path means something else in one of its
// decodings: another host, another line of a header, or, by its dot segments,
// another path. Addresses that browsers come from hold none of that.
func ambiguous(decoded string) bool {
	for reading := range decodings(decoded) {
		if strings.HasPrefix(reading, "//") || strings.ContainsFunc(reading, isControl) {
			return true
		}
		for segment := range strings.SplitSeq(reading, "/") {
			if segment == "." || segment == ".." {
				return true
			}
		}
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
// of the account, in any of its decodings.
func (v *visit) isPortalAction(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	base := strings.ToLower(v.facts.Base)
	for reading := range decodings(u.Path) {
		below, inside := strings.CutPrefix(strings.ToLower(path.Clean("/"+reading)), base)
		if !inside || below != "" && below[0] != '/' {
			continue
		}
		if !mayReturn(below) {
			return true
		}
	}
	return false
}

// returnable are the pages of the portal that a visitor may be led to.
var returnable = []string{
	"", "/account", "/account/profile", "/account/email", "/account/password", "/account/sessions", "/account/activity",
	"/account/data", "/account/delete", "/account/mfa", "/account/mfa/app", "/account/passkeys", "/reactivate", "/orgs", "/orgs/new",
}

// mayReturn reports whether a visitor may be led to a page of the portal: one of
// those, one of an organization, or what waits for them behind a secret.
func mayReturn(below string) bool {
	for _, prefix := range []string{emailPrefix, resendPrefix, invitationPrefix} {
		if strings.HasPrefix(below, prefix) {
			return true
		}
	}
	if of, ok := strings.CutPrefix(below, orgPrefix); ok {
		r, found := findOrg(of)
		return found && r.get != nil
	}
	return slices.Contains(returnable, below)
}
