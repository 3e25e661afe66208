package caddymodule

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// arrived makes a request as Caddy's server hands it on.
func arrived(host string, secure, trusted bool, forwardedProto string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = host
	if secure {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	if forwardedProto != "" {
		r.Header.Set("X-Forwarded-Proto", forwardedProto)
	}
	vars := map[string]any{caddyhttp.TrustedProxyVarKey: trusted}
	ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars)
	return r.WithContext(context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{Port: 8443}))
}

func TestSite(t *testing.T) {
	var h hostSet
	if err := h.addOrigins([]string{"https://front.example.net", "https://other.example.net:8443"}); err != nil {
		t.Fatal(err)
	}
	h.patterns = []string{"app.example.com", "*.example.org"}
	for name, test := range map[string]struct {
		r            *http.Request
		want, cookie string
	}{
		"configured host":             {arrived("app.example.com", true, false, ""), "https://app.example.com", "__Host-sigra"},
		"other case":                  {arrived("APP.example.COM", true, false, ""), "https://app.example.com", "__Host-sigra"},
		"the listener's port":         {arrived("app.example.com:8443", true, false, ""), "https://app.example.com:8443", "__Host-sigra"},
		"another port":                {arrived("app.example.com:9999", true, false, ""), "", ""},
		"no port at all":              {arrived("app.example.com:", true, false, ""), "https://app.example.com", "__Host-sigra"},
		"nonsense for a port":         {arrived("localhost:8080;x", false, false, ""), "", ""},
		"nonsense under a wildcard":   {arrived("a;b=c.example.org", true, false, ""), "", ""},
		"wildcard":                    {arrived("a.example.org", true, false, ""), "https://a.example.org", "__Host-sigra"},
		"too deep for the wildcard":   {arrived("a.b.example.org", true, false, ""), "", ""},
		"foreign host":                {arrived("evil.example", true, false, ""), "", ""},
		"plain HTTP":                  {arrived("app.example.com", false, false, ""), "", ""},
		"behind a trusted proxy":      {arrived("app.example.com", false, true, "https"), "https://app.example.com", "__Host-sigra"},
		"proxy that is not trusted":   {arrived("app.example.com", false, false, "https"), "", ""},
		"localhost":                   {arrived("localhost:8080", false, false, ""), "http://localhost:8080", "sigra"},
		"name below localhost":        {arrived("app.localhost:8080", false, false, ""), "http://app.localhost:8080", "sigra"},
		"loopback address":            {arrived("127.0.0.1:8080", false, false, ""), "http://127.0.0.1:8080", "sigra"},
		"loopback address, version 6": {arrived("[::1]:8080", false, false, ""), "http://[::1]:8080", "sigra"},
		"looks like localhost":        {arrived("localhost.evil.example", false, false, ""), "", ""},
		"address in the network":      {arrived("192.168.1.5:8080", false, false, ""), "", ""},
		"configured origin":           {arrived("front.example.net", true, false, ""), "https://front.example.net", "__Host-sigra"},
		"configured, plain inside":    {arrived("other.example.net:8443", false, false, ""), "https://other.example.net:8443", "__Host-sigra"},
		"empty":                       {arrived("", true, false, ""), "", ""},
	} {
		got := h.site(test.r)
		switch {
		case got == nil && test.want != "":
			t.Errorf("%s: unknown, want %s", name, test.want)
		case got != nil && (got.origin != test.want || got.cookie.Name != test.cookie):
			t.Errorf("%s: %s with %s, want %q with %s", name, got.origin, got.cookie.Name, test.want, test.cookie)
		case got != nil && h.site(test.r) != got:
			t.Errorf("%s: the site has two values", name)
		}
	}
}

// TestCookieOfHostsOutsideItsDomain: browsers would drop a shared one there.
func TestCookieOfHostsOutsideItsDomain(t *testing.T) {
	h := hostSet{cookieDomain: "example.com", patterns: []string{"example.com", "app.example.com", "app.example.net", "notexample.com", "*.example.org"}}
	if err := h.addOrigins([]string{"https://front.example.net:8443"}); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"example.com": "__Secure-sigra", "APP.example.com": "__Secure-sigra", "app.example.com:8443": "__Secure-sigra",
		"app.example.net": "__Host-sigra", "notexample.com": "__Host-sigra", "a.example.org": "__Host-sigra", "front.example.net:8443": "__Host-sigra",
		"localhost": "__Host-sigra",
	} {
		at := h.site(arrived(host, true, false, ""))
		if at == nil || at.cookie.Name != want || (at.cookie.Domain == "example.com") != (want == "__Secure-sigra") {
			t.Errorf("%s: %+v, want %s", host, at, want)
		}
	}
}

