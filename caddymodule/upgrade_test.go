package caddymodule

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

// TestOnlyWebSocketsAreUpgraded: in a tunnel of HTTP/2 a client would speak to the app
// past every rule.
func TestOnlyWebSocketsAreUpgraded(t *testing.T) {
	g := newGateway(t, "", "sigra {\npublic /page\n}")
	var got http.Header
	g.upstream = func(_ http.ResponseWriter, r *http.Request) { got = r.Header }
	const tunnel, settings = "Upgrade, HTTP2-Settings, X-Own", "AAMAAABkAARAAAAAAAIAAAAA"
	for name, test := range map[string]struct {
		headers []string
		want    []string // names that the app sees
		said    string   // of Connection
	}{
		"WebSocket":            {[]string{"Upgrade", "WebSocket", "Connection", "keep-alive, Upgrade"}, []string{"Connection", "Upgrade"}, "keep-alive, Upgrade"},
		"h2c":                  {[]string{"Upgrade", "h2c", "Connection", tunnel, "Http2-Settings", settings}, []string{"Connection"}, "X-Own"},
		"h2c in capitals":      {[]string{"Upgrade", "H2C", "Connection", "upgrade,http2-settings", "Http2-Settings", settings}, nil, ""},
		"h2c or WebSocket":     {[]string{"Upgrade", "websocket, h2c", "Connection", tunnel}, []string{"Connection"}, "X-Own"},
		"anything else":        {[]string{"Upgrade", "spdy/3.1", "Connection", "Upgrade"}, nil, ""},
		"nothing":              {[]string{"Upgrade", "", "Connection", "Upgrade"}, nil, ""},
		"without a connection": {[]string{"Upgrade", "h2c"}, nil, ""},
	} {
		got = nil
		g.do(t, get("/page", test.headers...))
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, test.want) || got.Get("Connection") != test.said {
			t.Errorf("%s: the app sees %v", name, got)
		}
	}
	two := get("/page", "Connection", "Upgrade")
	two.Header["Upgrade"] = []string{"websocket", "h2c"}
	if g.do(t, two); got.Get("Upgrade") != "" {
		t.Errorf("two lines: the app sees %v", got)
	}
}
