package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore/account"
)

// seen keeps the headers of the last request that passed.
func (g *gateway) seen() *http.Header {
	kept := new(http.Header)
	g.upstream = func(_ http.ResponseWriter, r *http.Request) { *kept = r.Header.Clone() }
	return kept
}

func TestGateSendsIdentity(t *testing.T) {
	g := newGateway(t, "", "sigra")
	cookie, kept := g.signIn(t), g.seen()
	w := g.do(t, get("/", "Cookie", cookie+"; theme=dark", "Remote-User", "admin", "Remote_Groups", "root", "Sigra-Org", "evil", "Connection", "Remote-User, keep-alive"))
	for name, want := range map[string]string{
		"Remote-User": testEmail, "Remote-Email": testEmail, "Remote-Name": "Ada Lovelace", "Remote-Groups": "",
		"Sigra-Org": "", "Remote_Groups": "", "Cookie": "theme=dark", "Connection": "keep-alive",
	} {
		if got := strings.Join((*kept)[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if kept.Get("Sigra-User") == "" || strings.Count(kept.Get("Sigra-Assertion"), ".") != 2 {
		t.Errorf("headers %v", *kept)
	}
	if got := w.Header().Get("Cache-Control"); got != "private" {
		t.Errorf("Cache-Control %q", got)
	}
}

func TestUnverifiedAddressStaysInside(t *testing.T) {
	g := newGateway(t, "", "sigra {\npublic /open /both\nheaders remote webauth forwarded auth_request {\nX-Mail {http.auth.user.email}\nX-Id {http.auth.user.id}\n}\n}\nsigra /both")
	cookie, kept := g.signIn(t, func(u *account.NewUser) { u.Verified = false }), g.seen()
	w := g.do(t, get("/there", "Cookie", cookie, "Sec-Fetch-Mode", "navigate"))
	if got := w.Header().Get("Location"); got != "/_auth/confirm?return_to=%2Fthere" || *kept != nil {
		t.Errorf("led to %q, the app saw %v", got, *kept)
	}
	if w := g.do(t, get("/there", "Cookie", cookie)); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "/_auth/confirm") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := g.do(t, get("/both", "Cookie", cookie, "Sec-Fetch-Mode", "navigate")).Header().Get("Location"); !strings.HasPrefix(got, "/_auth/confirm") {
		t.Errorf("a path that is public at one gate led to %q", got)
	}
	g.do(t, get("/open", "Cookie", cookie, "X-Mail", "forged@example.com"))
	for name, values := range *kept {
		if name == "Sigra-User" || name == "Sigra-Assertion" || name == "X-Id" || strings.Contains(strings.Join(values, ""), "@") {
			t.Errorf("the app is told %s: %q of somebody with an address that nobody has proven", name, values)
		}
	}
}

func TestDialects(t *testing.T) {
	g := newGateway(t, "", "sigra {\nheaders webauth forwarded {\nREMOTE_USER {http.auth.user.id}\nX-All {http.auth.user.name}/{http.auth.user.aal}/{http.auth.user.amr}/{http.auth.user.org}\nseparator |\nencoding percent\n}\nassertion X-Jwt\n}")
	cookie := g.signIn(t, func(u *account.NewUser) { u.Name, u.Role = "Zoë", "admin" })
	kept := g.seen()
	g.do(t, get("/", "Cookie", cookie, "Remote-User", "forged"))
	want := map[string]string{
		"X-Webauth-User": testEmail, "X-Webauth-Email": testEmail, "X-Webauth-Fullname": "Zo%C3%AB", "X-Webauth-Groups": "admin",
		"X-Forwarded-User": testEmail, "X-All": "Zo%C3%AB%2Faal1%2Fpwd%2F", "Remote-User": "", "Sigra-Assertion": "",
	}
	for name, value := range want {
		if got := kept.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	const underscored = "REMOTE_" + "USER" // on the wire as it is, not canonical
	if raw := map[string][]string(*kept)[underscored]; len(raw) != 1 || raw[0] != kept.Get("Sigra-User") || kept.Get("X-Jwt") == "" {
		t.Errorf("headers %v", *kept)
	}
}

func TestAnonymous(t *testing.T) {
	g := newGateway(t, "", "@open path /open/* /mixed\nsigra {\npublic @open\nheaders {\nX-Id {http.auth.user.id}\n}\n}")
	kept := g.seen()
	for path, want := range map[string]int{"/open/x": 200, "/mixed": 200, "/": 303, "/open/..%2fsecret": 303, "/open//x": 303, "/open/%2e%2e/": 303, "/open/x;y": 303} {
		*kept = nil
		w := g.do(t, get(path, "Sec-Fetch-Mode", "navigate", "Remote-User", "forged", "X-Id", "forged", "Cookie", "sigra=garbage"))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if (*kept != nil) != (want == 200) {
			t.Errorf("%s reached the app: %v", path, *kept != nil)
		}
		for _, name := range []string{"Remote-User", "X-Id", "Cookie", "Sigra-User", "Sigra-Assertion"} {
			if kept.Get(name) != "" {
				t.Errorf("%s: the app was told %s: %q", path, name, kept.Get(name))
			}
		}
	}
}

func TestChallenge(t *testing.T) {
	g := newGateway(t, "", "sigra")
	w := g.do(t, get("/a/b?c=d&e", "Sec-Fetch-Mode", "navigate"))
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/_auth/login?return_to=%2Fa%2Fb%3Fc%3Dd%26e" {
		t.Errorf("%d to %s", w.Code, got)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	w = g.do(t, get("/api", "Sec-Fetch-Mode", "cors"))
	var problem problemJSON
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		t.Fatal(err)
	}
	if w.Code != 401 || w.Header().Get("Content-Type") != "application/problem+json" || problem.LoginURL != "http://localhost:8080/_auth/login?return_to=%2Fapi" {
		t.Errorf("%d %v %+v", w.Code, w.Header(), problem)
	}
}

func TestRequire(t *testing.T) {
	for name, test := range map[string]struct {
		require string
		want    int
	}{
		"user":         {"require user", 200},
		"right domain": {"require email_domain example.org EXAMPLE.com", 200},
		"wrong domain": {"require email_domain example.org", 403},
		"role":         {"require role admin", 403},
		"org":          {"require org acme", 403},
		"aal2":         {"require aal2", 401},
		"factor":       {"require factor totp", 401},
		"two-step":     {"mfa required", 401},
		"of admins":    {"mfa required admin", 200},
		"optional":     {"mfa optional", 200},
		"fresh":        {"require fresh 10m", 200},
		"not so fresh": {"require fresh 1ns", 401},
		"both":         {"require user\nrequire role admin", 403},
	} {
		g := newGateway(t, "", "sigra {\n"+test.require+"\n}")
		kept := g.seen()
		w := g.do(t, get("/", "Cookie", g.signIn(t), "Accept", "application/json"))
		if w.Code != test.want || (*kept != nil) != (test.want == 200) {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
	}
}

func TestRequireInternationalDomain(t *testing.T) {
	for _, domain := range []string{"bücher.example", "xn--bcher-kva.example"} {
		g := newGateway(t, "", "sigra {\nrequire email_domain "+domain+"\n}")
		cookie := g.signIn(t, func(u *account.NewUser) { u.Email = "ada@Bücher.example" })
		if w := g.do(t, get("/", "Cookie", cookie)); w.Code != http.StatusOK {
			t.Errorf("%s: %d", domain, w.Code)
		}
	}
}

func TestGatesAddUp(t *testing.T) {
	g := newGateway(t, "", "sigra\nsigra /admin/* {\nrequire role admin\n}")
	cookie, kept := g.signIn(t), g.seen()
	for path, want := range map[string]int{"/": 200, "/admin/x": 403, "/ADMIN/x": 403, "/x/..%2fadmin/x": 403, "/x//y": 403} {
		*kept = nil
		if w := g.do(t, get(path, "Cookie", cookie)); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if want == 200 && kept.Get("Remote-User") != testEmail {
			t.Errorf("%s: the second directive took the identity away: %v", path, *kept)
		}
	}
}

// TestHeadersDoNotShareLines passes two gates that set more headers together than
// there is room for, and changes each as a later handler may, in place and by adding.
func TestHeadersDoNotShareLines(t *testing.T) {
	g := newGateway(t, "", "sigra {\nheaders remote webauth\n}\nsigra /both {\nheaders forwarded auth_request {\nX-Id {http.auth.user.id}\nX-Name {http.auth.user.name}\n}\nassertion X-Jwt\n}")
	cookie := g.signIn(t)
	var once, changed http.Header
	g.upstream = func(_ http.ResponseWriter, r *http.Request) {
		once, changed = r.Header.Clone(), r.Header.Clone()
		for name := range once {
			r.Header[name][0] += "!"
			r.Header[name] = append(r.Header[name], "more")
			changed[name] = slices.Clone(r.Header[name])
			for other, values := range r.Header {
				if want := changed[other]; !slices.Equal(values, want) {
					t.Errorf("%s is %q after %s was changed, it was %q", other, values, name, want)
				}
			}
		}
	}
	g.do(t, get("/both", "Cookie", cookie))
	if len(once) <= roomForLines { // the request had none of its own that is left
		t.Fatalf("only %d headers: there is room for all", len(once))
	}
	for name, want := range map[string]string{"Remote-User": testEmail, "X-Webauth-User": testEmail, "X-Auth-Request-Email": testEmail, "X-Forwarded-Email": testEmail, "X-Name": "Ada Lovelace"} {
		if got := once[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestNarrowGateStillStrips(t *testing.T) {
	g := newGateway(t, "", "sigra /private/*")
	cookie, kept := g.signIn(t), g.seen()
	g.do(t, get("/pub", "Remote-User", "admin", "Cookie", cookie))
	if kept.Get("Remote-User") != "" || kept.Get("Cookie") != "" {
		t.Errorf("outside of the matcher, the app was told %v", *kept)
	}
}

func TestForeignHost(t *testing.T) {
	g := newGateway(t, "", "sigra")
	for _, path := range []string{"/", "/_auth/login"} {
		r := get(path, "Cookie", g.signIn(t))
		r.Host = "evil.example"
		if w := g.do(t, r); w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestHandlersOutOfOrder calls the handlers as a hand-written configuration may.
func TestHandlersOutOfOrder(t *testing.T) {
	g := newGateway(t, "", "sigra")
	passed := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { t.Error("the app was reached"); return nil })
	over := get("/_auth/login") // for an error that is handled outside of what was stripped
	g.do(t, over)
	for name, test := range map[string]struct {
		h caddyhttp.MiddlewareHandler
		r *http.Request
	}{
		"gate": {&Gate{app: g.app}, get("/")}, "portal": {&Portal{Path: "/_auth", app: g.app}, get("/_auth/login")}, "gate of errors": {&Gate{app: g.app}, over},
	} {
		if err := test.h.ServeHTTP(httptest.NewRecorder(), test.r, passed); err == nil || !strings.Contains(err.Error(), "strip handler") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignPage tells a developer why a WebSocket is refused: not for the account.
func TestForeignPage(t *testing.T) {
	g := newGateway(t, "", "sigra")
	w := g.do(t, get("/ws", "Cookie", g.signIn(t), "Connection", "Upgrade", "Upgrade", "websocket", "Origin", "https://evil.example"))
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "another origin than this site") || strings.Contains(w.Body.String(), "account") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPreflight lets the question of a browser pass that the README's matcher lets
// pass, and not what looks like it.
func TestPreflight(t *testing.T) {
	g := newGateway(t, "", "@preflight {\nmethod OPTIONS\nheader Access-Control-Request-Method *\n}\nsigra {\npublic @preflight\n}")
	ask := func(method string, headers ...string) int {
		r := get("/api", headers...)
		r.Method = method
		return g.do(t, r).Code
	}
	if code := ask("OPTIONS", "Origin", "https://spa.example.com", "Access-Control-Request-Method", "PUT"); code != http.StatusOK {
		t.Errorf("a preflight gets %d", code)
	}
	for _, code := range []int{ask("OPTIONS"), ask("GET", "Access-Control-Request-Method", "PUT")} {
		if code != http.StatusUnauthorized {
			t.Errorf("what is none gets %d", code)
		}
	}
}
