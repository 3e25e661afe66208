package ui

import (
	"context"
	"net/http"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
)

func TestWhoami(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/_auth/whoami", "/_auth/account"} {
		w := p.get(path, "Cookie", cookieLine(), "Accept", asJSON)
		want(t, w, http.StatusOK)
		wantHeader(t, w, "Cache-Control", "no-store")
		got := decode(t, w)
		for key, value := range map[string]any{"sub": "user-1", "sid": "this", "email": "ada@example.com", "email_verified": true, "name": "Ada", "acr": "aal1"} {
			if got[key] != value {
				t.Errorf("%s: %v, want %v", key, got[key], value)
			}
		}
		if amr := got["amr"].([]any); len(amr) != 1 || amr[0] != "pwd" {
			t.Errorf("amr: %v", amr)
		}
	}
}

func TestWhoamiAnswersInJSONAlways(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/whoami", "Cookie", cookieLine())
	want(t, w, http.StatusOK)
	wantHeader(t, w, "Content-Type", asJSON)
	w = p.get("/_auth/whoami")
	want(t, w, http.StatusUnauthorized)
	wantHeader(t, w, "Content-Type", "application/problem+json")
	wantHeader(t, w, "Www-Authenticate", `Bearer realm="sigra"`)
	p.sessions.err = authcore.ErrUnavailable
	w = p.get("/_auth/whoami", "Cookie", cookieLine())
	want(t, w, http.StatusServiceUnavailable)
	wantHeader(t, w, "Retry-After", "5")
	wantHeader(t, w, "Content-Type", "application/problem+json")
}

func TestJWKS(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/jwks.json", "Cookie", cookieLine())
	want(t, w, http.StatusOK, `{"keys":[]}`)
	wantHeader(t, w, "Content-Type", "application/jwk-set+json")
	wantHeader(t, w, "Cache-Control", "public, max-age=300")
	wantHeader(t, w, "Etag", `"etag-1"`)
	wantHeader(t, w, "Vary", "")
	for match, status := range map[string]int{`"etag-1"`: 304, `W/"etag-1"`: 304, `"x", "etag-1"`: 304, `"etag-2"`: 200, "": 200} {
		w := p.get("/_auth/jwks.json", "If-None-Match", match)
		if w.Code != status || status == 304 && w.Body.Len() > 0 {
			t.Errorf("%s: %d %s", match, w.Code, w.Body)
		}
	}
	if p.sessions.reads.Load() > 0 {
		t.Error("the public keys cost a look for a session")
	}
}

func TestHealthz(t *testing.T) {
	report := map[string]string{"database": "ok", "sessions": "ok"}
	p := newPortal(t, func(o *Options) { o.Health = func(context.Context) map[string]string { return report } })
	w := p.get("/_auth/healthz")
	if want(t, w, http.StatusOK); decode(t, w)["status"] != "ok" {
		t.Errorf("%s", w.Body)
	}
	report["sessions"] = "unavailable"
	w = p.get("/_auth/healthz")
	want(t, w, http.StatusServiceUnavailable, "unavailable")
	if decode(t, w)["status"] != "degraded" {
		t.Errorf("%s", w.Body)
	}
	want(t, newPortal(t).get("/_auth/healthz"), http.StatusOK)
}

func TestWhoAmITellsTheActiveOrganization(t *testing.T) {
	p := newPortal(t)
	if answer := decode(t, p.see("/whoami")); answer["org_id"] != nil {
		t.Errorf("%v", answer)
	}
	p.sessions.live.Identity.Org = p.orgs.mine[0]
	if answer := decode(t, p.see("/whoami")); answer["org_id"] != "1" || answer["org_slug"] != "acme" || answer["org_name"] != "Acme & Co" || answer["org_role"] != "owner" {
		t.Errorf("%v", answer)
	}
}
