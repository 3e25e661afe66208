package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

// moved is a gateway whose member's acme is called better now, and whose umbrella,
// which is not theirs, is called other.
func moved(t testing.TB, directive string) (*gateway, string) {
	t.Helper()
	g, cookie := two(t, directive)
	for from, to := range map[string]string{"acme": "better", "umbrella": "other"} {
		if err := g.app.orgs.ChangeSlug(t.Context(), org.Actor{}, from, to, ""); err != nil {
			t.Fatal(err)
		}
	}
	user, err := g.app.accounts.Find(t.Context(), testEmail)
	if err == nil {
		err = g.app.accounts.Refresh(t.Context(), user.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g, cookie
}

// navigate asks for a page as a browser does.
func (g *gateway) navigate(t testing.TB, host, path, cookie string) *httptest.ResponseRecorder {
	t.Helper()
	return g.at(t, host, path, cookie, "Sec-Fetch-Mode", "navigate", "Accept", "text/html")
}

func TestOldSlugLeadsMembersOn(t *testing.T) {
	const plain = "localhost:8080"
	for _, test := range []struct{ from, host, path, to string }{
		{"path /o", plain, "/o/acme", "/o/better"},
		{"path /o", plain, "/o/acme/x%20y/?a=b&c", "/o/better/x%20y/?a=b&c"},
		{"path /o", plain, "/O/acme/acme", "/O/better/acme"},
		{"path /app/o", plain, "/app/o/acme/", "/app/o/better/"},
		{"path /o", plain, "/o/%61cme/x", ""}, // spelled otherwise
		{"path /o", plain, "/o/Acme/x", ""},
		{"path /o", plain, "/o/acme/..%2fx", ""},
		{"host localhost", "acme.localhost:8080", "/x?y", "http://better.localhost:8080/x?y"},
		{"host localhost", "acme.localhost:8080", "//evil.example/x", "http://better.localhost:8080//evil.example/x"},
	} {
		g, cookie := moved(t, "sigra {\norg from "+test.from+"\n}")
		kept := g.seen()
		w := g.navigate(t, test.host, test.path, cookie)
		if got := w.Header().Get("Location"); got != test.to || w.Code != http.StatusNotFound && test.to == "" || w.Code != http.StatusSeeOther && test.to != "" {
			t.Errorf("%s%s: %d to %q", test.host, test.path, w.Code, got)
		}
		if test.to == "" {
			continue
		}
		if w.Header().Get("Cache-Control") != "no-store" || *kept != nil {
			t.Errorf("%s: %v; the app saw %v", test.path, w.Header(), *kept)
		}
		to, err := url.Parse(test.to)
		if err != nil {
			t.Fatal(err)
		}
		if to.Host == "" {
			to.Host = test.host
		}
		if w := g.navigate(t, to.Host, to.RequestURI(), cookie); w.Code == http.StatusSeeOther {
			t.Errorf("%s leads on to %s", test.to, w.Header().Get("Location"))
		}
		if w := g.at(t, test.host, test.path, cookie, "Sec-Fetch-Mode", "cors"); w.Code != http.StatusNotFound {
			t.Errorf("%s, fetched by a page: %d", test.path, w.Code)
		}
	}
}

// TestOldSlugTellsOthersNothing: it is like one that was never there.
func TestOldSlugTellsOthersNothing(t *testing.T) {
	g, cookie := moved(t, "sigra {\norg from path /o\n}")
	old, unknown := g.navigate(t, "localhost:8080", "/o/umbrella/", cookie), g.navigate(t, "localhost:8080", "/o/nosuchorg/", cookie)
	if old.Code != http.StatusNotFound || unknown.Code != http.StatusNotFound || old.Header().Get("Location") != "" {
		t.Errorf("%d and %d", old.Code, unknown.Code)
	}
	if w := g.navigate(t, "localhost:8080", "/o/acme/", "theme=dark"); w.Header().Get("Location") != "/_auth/login?return_to=%2Fo%2Facme%2F" {
		t.Errorf("anonymous: %d to %q", w.Code, w.Header().Get("Location"))
	}
	eve := g.signIn(t, func(u *account.NewUser) { u.Email = "eve@example.com" })
	if w := g.navigate(t, "localhost:8080", "/o/acme/", eve); w.Code != http.StatusNotFound {
		t.Errorf("an outsider: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

// TestOldHostLeadsToConfiguredOnes: the present slug may be no host of the site.
func TestOldHostLeadsToConfiguredOnes(t *testing.T) {
	g, cookie := moved(t, "sigra {\norg from host localhost\n}")
	g.app.hosts.gates[0].hosts = []string{"acme.localhost"}
	if w := g.navigate(t, "acme.localhost:8080", "/", cookie); w.Code != http.StatusNotFound {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestHostOfAnotherOrganization(t *testing.T) {
	for _, test := range []struct{ suffix, host, want string }{
		{"example.com", "acme.example.com", "better.example.com"}, {"example.com", "www.acme.example.com:8443", "www.better.example.com:8443"},
		{"", "acme.example.com", "better.example.com"}, {"acme.com", "acme.acme.com", "better.acme.com"},
	} {
		r := get("/")
		r.Host = test.host
		name, _, _ := strings.Cut(test.host, ":")
		if got := (OrgFrom{Source: orgFromHost, Suffix: test.suffix}).hostFor(r, &site{name: name}, "acme", "better").Host; got != test.want || r.Host != test.host {
			t.Errorf("%s below %q: %q", test.host, test.suffix, got)
		}
	}
}
