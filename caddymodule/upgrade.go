package caddymodule

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// arrival is how a request came.
type arrival struct {
	// upgrade says that it opens a stream of another protocol: HTTP/1.1 Upgrade,
	// extended CONNECT of HTTP/2 (RFC 8441) or of HTTP/3 (RFC 9220).
	upgrade bool
	// early says that it arrived as TLS early data: it may be a replay, and the
	// address it came from is unproven. A proxy in front says so with a header (RFC
	// 8470 section 5.1).
	early bool
	// overrides says that the client asks for another method or address in a header.
	overrides bool
}

func arrivalOf(r *http.Request) arrival {
	return arrival{upgrade: r.Method == http.MethodConnect, early: r.TLS != nil && !r.TLS.HandshakeComplete}
}

// note looks at a header of the request.
func (a *arrival) note(name string, values []string, method string) {
	switch name {
	case "Upgrade", ":protocol":
		a.upgrade = true
	case "Early-Data":
		a.early = a.early || slices.Contains(values, "1")
	default:
		a.overrides = a.overrides || overrides(name, values, method)
	}
}

// isSafe reports whether a method is meant to change nothing (RFC 9110 section
// 9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// checkRisk refuses what a session cookie must not vouch for. It returns the
// status of the refusal, or zero.
func (g *Gate) checkRisk(r *http.Request, came arrival, at *site) int {
	if came.early && (!isSafe(r.Method) || came.upgrade) {
		return http.StatusTooEarly
	}
	if came.upgrade && !g.sameOrigin(r, at) {
		return http.StatusForbidden
	}
	return 0
}

// sameOrigin checks the Origin of an upgrade. Browsers send the cookie with a
// WebSocket handshake from any page and apply no CORS to it, so a foreign page
// could talk to the app as the visitor (cross-site WebSocket hijacking). Tools
// that are no browsers send none.
func (g *Gate) sameOrigin(r *http.Request, at *site) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	if strings.EqualFold(origins[0], at.origin) {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && g.app.Cookie.Domain != "" && g.app.sites().allows(u)
}
