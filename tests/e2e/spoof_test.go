package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// forged are spellings of headers that a client must not be able to send.
var forged = []string{
	"Remote-User", "remote-user", "REMOTE-USER", "rEmOtE-uSeR", "Remote_User", "REMOTE_USER", "Remote.User", "remote.user",
	"Remote-Email", "Remote-Name", "Remote-Groups", "Remote_Groups",
	"Sigra-User", "sigra_user", "Sigra.User", "Sigra-Assertion", "SIGRA_ASSERTION", "Sigra-Org", "Sigra-Org-Role", "Sigra-Actor", "Sigra-Whatever",
	"X-WEBAUTH-USER", "X_WEBAUTH_USER", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Auth-Request-User", "X-Team", "x_team",
}

const forgery = "forged-by-the-client"

const spoofSite = "sigra {\npublic /public/*\nheaders remote {\nX-Team {http.auth.user.groups}\n}\n}\nreverse_proxy {upstream}"

// raw sends bytes to a gateway and returns the status line.
func raw(t *testing.T, g *gateway.Gateway, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(status)
}

// mustBeOurs fails if the app was told anything that the client made up.
func mustBeOurs(t *testing.T, what string, g *gateway.Gateway, signedIn bool) {
	t.Helper()
	last := g.Upstream.Last()
	for _, h := range []http.Header{last.Header, last.Trailer} {
		for name, values := range h {
			if strings.Contains(strings.Join(values, ","), forgery) {
				t.Errorf("%s: the app was told %s: %s", what, name, values)
			}
		}
	}
	if signedIn != (last.Header.Get("Remote-User") == ada) || signedIn != (last.Header.Get("Sigra-Assertion") != "") {
		t.Errorf("%s: signed in %v, but the app was told %v", what, signedIn, last.Header)
	}
	if strings.Contains(last.Header.Get("Cookie"), "sigra") {
		t.Errorf("%s: the app was given our cookie", what)
	}
}

func TestForgedHeadersOverHTTP1(t *testing.T) {
	for name, servers := range map[string]string{
		"default":            "",
		"underscores let in": "servers {\nexpected_underscore_headers remote_user Remote_User REMOTE_USER Remote_Groups sigra_user SIGRA_ASSERTION X_WEBAUTH_USER x_team\n}",
	} {
		t.Run(name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Site: spoofSite, Servers: servers})
			g.AddUser(ada)
			cookie := "theme=dark; sigra=" + g.SignedIn(ada).SessionCookie()
			for _, c := range []struct {
				path, cookie string
				signedIn     bool
			}{{"/", cookie, true}, {"/public/x", cookie, true}, {"/public/x", "theme=dark", false}, {"/public/x", "sigra=nonsense", false}} {
				for _, header := range forged {
					for trick, lines := range map[string]string{
						"plain":       header + ": " + forgery + "\r\n",
						"twice":       header + ": " + forgery + "\r\n" + header + ": " + forgery + "2\r\n",
						"hop by hop":  header + ": " + forgery + "\r\nConnection: " + header + ", keep-alive\r\n",
						"no value":    header + ":\r\nConnection: Remote-User, Sigra-Assertion\r\n",
						"two connect": "Connection: keep-alive\r\nConnection: Remote-User,Sigra-Assertion , " + header + "\r\n",
					} {
						status := raw(t, g, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n%s\r\n", c.path, strings.TrimPrefix(g.URL, "http://"), c.cookie, lines))
						if status != "HTTP/1.1 200 OK" {
							t.Fatalf("%s %s: %s", header, trick, status)
						}
						mustBeOurs(t, c.path+" "+header+" "+trick, g, c.signedIn)
					}
				}
			}
		})
	}
}

func TestForgedTrailers(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: spoofSite})
	for _, header := range forged {
		for declared, line := range map[string]string{"declared": "Trailer: " + header + "\r\n", "undeclared": ""} {
			request := "POST /public/x HTTP/1.1\r\nHost: " + strings.TrimPrefix(g.URL, "http://") + "\r\nTransfer-Encoding: chunked\r\n" +
				line + "\r\n5\r\nhello\r\n0\r\n" + header + ": " + forgery + "\r\n\r\n"
			raw(t, g, request) // some spellings are refused, which is as good
			mustBeOurs(t, header+" as "+declared+" trailer", g, false)
		}
	}
	if g.Upstream.Count() == 0 {
		t.Error("no request with a trailer reached the app")
	}
}

func TestForgedHeadersOverHTTP2(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: spoofSite, TLS: true})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for _, header := range forged {
		for path, client := range map[string]*gateway.Client{"/": c, "/public/x": c, "/public/y": g.NewClient()} {
			r := client.Request("POST", path, "body")
			r.Header[strings.ToLower(header)] = []string{forgery}
			r.Trailer = http.Header{http.CanonicalHeaderKey(header): {forgery}}
			r.ContentLength = -1
			answer := client.Do(r)
			if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
				t.Fatalf("%s: %d over %s", header, answer.StatusCode, answer.Proto)
			}
			mustBeOurs(t, header+" over HTTP/2 to "+path, g, client == c)
		}
	}
}
