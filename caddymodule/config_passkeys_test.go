package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// TestRelyingParty: who passkeys are for comes from the configuration and from the
// site, which is one of the configured.
func TestRelyingParty(t *testing.T) {
	for name, test := range map[string]struct {
		passkeys PasskeysConfig
		cookie   string
		origin   string
		want     string
	}{
		"a site of its own":            {PasskeysConfig{}, "", "https://app.example.com", "app.example.com"},
		"localhost":                    {PasskeysConfig{}, "", "http://localhost:8080", "localhost"},
		"an address is no domain":      {PasskeysConfig{}, "", "http://127.0.0.1:8080", ""},
		"nor is one of version 6":      {PasskeysConfig{}, "", "http://[::1]:8080", ""},
		"sessions that are shared":     {PasskeysConfig{}, "example.com", "https://app.example.com", "example.com"},
		"a cookie domain with a dot":   {PasskeysConfig{}, ".example.com", "https://app.example.com", "example.com"},
		"another domain":               {PasskeysConfig{}, "example.com", "https://example.org", "example.org"},
		"named":                        {PasskeysConfig{RPID: "example.com"}, "", "https://app.example.com", "example.com"},
		"named, the domain itself":     {PasskeysConfig{RPID: "example.com"}, "", "https://example.com", "example.com"},
		"named, not below it":          {PasskeysConfig{RPID: "example.com"}, "", "https://evilexample.com", "evilexample.com"},
		"related":                      {PasskeysConfig{RPID: "example.com", Related: []string{"https://example.net"}}, "", "https://example.net", "example.com"},
		"not related":                  {PasskeysConfig{RPID: "example.com", Related: []string{"https://example.net"}}, "", "https://app.example.net", "app.example.net"},
		"related, by another port":     {PasskeysConfig{RPID: "example.com", Related: []string{"https://example.net"}}, "", "https://example.net:8443", "example.net"},
		"off":                          {PasskeysConfig{Off: true, RPID: "example.com"}, "", "https://example.com", ""},
		"named before the cookie's":    {PasskeysConfig{RPID: "app.example.com"}, "example.com", "https://app.example.com", "app.example.com"},
		"else the cookie's":            {PasskeysConfig{RPID: "app.example.com"}, "example.com", "https://www.example.com", "example.com"},
		"what is no address is nobody": {PasskeysConfig{}, "", ":", ""},
	} {
		a := &App{Passkeys: test.passkeys, Cookie: CookieConfig{Domain: test.cookie}}
		rp := a.relyingParty(&site{origin: test.origin})
		if rp.ID != test.want || rp.Origin != test.origin || rp.Name != "Sigra" {
			t.Errorf("%s: %+v, want %q", name, rp, test.want)
		}
	}
}

// TestNamesUnderAWildcardShareNoPasskeys: one of them may be an attacker's, who asks
// users of another for a passkey that works there.
func TestNamesUnderAWildcardShareNoPasskeys(t *testing.T) {
	a := &App{Passkeys: PasskeysConfig{RPID: "example.com"}}
	if rp := a.relyingParty(&site{origin: "https://evil.example.com", wild: true}); rp.ID != "evil.example.com" {
		t.Errorf("%+v", rp)
	}
	h := hostSet{patterns: []string{"*.example.com", "app.example.com"}}
	for host, wild := range map[string]bool{"app.example.com": false, "evil.example.com": true} {
		r := httptest.NewRequest("GET", "https://"+host+"/", nil)
		if s := h.site(r); s == nil || s.wild != wild {
			t.Errorf("%s: %+v", host, s)
		}
	}
}

