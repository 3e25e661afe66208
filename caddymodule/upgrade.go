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
