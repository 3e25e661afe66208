package caddymodule

import (
	"net/http"
	"net/url"
	"strings"
)

// isSafe reports whether a method is meant to change nothing (RFC 9110 section
// 9.2.1).
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// dropUpgrade makes a plain request of one that asks for another protocol than
// WebSocket (RFC 6455 section 4.1), as a server may (RFC 9110 section 7.8). Inside of
// HTTP/2 (h2c smuggling) the client would talk to the app past every rule, with
// identity headers of its own.
func dropUpgrade(h http.Header) {
	delete(h, "Upgrade")
	delete(h, "Http2-Settings")
	if connection := h["Connection"]; len(connection) > 0 {
		set(h, "Connection", without(connection, func(token string) bool {
			return strings.EqualFold(token, "Upgrade") || strings.EqualFold(token, "HTTP2-Settings")
		}))
	}
}

func isWebSocket(upgrade []string) bool {
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket")
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
	shared := g.app.Cookie.domain() // with the hosts that get the same cookie
	return err == nil && shared != "" && isWithin(at.name, shared) && isWithin(u.Hostname(), shared) && g.app.sites().allows(u)
}