func TestKnownSitesAreBounded(t *testing.T) {
	h := hostSet{patterns: []string{"*.example.org"}}
	for i := range 3 * maxSites {
		h.site(arrived("h"+string(rune('a'+i%26))+url.PathEscape(string(rune('0'+i)))+".example.org", true, false, ""))
	}
	if n := len(h.sites[1]); n > maxSites {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestParseOrigin(t *testing.T) {
	for _, good := range []string{"https://a.example", "https://a.example:8443", "http://localhost:8080", "https://a.example/"} {
		if _, err := parseOrigin(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a.example", "http://a.example", "https://a.example/path", "https://u:p@a.example", "ftp://a.example", "https://a.example?x", "javascript:alert(1)"} {
		if _, err := parseOrigin(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestAllows(t *testing.T) {
	var h hostSet
	if err := h.addOrigins([]string{"https://front.example.net:8443", "http://localhost:8080"}); err != nil {
		t.Fatal(err)
	}
	h.patterns = []string{"app.example.com", "*.example.org"}
	for raw, want := range map[string]bool{
		"https://app.example.com/x":          true,
		"https://front.example.net:8443/x":   true,
		"http://localhost:8080/x":            true,
		"https://localhost:8080/x":           false,
		"http://app.example.com/x":           false,
		"https://app.example.com:1/x":        false,
		"https://evil.example/x":             false,
		"https://app.example.com.evil/x":     false,
		"javascript://app.example.com/%0ax":  false,
		"https://front.example.net/x":        false,
		"//app.example.com/x":                false,
		"https://xapp.example.com/x":         false,
		"https://any.example.org/x":          false,
		"https://app.example.com@evil.net/x": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.allows(u); got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}

// TestMailedLinks: the Host header does not choose where the link in a mail leads.
func TestMailedLinks(t *testing.T) {
	var named, wild hostSet
	if err := named.addOrigins([]string{"https://front.example.net"}); err != nil {
		t.Fatal(err)
	}
	named.patterns, wild.patterns = []string{"app.example.com", "*.example.org"}, []string{"*.example.org"}
	wild.first = "https://localhost"
	for name, test := range map[string]struct {
		h     *hostSet
		host  string
		local bool
		want  string
	}{
		"a host that is named":                 {&named, "app.example.com", false, "https://app.example.com"},
		"an origin that is named":              {&named, "front.example.net", false, "https://front.example.net"},
		"a host under a wildcard":              {&named, "evil.example.org", false, "https://front.example.net"},
		"localhost, from elsewhere":            {&named, "localhost:4444", false, "https://front.example.net"},
		"localhost, from this machine":         {&named, "localhost:8080", true, "https://localhost:8080"},
		"a wildcard alone":                     {&wild, "tenant.example.org", false, "https://tenant.example.org"},
		"localhost, where nothing else is set": {&wild, "localhost:8080", false, "https://localhost:8080"},
	} {
		at := test.h.site(arrived(test.host, true, false, ""))
		if at == nil {
			t.Fatalf("%s: no site", name)
		}
		if got := test.h.mailed(at, test.local); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestWildcardAlone: where links in mails would lead to a name that a client has chosen,
// the operator is told.
func TestWildcardAlone(t *testing.T) {
	for text, want := range map[string]bool{
		"*.wild.test {\nsigra\n}":                                               true,
		"*.wild.test {\nsigra {\norigin https://a.wild.test\n}\n}":              false,
		"*.wild.test {\nsigra\n}\napp.example.com {\nsigra\n}":                  false,
		"*.wild.test {\nrespond x\n}\napp.example.com {\nsigra\n}":              false,
		":8080 {\nsigra\n}":                                                     false,
		"http://localhost:8080, http://*.localhost:8080 {\nsigra\n}":            false,
		"{\nsigra\n}\n*.wild.test {\nrespond x\n}":                              false,
		"{\nsigra {\norigin https://a.wild.test\n}\n}\n*.wild.test {\nsigra\n}": false,
	} {
		if got := strings.Contains(told(t, text), "only a wildcard leads to the pages"); got != want {
			t.Errorf("%s: told %v", text, got)
		}
	}
}

// TestPlainSites: a site that nobody can use is named at start.
func TestPlainSites(t *testing.T) {
	for text, named := range map[string]string{
		"http://intranet:22094 {\nsigra\nsigra /x {\nrequire aal2\n}\n}":          "http://intranet",
		"http://*.wild.test, http://localhost {\nsigra\n}":                        "http://*.wild.test",
		"http://localhost:8080, http://a.localhost, http://127.0.0.1 {\nsigra\n}": "",
		":8080 {\nsigra\n}":           "",
		"app.example.com {\nsigra\n}": "",
		"http://app.example.com {\nsigra {\norigin https://app.example.com\n}\n}":                                        "",
		"{\nservers {\ntrusted_proxies static private_ranges\ntrusted_proxies_strict\n}\n}\nhttp://intranet {\nsigra\n}": "",
		"http://intranet {\nrespond x\n}\nlocalhost {\nsigra\n}":                                                         "",
	} {
		log := told(t, text)
		if n := strings.Count(log, "without HTTPS"); n != min(len(named), 1) || !strings.Contains(log, named) {
			t.Errorf("%s\nlogs %s", text, log)
		}
	}
}
