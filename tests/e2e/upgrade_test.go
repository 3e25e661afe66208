package e2e

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// overHTTP3 has a browser use HTTP/3 from now on.
func overHTTP3(t *testing.T, c *gateway.Client) {
	t.Helper()
	quic := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(func() { _ = quic.Close() })
	c.Transport = quic
}

func TestForgedHeadersOverHTTP3(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: spoofSite, TLS: true})
	g.AddUser(ada)
	c, visitor := g.NewClient(), g.NewClient()
	overHTTP3(t, c)
	overHTTP3(t, visitor)
	c.SignIn(ada)
	for _, header := range forged {
		for path, client := range map[string]*gateway.Client{"/": c, "/public/x": c, "/public/y": visitor} {
			r := client.Request("POST", path, "body")
			r.Header[strings.ToLower(header)] = []string{forgery, forgery}
			r.Trailer = http.Header{http.CanonicalHeaderKey(header): {forgery}}
			r.ContentLength = -1
			before := g.Upstream.Count()
			answer := client.Do(r)
			if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 3 || g.Upstream.Count() != before+1 {
				t.Fatalf("%s: %d over %s", header, answer.StatusCode, answer.Proto)
			}
			mustBeOurs(t, header+" over HTTP/3 to "+path, g, client == c)
		}
	}
}

func TestForgedHeadersOnUpgrades(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: strings.Replace(spoofSite, "/public/*", "/public/* /ws", 1), Servers: letIn})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for _, header := range append(rare, forged...) {
		for _, client := range []*gateway.Client{c, g.NewClient()} {
			ws, err := client.WebSocket(header, forgery, "Connection", "Upgrade, "+header)
			if err != nil {
				t.Fatalf("%s: %v", header, err)
			}
			mustBeOurs(t, header+" on an upgrade", g, client == c)
			_ = ws.CloseNow()
		}
	}
}

// A page of another site must not open a stream as the visitor, over any
// version of HTTP.
func TestForeignPagesOpenNoStream(t *testing.T) {
	for version, connect := range map[string]func(t *testing.T, c *gateway.Client, r *http.Request){
		"HTTP/2.0": func(t *testing.T, c *gateway.Client, r *http.Request) {
			//lint:ignore SA1019 the transport that replaces it refuses to send :protocol
			c.Transport = &http2.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
			t.Cleanup(c.CloseIdleConnections)
			r.Header[":protocol"] = []string{"websocket"}
		},
		"HTTP/3.0": func(t *testing.T, c *gateway.Client, r *http.Request) {
			overHTTP3(t, c)
			r.Proto = "websocket"
		},
	} {
		t.Run(version, func(t *testing.T) {
			// Go serves the extended CONNECT of HTTP/2 to those who ask for it.
			g := gateway.Start(t, gateway.Config{TLS: true, Env: []string{"GODEBUG=http2xconnect=1"}})
			g.AddUser(ada)
			for origin, want := range map[string]int{
				g.URL: http.StatusOK, "https://evil.example": http.StatusForbidden, strings.Replace(g.URL, "https", "http", 1): http.StatusForbidden, "null": http.StatusForbidden,
			} {
				c := g.SignedIn(ada)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				r := c.Request(http.MethodConnect, "/ws", "", "Origin", origin, "Sec-WebSocket-Version", "13", "Remote-User", forgery).WithContext(ctx)
				r.Body, r.GetBody = http.NoBody, nil
				connect(t, c, r)
				before := g.Upstream.Count()
				answer, err := c.Client.Do(r)
				if err != nil {
					cancel()
					t.Fatalf("from %s: %v", origin, err)
				}
				if answer.Proto != version || answer.StatusCode != want || (g.Upstream.Count() > before) != (want == http.StatusOK) {
					t.Errorf("from %s: %s %d, want %d", origin, answer.Proto, answer.StatusCode, want)
				}
				if want == http.StatusOK {
					mustBeOurs(t, "an extended CONNECT", g, true)
				}
				cancel()
				_ = answer.Body.Close()
			}
		})
	}
}

// Early data may be a replay: what changes something waits for the handshake.
func TestEarlyData(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	before := g.Upstream.Count()
	if err := expect(c.Post("/order", url.Values{"n": {"1"}}, "Early-Data", "1"), http.StatusTooEarly); err != nil {
		t.Error(err)
	}
	if ws, err := c.WebSocket("Early-Data", "1"); err == nil || !strings.Contains(err.Error(), "425") {
		t.Errorf("a WebSocket: %v, %v", ws, err)
	}
	if n := g.Upstream.Count() - before; n != 0 {
		t.Errorf("%d early requests reached the app", n)
	}
	if err := expect(c.Get("/", "Early-Data", "1"), http.StatusOK); err != nil {
		t.Error(err)
	}
	if err := expect(c.Post("/order", url.Values{"n": {"1"}}), http.StatusOK); err != nil {
		t.Error(err)
	}
}
