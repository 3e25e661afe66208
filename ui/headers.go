package ui

import (
	"net/http"
)

// secure sets the headers of every answer of the portal.
func secure(h http.Header, r *http.Request, facts Request) {
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Accept")
	h.Set("Content-Security-Policy", contentPolicy(""))
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", referrerPolicy(r, facts))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// contentPolicy allows nothing but our own files; no frame may hold our buttons
// (clickjacking), and a form leads to the portal alone, or on from there to
// one other origin.
func contentPolicy(formTarget string) string {
	target := "'self'"
	if formTarget != "" {
		target += " " + formTarget
	}
	return "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"form-action " + target + "; frame-ancestors 'none'; base-uri 'none'"
}

// referrerPolicy hides the address of a page that holds a secret. Elsewhere
// the site itself may see it: browsers that send no Sec-Fetch-Site would post
// our forms with "Origin: null" otherwise, which is refused.
func referrerPolicy(r *http.Request, facts Request) string {
	if IsSecret(r.URL, facts.Base) {
		return "no-referrer"
	}
	return "same-origin"
}
