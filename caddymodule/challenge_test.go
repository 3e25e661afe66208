package caddymodule

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

func request(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// came is what the strip handler notes of a request.
func came(r *http.Request) arrival {
	st := new(state)
	(&Strip{app: &App{stripped: newNameSet()}}).clean(r, st)
	return st.came
}

func TestIsNavigation(t *testing.T) {
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for name, test := range map[string]struct {
		r    *http.Request
		want bool
	}{
		"page load":                {request("GET", "Sec-Fetch-Mode", "navigate", "Accept", html), true},
		"page load, HEAD":          {request("HEAD", "Sec-Fetch-Mode", "navigate"), true},
		"form post":                {request("POST", "Sec-Fetch-Mode", "navigate", "Accept", html), false},
		"fetch that accepts HTML":  {request("GET", "Sec-Fetch-Mode", "cors", "Accept", html), false},
		"image":                    {request("GET", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image", "Accept", "image/*"), false},
		"manifest":                 {request("GET", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "manifest"), false},
		"service worker":           {request("GET", "Sec-Fetch-Mode", "same-origin", "Sec-Fetch-Dest", "serviceworker"), false},
		"websocket":                {request("GET", "Sec-Fetch-Mode", "websocket", "Upgrade", "websocket"), false},
		"old browser":              {request("GET", "Accept", html), true},
		"old XHR":                  {request("GET", "Accept", html, "X-Requested-With", "XMLHttpRequest"), false},
		"curl":                     {request("GET", "Accept", "*/*"), false},
		"API client":               {request("GET", "Accept", "application/json"), false},
		"nothing said":             {request("GET"), false},
		"upgrade that accepts":     {request("GET", "Accept", html, "Upgrade", "websocket"), false},
		"CONNECT that navigates":   {request("CONNECT", "Sec-Fetch-Mode", "navigate"), false},
		"OPTIONS that accepts all": {request("OPTIONS", "Accept", html), false},
	} {
		if got := isNavigation(test.r, came(test.r)); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestCheckRisk(t *testing.T) {
	app := &App{}
	app.hosts.patterns = []string{"app.example.com", "chat.example.com", "chat.example.net"}
	shared := &App{Cookie: CookieConfig{Domain: "example.com"}}
	shared.hosts.patterns = app.hosts.patterns
	at := &site{origin: "https://app.example.com", name: "app.example.com"}
	early := func(r *http.Request) *http.Request {
		r.TLS = &tls.ConnectionState{HandshakeComplete: false}
		return r
	}
	for name, test := range map[string]struct {
		app  *App
		r    *http.Request
		want int
	}{
		"plain GET":                 {app, request("GET"), 0},
		"GET from a foreign page":   {app, request("GET", "Origin", "https://evil.example"), 0},
		"WebSocket of the site":     {app, request("GET", "Upgrade", "websocket", "Origin", "https://app.example.com"), 0},
		"WebSocket of a tool":       {app, request("GET", "Upgrade", "websocket"), 0},
		"WebSocket of a foreign":    {app, request("GET", "Upgrade", "websocket", "Origin", "https://evil.example"), 403},
		"WebSocket of null":         {app, request("GET", "Upgrade", "websocket", "Origin", "null"), 403},
		"WebSocket of plain HTTP":   {app, request("GET", "Upgrade", "websocket", "Origin", "http://app.example.com"), 403},
		"WebSocket of another port": {app, request("GET", "Upgrade", "websocket", "Origin", "https://app.example.com:8443"), 403},
		"WebSocket of a suffix":     {app, request("GET", "Upgrade", "websocket", "Origin", "https://app.example.com.evil.example"), 403},
		"WebSocket of another site": {app, request("GET", "Upgrade", "websocket", "Origin", "https://chat.example.com"), 403},
		"the same, session shared":  {shared, request("GET", "Upgrade", "websocket", "Origin", "https://chat.example.com"), 0},
		"outside of the domain":     {shared, request("GET", "Upgrade", "websocket", "Origin", "https://chat.example.net"), 403},
		"foreign, session shared":   {shared, request("GET", "Upgrade", "websocket", "Origin", "https://evil.example.com"), 403},
		"HTTP/2 WebSocket, foreign": {app, request("CONNECT", ":protocol", "websocket", "Origin", "https://evil.example"), 403},
		"early GET":                 {app, early(request("GET")), 0},
		"early POST":                {app, early(request("POST")), 425},
		"early DELETE":              {app, early(request("DELETE")), 425},
		"early upgrade":             {app, early(request("GET", "Upgrade", "websocket")), 425},
		"no upgrade any more":       {app, request("GET", "Upgrade", "TLS/1.0", "Origin", "https://evil.example"), 0},
	} {
		if got := (&Gate{app: test.app}).checkRisk(test.r, came(test.r), at); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
