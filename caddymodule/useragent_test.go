package caddymodule

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pquerna/otp/totp"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// enroll turns two-step sign-in on, and returns the backup codes.
func (g *gateway) enroll(t *testing.T) []string {
	t.Helper()
	cookie := g.signIn(t)
	live, err := g.app.engine.sessions.Resume(t.Context(), session.CookieFor(false, "").Presented([]string{cookie})...)
	if err != nil {
		t.Fatal(err)
	}
	offer, err := g.app.twoStep.Offer(t.Context(), live)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(base32.StdEncoding.EncodeToString(offer.Secret), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	enrolled, err := g.app.twoStep.Enroll(t.Context(), live, offer.Sealed, code, authcore.Client{})
	if err != nil {
		t.Fatal(err)
	}
	return enrolled.Codes
}

// TestStrangeUserAgents: what a browser says of itself keeps nobody from signing in,
// and is kept short wherever it is kept.
func TestStrangeUserAgents(t *testing.T) {
	g := newGateway(t, "", "sigra")
	codes := g.enroll(t)
	for i, agent := range []string{"Caf\xe9/1.0", strings.Repeat("é", 50_000)} {
		w := g.do(t, post("/_auth/login", url.Values{"email": {testEmail}, "password": {testPassword}}, "User-Agent", agent))
		form := url.Values{"code": {codes[i]}, "trust": {"on"}}
		if w = g.do(t, post("/_auth/mfa/backup", form, "Cookie", sessionCookie(w), "User-Agent", agent)); w.Code != http.StatusSeeOther {
			t.Fatalf("%.10q: %d %s", agent, w.Code, w.Body)
		}
	}
	user := g.user(t)
	kept := make(map[string][]string)
	browsers, err := g.app.engine.db.Browsers(t.Context(), user.ID, user.AuthEpoch, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range browsers {
		kept["trust"] = append(kept["trust"], b.UserAgent)
	}
	sessions, err := g.app.engine.sessions.List(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		if s.UserAgent != "" { // the one that enrolled
			kept["session"] = append(kept["session"], s.UserAgent)
		}
	}
	for what, agents := range kept {
		if len(agents) != 2 {
			t.Errorf("%s: %d of 2 are kept", what, len(agents))
		}
		for _, agent := range agents {
			if !utf8.ValidString(agent) || len(agent) > 512 {
				t.Errorf("%s: %d bytes are kept: %.10q", what, len(agent), agent)
			}
		}
	}
}
