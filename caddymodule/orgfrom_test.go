package caddymodule

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/policy"
)

func TestOrgFromIsValidated(t *testing.T) {
	for _, o := range []OrgFrom{
		{}, {Source: "session"}, {Source: "host"}, {Source: "host", Suffix: "example.com"}, {Source: "path", Prefix: "/o"},
		{Source: "path", Prefix: "/app/o"}, {Source: "header", Header: "X-Org"},
	} {
		if err := o.validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []OrgFrom{
		{Source: "cookie"}, {Source: "session", Suffix: "example.com"}, {Suffix: "example.com"}, {Source: "host", Prefix: "/o"},
		{Source: "host", Suffix: "Example.com"}, {Source: "host", Suffix: ".example.com"}, {Source: "host", Suffix: "example.com:8443"},
		{Source: "path"}, {Source: "path", Prefix: "/"}, {Source: "path", Prefix: "o"}, {Source: "path", Prefix: "/o/"}, {Source: "path", Prefix: "/o/../p"},
		{Source: "header"}, {Source: "header", Header: "X Org"}, {Source: "header", Header: "Sigra-Org"}, {Source: "header", Header: "sigra_org"},
		{Source: "header", Header: "Remote-Groups"}, {Source: "header", Header: "X-Org", Prefix: "/o"},
	} {
		if o.validate() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func TestOrgInHost(t *testing.T) {
	for _, test := range []struct{ suffix, host, want string }{
		{"example.com", "acme.example.com", "acme"}, {"example.com", "example.com", ""}, {"example.com", "acme.example.org", ""},
		{"example.com", "www.acme.example.com", "acme"}, {"example.com", "acmeexample.com", ""}, {"localhost", "acme.localhost", "acme"},
		{"", "acme.example.com", "acme"}, {"", "a.b.example.com", "a"}, {"", "example.com", ""}, {"", "localhost", ""}, {"", "127.0.0.1", ""},
	} {
		if got := (OrgFrom{Source: "host", Suffix: test.suffix}).inHost(test.host); got != test.want {
			t.Errorf("%s below %q: %q, want %q", test.host, test.suffix, got, test.want)
		}
	}
}

func TestOrgInPath(t *testing.T) {
	for _, test := range []struct{ prefix, path, want string }{
		{"/o", "/o/acme", "acme"}, {"/o", "/o/acme/x/y", "acme"}, {"/o", "/O/acme/", "acme"}, {"/o", "/o", ""}, {"/o", "/o/", ""},
		{"/o", "/other/acme", ""}, {"/o", "/", ""}, {"/o", "", ""}, {"/o", "*", ""}, {"/o", "/x/o/acme", ""}, {"/o", "/o/Acme", "Acme"},
		{"/app/o", "/app/o/acme/x", "acme"}, {"/app/o", "/App/O/acme", "acme"}, {"/app/o", "/app/o", ""}, {"/app/o", "/app/acme", ""},
		{"/kai", "/\u212aai/acme", "acme"}, // the Kelvin sign, which folds to k
	} {
		if got := (OrgFrom{Source: "path", Prefix: test.prefix}).inPath(test.path); got != test.want {
			t.Errorf("%s below %q: %q, want %q", test.path, test.prefix, got, test.want)
		}
	}
}

func TestOrgInHeader(t *testing.T) {
	o := OrgFrom{Source: "header", Header: "X-Org"}
	for name, test := range map[string]struct {
		header http.Header
		want   policy.Place
		status int
	}{
		"none":          {http.Header{"X-Organ": {"acme"}}, policy.Place{}, 0},
		"one":           {http.Header{"X-Org": {"acme"}}, policy.Place{Fixed: true, Org: "acme"}, 0},
		"as CGI has it": {http.Header{"X_Org": {"acme"}}, policy.Place{Fixed: true, Org: "acme"}, 0},
		"two":           {http.Header{"X-Org": {"acme", "acme"}}, policy.Place{}, 400},
		"two spellings": {http.Header{"X-Org": {"acme"}, "X_org": {"initech"}}, policy.Place{}, 400},
		"a list":        {http.Header{"X-Org": {"acme, initech"}}, policy.Place{}, 400},
		"empty":         {http.Header{"X-Org": {""}}, policy.Place{}, 400},
		"nonsense":      {http.Header{"X-Org": {"../acme"}}, policy.Place{}, 400},
	} {
		if got, status := o.inHeader(test.header); got != test.want || status != test.status {
			t.Errorf("%s: %+v, %d", name, got, status)
		}
	}
}

// join makes the account of tests a member of a new organization.
func (g *gateway) join(t testing.TB, slug, role string, rules ...authcore.OrgRules) {
	t.Helper()
	user, err := g.app.accounts.Find(t.Context(), testEmail)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	o := org.Org{ID: uuid.Must(uuid.NewV7()).String(), Slug: slug, Name: strings.ToUpper(slug), CreatedAt: now, UpdatedAt: now}
	for _, o.Rules = range rules {
	}
	event := audit.New(now, audit.OrgCreate, authcore.Client{})
	if err := g.app.engine.db.Orgs().Create(t.Context(), o, "", "owner", 0, event); err != nil {
		t.Fatal(err)
	}
	if role != "" {
		event = audit.New(now, audit.OrgMemberAdd, authcore.Client{})
		if err := g.app.engine.db.Orgs().Add(t.Context(), org.Authority{}, o.ID, user.ID, role, "owner", event); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.app.accounts.Refresh(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
}

// two is a gateway with a session of an owner of acme and member of initech, who
// acts in none; a third organization is not theirs.
func two(t testing.TB, directive string) (*gateway, string) {
	t.Helper()
	g := newGateway(t, "orgs anyone", directive)
	g.signIn(t) // makes the account
	g.join(t, "acme", "owner")
	g.join(t, "initech", "member")
	g.join(t, "umbrella", "")
	return g, g.signIn(t)
}

func (g *gateway) at(t testing.TB, host, path, cookie string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := get(path, append([]string{"Cookie", cookie}, headers...)...)
	r.Host = host
	return g.do(t, r)
}

// claims are those of the assertion that the app was given.
func claims(t testing.TB, h http.Header) (c map[string]any) {
	t.Helper()
	parts := strings.Split(h.Get("Sigra-Assertion"), ".")
	if len(parts) != 3 {
		t.Fatalf("no assertion in %v", h)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPlaceDecidesWhereTheUserActs(t *testing.T) {
	const whoami = "headers {\nX-Place {http.auth.user.org}/{http.auth.user.org_role}\n}\n"
	for name, test := range map[string]struct {
		from string
		ask  func(g *gateway, cookie, org string) *httptest.ResponseRecorder
	}{
		"host": {"org from host localhost", func(g *gateway, cookie, org string) *httptest.ResponseRecorder {
			return g.at(t, strings.TrimPrefix(org+".localhost:8080", "."), "/x", cookie)
		}},
		"path": {"org from path /o", func(g *gateway, cookie, org string) *httptest.ResponseRecorder {
			return g.at(t, "localhost:8080", strings.TrimSuffix("/o/"+org, "/o/")+"/x", cookie)
		}},
		"header": {"org from header X-Org", func(g *gateway, cookie, org string) *httptest.ResponseRecorder {
			if org == "" {
				return g.at(t, "localhost:8080", "/x", cookie)
			}
			return g.at(t, "localhost:8080", "/x", cookie, "x-org", org)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g, cookie := two(t, "sigra {\n"+test.from+"\n"+whoami+"}")
			kept := g.seen()
			for range 2 { // the second time from what is kept with the session
				for org, role := range map[string]string{"acme": "owner", "initech": "member", "": ""} {
					if w := test.ask(g, cookie, org); w.Code != http.StatusOK {
						t.Fatalf("%s: %d", org, w.Code)
					}
					if kept.Get("Sigra-Org") != org || kept.Get("Sigra-Org-Role") != role || kept.Get("X-Place") != strings.TrimSuffix(org+"/"+role, "/") && kept.Get("X-Place") != "/" {
						t.Errorf("%s: the app was told %v", org, *kept)
					}
					c := claims(t, *kept)
					if slug, _ := c["org_slug"].(string); slug != org || org != "" && (c["org_role"] != role || c["org_name"] != strings.ToUpper(org)) {
						t.Errorf("%s: the assertion says %v", org, c)
					}
				}
			}
			*kept = nil
			foreign, unknown := test.ask(g, cookie, "umbrella"), test.ask(g, cookie, "nosuch")
			if foreign.Code != http.StatusNotFound || unknown.Code != http.StatusNotFound || *kept != nil {
				t.Errorf("%d and %d; the app saw %v", foreign.Code, unknown.Code, *kept)
			}
			same := func(s string) string { return strings.NewReplacer("umbrella", "", "nosuch", "").Replace(s) }
			if same(foreign.Body.String()) != same(unknown.Body.String()) {
				t.Errorf("the answers differ:\n%s\n%s", foreign.Body, unknown.Body)
			}
			if w := test.ask(g, "theme=dark", "acme"); w.Code != http.StatusUnauthorized {
				t.Errorf("anonymous: %d", w.Code)
			}
		})
	}
}

func TestAmbiguousPathNamesNoOrganization(t *testing.T) {
	g, cookie := two(t, "sigra {\norg from path /o\npublic /o/acme/open/*\n}")
	kept := g.seen()
	for _, path := range []string{"/o/acme/..%2finitech/x", "/o//acme/x", "/o/acme;x/y", "/o/%61cme%2Fx", "/o/acme/%252e", "/x/..%2fo/acme", "/o/acme/open/..%2f"} {
		for _, who := range []string{cookie, "theme=dark"} {
			if w := g.at(t, "localhost:8080", path, who); w.Code != http.StatusNotFound || *kept != nil {
				t.Errorf("%s: %d, the app saw %v", path, w.Code, *kept)
			}
		}
	}
	if w := g.at(t, "localhost:8080", "/o/acme/x", cookie, "X-Original-Url", "/o/initech/x"); w.Code != http.StatusNotFound {
		t.Errorf("with another address in a header: %d", w.Code)
	}
	r := get("/o/acme/x", "Cookie", cookie)
	r.URL, _ = r.URL.Parse("/o/initech/x") // as another directive has changed it
	if w := g.do(t, r); w.Code != http.StatusNotFound {
		t.Errorf("a path that was changed: %d", w.Code)
	}
}

func TestMalformedOrganizationHeader(t *testing.T) {
	g, cookie := two(t, "sigra {\norg from header X-Org\n}")
	for _, headers := range [][]string{{"X-Org", "acme", "X-Org", "initech"}, {"X-Org", "acme,initech"}, {"X-Org", ""}} {
		if w := g.at(t, "localhost:8080", "/", cookie, headers...); w.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", headers, w.Code)
		}
	}
}

// A narrower directive comes before the one that says where the organization is
// named; it must not judge by the one that the user has made active.
func TestPlaceHoldsForEveryDirectiveOfASite(t *testing.T) {
	g, cookie := two(t, "sigra /admin/* {\nrequire org\nrequire role owner\n}\nsigra {\norg from host localhost\n}\nsigra /mine/* {\norg from session\n}")
	kept := g.seen()
	for host, want := range map[string]int{"acme.localhost:8080": 200, "initech.localhost:8080": 403, "umbrella.localhost:8080": 404, "localhost:8080": 403} {
		*kept = nil
		w := g.at(t, host, "/admin/x", cookie)
		if w.Code != want || want == 200 && kept.Get("Sigra-Org") != "acme" {
			t.Errorf("%s: %d, the app was told %v", host, w.Code, *kept)
		}
	}
	other, cookie := two(t, "sigra {\norg from host localhost\n}\nsigra /o/* {\norg from path /o\n}")
	kept = other.seen()
	if w := other.at(t, "acme.localhost:8080", "/o/initech/x", cookie); w.Code != http.StatusNotFound || *kept != nil {
		t.Errorf("two organizations in one address: %d", w.Code)
	}
	if w := other.at(t, "acme.localhost:8080", "/o/acme/x", cookie); w.Code != http.StatusOK || kept.Get("Sigra-Org") != "acme" {
		t.Errorf("the same twice: %d, %v", w.Code, *kept)
	}
}

func TestPublicPathOfAnOrganization(t *testing.T) {
	g, cookie := two(t, "sigra {\norg from host localhost\npublic *\n}")
	kept := g.seen()
	for host, want := range map[string]string{"acme.localhost:8080": "acme", "umbrella.localhost:8080": "", "localhost:8080": ""} {
		if w := g.at(t, host, "/", cookie); w.Code != http.StatusOK || kept.Get("Sigra-Org") != want || kept.Get("Remote-User") != testEmail {
			t.Errorf("%s: %d, the app was told %v", host, w.Code, *kept)
		}
	}
}

// What an organization asks of its members holds before an app sees one, also where
// nobody is asked for anything.
func TestRulesOfAnOrganization(t *testing.T) {
	g := newGateway(t, "", "sigra {\npublic /open/*\n}")
	cookie, kept := g.signIn(t), g.seen()
	g.join(t, "acme", "member", authcore.OrgRules{TwoStep: true, MaxAge: time.Hour})
	w := g.do(t, get("/x", "Cookie", cookie, "Sec-Fetch-Mode", "cors"))
	if got := w.Header().Get("Www-Authenticate"); w.Code != http.StatusUnauthorized || !strings.HasSuffix(got, `acr_values="aal2", max_age="3600"`) {
		t.Errorf("%d, %s", w.Code, got)
	}
	if w := g.do(t, get("/x", "Cookie", cookie, "Sec-Fetch-Mode", "navigate")); !strings.HasPrefix(w.Header().Get("Location"), "/_auth/step-up?") {
		t.Errorf("led to %q", w.Header().Get("Location"))
	}
	g.do(t, get("/open/x", "Cookie", cookie))
	if kept.Get("Remote-User") != testEmail || kept.Get("Sigra-Org") != "" || kept.Get("Remote-Groups") != "" || claims(t, *kept)["org_id"] != nil {
		t.Errorf("on a public path, the app was told %v", *kept)
	}
}

func TestChoosingAnOrganization(t *testing.T) {
	g, cookie := two(t, "sigra {\nrequire org\n}")
	kept := g.seen()
	w := g.do(t, get("/a?b", "Cookie", cookie, "Sec-Fetch-Mode", "navigate"))
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/_auth/orgs?return_to=%2Fa%3Fb" || *kept != nil {
		t.Errorf("%d to %q", w.Code, got)
	}
	w = g.do(t, get("/a", "Cookie", cookie, "Sec-Fetch-Mode", "cors"))
	var problem problemJSON
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != http.StatusForbidden || problem.ChooseURL != "http://localhost:8080/_auth/orgs?return_to=%2Fa" || problem.LoginURL != "" {
		t.Errorf("%d %+v, %v", w.Code, problem, err)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("the answer may be kept")
	}
	closed := newGateway(t, "", "sigra {\nrequire org\n}")
	if w := closed.do(t, get("/", "Cookie", closed.signIn(t), "Sec-Fetch-Mode", "navigate")); w.Code != http.StatusForbidden {
		t.Errorf("without pages of organizations: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

// An organization that somebody has made must not open what is for the platform's
// admins, nor the other way round.
func TestRolesOfPlatformAndOrganization(t *testing.T) {
	for name, test := range map[string]struct {
		directive, platform, role string
		want                      int
	}{
		"platform's admin":               {"require role admin", "admin", "", 200},
		"own organization's admin":       {"require role admin", "", "admin", 403},
		"organization's admin":           {"require org\nrequire role admin", "", "admin", 200},
		"platform's admin, plain member": {"require org\nrequire role admin", "admin", "member", 403},
		"owner":                          {"require org acme\nrequire role owner admin", "", "owner", 200},
	} {
		g := newGateway(t, "", "sigra {\n"+test.directive+"\n}")
		cookie := g.signIn(t, func(u *account.NewUser) { u.Role = test.platform })
		if test.role != "" {
			g.join(t, "acme", test.role)
		}
		if w := g.do(t, get("/", "Cookie", cookie)); w.Code != test.want {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
	}
}

// Names that a client makes up must not push out what is kept with its session.
func TestMadeUpNamesAreNotKept(t *testing.T) {
	g, cookie := two(t, "sigra {\norg from header X-Org\npublic *\n}")
	g.at(t, "localhost:8080", "/", cookie, "X-Org", "acme")
	signed := g.app.engine.signer.Signatures()
	for i := range 100 {
		g.at(t, "localhost:8080", "/", cookie, "X-Org", "made-up-"+string(rune('a'+i%26))+strings.Repeat("x", i/26))
	}
	g.at(t, "localhost:8080", "/", cookie, "X-Org", "acme")
	if n := g.app.engine.signer.Signatures() - signed; n != 1 {
		t.Errorf("%d signatures, want one for being outside", n)
	}
}
