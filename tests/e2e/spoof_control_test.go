package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// letIn has Caddy pass the spellings that it drops by itself, so that what the
// app is told is decided by Sigra alone.
const letIn = "servers {\nexpected_underscore_headers remote_user sigra_user x_webauth_user x_team\nexpected_dot_headers remote.groups sigra.org\n}"

// rare are spellings that reach Sigra only when Caddy is told to expect them.
var rare = []string{"Remote_User", "REMOTE_USER", "Sigra_User", "X_WEBAUTH_USER", "x_team", "Remote.Groups", "sigra.org"}

// Without Sigra every one of these does arrive: the tests of forgeries would
// notice one that gets through.
func TestForgeriesArriveWithoutSigra(t *testing.T) {
	const directive = "sigra {\npublic *\nheaders remote {\nX-Team {http.auth.user.groups}\n}\n}\n"
	common := []string{"Remote-User", "remote-groups", "Sigra-Assertion", "X-WEBAUTH-USER", "X-Team"}
	for name, test := range map[string]struct {
		sigra, servers string
		headers        []string
	}{
		"common, without": {"", "", common}, "common, with": {directive, "", common},
		"rare, without": {"", letIn, rare}, "rare, with": {directive, letIn, rare},
	} {
		t.Run(name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Site: test.sigra + "reverse_proxy {upstream}", Servers: test.servers})
			for _, header := range test.headers {
				request := fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n\r\n", strings.TrimPrefix(g.URL, "http://"), header, forgery)
				if status := raw(t, g, request); status != "HTTP/1.1 200 OK" {
					t.Fatalf("%s: %s", header, status)
				}
				if told := tells(g.Upstream.Last().Header, forgery); told != (test.sigra == "") {
					t.Errorf("%s arrived: %v", header, told)
				}
			}
		})
	}
}

func tells(h http.Header, value string) bool {
	for _, values := range h {
		if strings.Contains(strings.Join(values, ","), value) {
			return true
		}
	}
	return false
}

// An empty value is a statement too: an app may take it for a user.
func TestAnonymousVisitorsHaveNoIdentityHeader(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: spoofSite, Servers: letIn})
	host := strings.TrimPrefix(g.URL, "http://")
	for _, header := range append(rare, forged...) {
		for _, value := range []string{"", " ", "\t", forgery} {
			raw(t, g, fmt.Sprintf("GET /public/x HTTP/1.1\r\nHost: %s\r\n%s:%s\r\n\r\n", host, header, value))
			for name := range g.Upstream.Last().Header {
				folded := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
				if strings.HasPrefix(folded, "remote-") || strings.HasPrefix(folded, "sigra-") || folded == "x-team" || strings.HasPrefix(folded, "x-webauth-") {
					t.Errorf("%s with %q reached the app as %s", header, value, name)
				}
			}
		}
	}
}

func TestForgedHeadersToAnAppOverHTTP2(t *testing.T) {
	site := strings.Replace(spoofSite, "{upstream}", "h2c://{upstream}", 1)
	g := gateway.Start(t, gateway.Config{Site: site, TLS: true})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for _, header := range forged {
		for path, client := range map[string]*gateway.Client{"/": c, "/public/y": g.NewClient()} {
			r := client.Request("POST", path, "body")
			r.Header[strings.ToLower(header)] = []string{forgery, forgery}
			r.Trailer = http.Header{http.CanonicalHeaderKey(header): {forgery}}
			r.ContentLength = -1
			if answer := client.Do(r); answer.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d", header, answer.StatusCode)
			}
			if proto := g.Upstream.Last().Proto; proto != "HTTP/2.0" {
				t.Fatalf("the app was asked over %s", proto)
			}
			mustBeOurs(t, header+" over HTTP/2 to the app at "+path, g, client == c)
		}
	}
}

// Trailers of a signed-in request, where the app does expect an identity. The
// harmless one shows that a trailer is passed on at all.
func TestForgedTrailersOfASignedInRequest(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: spoofSite, TLS: true})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for _, header := range forged {
		r := c.Request("POST", "/", "body")
		r.Trailer = http.Header{http.CanonicalHeaderKey(header): {forgery}, "X-Checksum": {"harmless"}}
		r.ContentLength = -1
		before := g.Upstream.Count()
		if answer := c.Do(r); answer.StatusCode != http.StatusOK || g.Upstream.Count() != before+1 {
			t.Fatalf("%s: %d", header, answer.StatusCode)
		}
		mustBeOurs(t, header+" as trailer", g, true)
		if told := g.Upstream.Last().Trailer; len(told) != 1 || told.Get("X-Checksum") != "harmless" {
			t.Errorf("%s: the app was told the trailers %v", header, told)
		}
	}
}