// TestAsksFor: a passkey counts as long as any site would ask for it.
func TestAsksFor(t *testing.T) {
	for name, test := range map[string]struct {
		passkeys PasskeysConfig
		cookie   string
		want     []string
	}{
		"sites of their own": {PasskeysConfig{}, "", []string{"app.example.com", "wiki.example.com", "x.example.net", "localhost"}},
		"off":                {PasskeysConfig{Off: true}, "", nil},
		"shared":             {PasskeysConfig{RPID: "example.com"}, "", []string{"example.com", "x.example.net", "localhost"}},
		"a cookie domain":    {PasskeysConfig{}, ".example.com", []string{"example.com", "x.example.net", "localhost"}},
		"no site of it":      {PasskeysConfig{RPID: "example.edu"}, "", []string{"app.example.com", "wiki.example.com", "x.example.net", "localhost"}},
		"but for a related one": {PasskeysConfig{RPID: "example.edu", Related: []string{"https://port.example.org:8443", "https://elsewhere.example"}}, "",
			[]string{"app.example.com", "wiki.example.com", "x.example.net", "localhost", "example.edu"}},
		"names under a wildcard": {PasskeysConfig{RPID: "example.net"}, "", []string{"app.example.com", "wiki.example.com", "x.example.net", "localhost"}},
	} {
		a := &App{Passkeys: test.passkeys, Cookie: CookieConfig{Domain: test.cookie}}
		a.hosts.patterns = []string{"app.example.com", "wiki.example.com", "*.example.net"}
		a.hosts.origins = map[string]string{"port.example.org:8443": "https://port.example.org:8443"}
		a.locate.Do(func() {})
		for _, id := range []string{"app.example.com", "wiki.example.com", "example.com", "x.example.net", "example.net", "localhost", "example.edu", "gone.example.com", "elsewhere.example"} {
			if got := a.asksFor(id); got != slices.Contains(test.want, id) {
				t.Errorf("%s: asked for passkeys of %s: %v", name, id, got)
			}
		}
	}
}

