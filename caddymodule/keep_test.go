package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/session"
)

// TestFormBeforeTheEngineHasStarted: a browser that is known posts one while the stores
// have not been reached yet. Nothing can be kept, and it is told to sign in.
func TestFormBeforeTheEngineHasStarted(t *testing.T) {
	g := provisioned(t, lastingDir(t), everywhere, "", "sigra")
	kept := g.seen()
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/notes", strings.NewReader("a=b"))
	for name, value := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin",
		"Cookie": session.CookieFor(false, "").DeviceName() + "=" + strings.Repeat("A", 120),
	} {
		r.Header.Set(name, value)
	}
	w := g.do(t, prepare(r))
	if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "/resend/") || *kept != nil {
		t.Errorf("%d %s; the app saw %v", w.Code, w.Body, *kept)
	}
}
