package ui

import (
	"net/http"
	"strconv"
	"strings"
)

// The endpoints below are for programs.

// whoami tells a single-page app who is signed in.
func (v *visit) whoami() error {
	if v.live == nil {
		return statusError(http.StatusUnauthorized)
	}
	id := &v.live.Identity
	body := map[string]any{
		"sub": id.UserID, "sid": id.SessionID, "email": id.Email, "email_verified": id.EmailVerified,
		"name": id.Name, "groups": append([]string{}, id.Groups()...), "acr": id.Level, "amr": id.Methods(),
		"auth_time": id.ProvenAt().Unix(),
	}
	if o := id.Org; o.ID != "" {
		body["org_id"], body["org_slug"], body["org_name"], body["org_role"] = o.ID, o.Slug, o.Name, o.Role
	}
	return v.json(http.StatusOK, body)
}

// jwks publishes the keys (RFC 7517 section 5).
func (v *visit) jwks() error {
	body, etag, maxAge := v.Keys.JWKS()
	h := v.w.Header()
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(maxAge.Seconds())))
	h.Set("Etag", etag)
	h.Del("Vary")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Content-Type", "application/jwk-set+json")
	if match := v.r.Header.Get("If-None-Match"); match != "" && strings.Contains(match, etag) {
		v.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	v.send(body)
	return nil
}

// healthz tells a load balancer whether the gateway can do its work.
func (v *visit) healthz() error {
	report := v.Health(v.r.Context())
	status, word := http.StatusOK, "ok"
	for _, state := range report {
		if state != "ok" {
			status, word = http.StatusServiceUnavailable, "degraded"
		}
	}
	return v.json(status, map[string]any{"status": word, "checks": report})
}