func TestRelatedOriginsAreTold(t *testing.T) {
	g := newGateway(t, "passkeys {\nrp_id app.localhost\nrelated https://example.net\n}", "sigra")
	for name, test := range map[string]struct {
		method, host, path string
		want               int
		body               string
	}{
		"the domain's site": {"GET", "app.localhost", relatedPath, 200, `{"origins":["https://example.net"]}`},
		"another site":      {"GET", "other.localhost", relatedPath, 401, ""},
		"another path":      {"GET", "app.localhost", relatedPath + "/x", 401, ""},
		"a post":            {"POST", "app.localhost", relatedPath, 401, ""},
	} {
		r := get(test.path, "Accept", "application/json")
		r.Method, r.Host = test.method, test.host
		w := g.do(t, r)
		if w.Code != test.want || test.body != "" && w.Body.String() != test.body {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	plain := newGateway(t, "", "sigra")
	if w := plain.do(t, get(relatedPath, "Accept", "application/json")); w.Code != 401 {
		t.Errorf("without related origins: %d", w.Code)
	}
}

func TestTwoStepBySite(t *testing.T) {
	matched := caddyhttp.MatcherSets{{caddyhttp.MatchPath{"/status/*"}}}
	global, off, required := &MFAConfig{Mode: mfaRequired}, &MFAConfig{Mode: mfaOff}, &MFAConfig{Mode: mfaRequired, Roles: []string{"admin"}}
	for name, test := range map[string]struct {
		app     *MFAConfig
		gates   []*MFAConfig
		oneStep bool
	}{
		"nothing is said":              {nil, []*MFAConfig{nil}, false},
		"off everywhere":               {off, []*MFAConfig{nil}, true},
		"off here":                     {global, []*MFAConfig{off}, true},
		"off on one of two sites":      {nil, []*MFAConfig{nil, off}, false},
		"required here":                {off, []*MFAConfig{required}, false},
		"not by all that say anything": {nil, []*MFAConfig{nil, required, off}, false},
	} {
		a := &App{MFA: test.app}
		at := new(site)
		for _, c := range test.gates {
			at.gates = append(at.gates, &Gate{MFA: c, app: a})
		}
		if got := a.oneStep(at); got != test.oneStep {
			t.Errorf("%s: one step is %v", name, got)
		}
	}
	somewhere := &Gate{MFA: off, app: &App{MFA: global}, matchers: matched, Portal: defaultPortal}
	if somewhere.app.oneStep(&site{gates: []*Gate{{app: somewhere.app}, somewhere}}) {
		t.Error("some paths turn the second factor off for all")
	}
	for name, test := range map[string]struct {
		app     *MFAConfig
		beside  *Gate // without a matcher
		oneStep bool
	}{
		"nothing is said of the whole site": {nil, nil, false},
		"the app alone speaks":              {off, nil, true},
		"the app alone speaks, for it":      {global, nil, false},
		"off beside some paths":             {nil, &Gate{MFA: off}, true},
		"silence beside some paths":         {nil, new(Gate), false},
	} {
		a := &App{MFA: test.app}
		at := &site{gates: []*Gate{{app: a, matchers: matched}, {app: a, matchers: matched, MFA: required}}}
		if test.beside != nil {
			test.beside.app = a
			at.gates = append(at.gates, test.beside)
		}
		if got := a.oneStep(at); got != test.oneStep {
			t.Errorf("%s, directives with matchers: one step is %v", name, got)
		}
	}
	if err := somewhere.Validate(); !errors.Is(err, errOffSomewhere) {
		t.Errorf("off for some paths: %v", err)
	}
	if g := (&Gate{app: &App{MFA: global}}); g.mfa() != global {
		t.Error("what holds everywhere does not hold for a gate that says nothing")
	}
	for name, c := range map[string]*MFAConfig{"unknown": {Mode: "maybe"}, "roles of nothing": {Mode: mfaOptional, Roles: []string{"x"}}} {
		if c.validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if (*MFAConfig)(nil).validate() != nil {
		t.Error("none at all is refused")
	}
}

// TestSessionFromAOneStepSite: what was made where no second factor is asked of a
// user who has one passes at no gate that asks.
func TestSessionFromAOneStepSite(t *testing.T) {
	for directive, want := range map[string]int{
		"sigra": http.StatusUnauthorized, "sigra {\nmfa optional\n}": http.StatusUnauthorized, "sigra {\nmfa required\n}": http.StatusUnauthorized,
		"sigra {\nmfa off\n}": http.StatusOK,
	} {
		g := newGateway(t, "", directive)
		cookie := g.signIn(t)
		list, err := g.app.engine.sessions.List(t.Context(), g.user(t).ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		skip := func(id authcore.Identity) authcore.Identity {
			id.Skipped = true
			return id
		}
		_, err = g.app.engine.sessions.Rewrite(context.Background(), list[0].Identity.UserID, func(context.Context) (session.Change, error) { return skip, nil })
		if err != nil {
			t.Fatal(err)
		}
		if w := g.do(t, get("/", "Cookie", cookie, "Accept", "application/json")); w.Code != want {
			t.Errorf("%q: %d, want %d", directive, w.Code, want)
		}
	}
}

func (g *gateway) user(t *testing.T) authcore.User {
	t.Helper()
	user, _, err := g.app.engine.db.UserByEmail(t.Context(), testEmail)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// TestRelatedOriginsAreNormalized: they are compared with what browsers send.
func TestRelatedOriginsAreNormalized(t *testing.T) {
	c := PasskeysConfig{RPID: "example.com", Related: []string{"https://Example.net/", "https://example.org:443", "https://bücher.example", "not an origin"}}
	c.normalize()
	if want := []string{"https://example.net", "https://example.org", "https://xn--bcher-kva.example", "not an origin"}; !slices.Equal(c.Related, want) {
		t.Errorf("%q", c.Related)
	}
	a := &App{Passkeys: c}
	if rp := a.relyingParty(&site{origin: "https://example.net"}); rp.ID != "example.com" {
		t.Errorf("%+v", rp)
	}
	if c.validate() == nil {
		t.Error("what is no origin is accepted")
	}
}
