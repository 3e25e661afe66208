package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

func TestBadInput(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		method, path, kind, body string
		status                   int
	}{
		"multipart":             {"POST", "/_auth/login", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n", 415},
		"malformed multipart":   {"POST", "/_auth/login", "multipart/form-data", "garbage", 415},
		"malformed media type":  {"POST", "/_auth/login", ";;;", "x", 415},
		"XML":                   {"POST", "/_auth/login", "application/xml", "<a/>", 415},
		"large form":            {"POST", "/_auth/login", form, "email=" + strings.Repeat("a", 70<<10), 413},
		"field twice":           {"POST", "/_auth/login", form, "email=a&email=b", 400},
		"many fields":           {"POST", "/_auth/login", form, strings.Repeat("a=b&", 200), 400},
		"bad escape":            {"POST", "/_auth/login", form, "email=%zz", 400},
		"JSON array":            {"POST", "/_auth/login", "application/json", "[]", 400},
		"JSON nested":           {"POST", "/_auth/login", "application/json", `{"email":{"a":1}}`, 400},
		"JSON twice":            {"POST", "/_auth/login", "application/json", `{"email":"a","email":"b"}`, 400},
		"JSON cut":              {"POST", "/_auth/login", "application/json", `{"email":"a"`, 400},
		"JSON and more":         {"POST", "/_auth/login", "application/json", `{} {}`, 400},
		"JSON deep":             {"POST", "/_auth/login", "application/json", strings.Repeat(`{"a":`, 10000), 400},
		"no such page":          {"GET", "/_auth/../../etc/passwd", "", "", 404},
		"asset traversal":       {"GET", "/_auth/assets/..%2f..%2fportal.css", "", "", 404},
		"bad set-up link":       {"GET", "/_auth/setup/%00", "", "", 404},
		"post to a set-up link": {"POST", "/_auth/setup/" + strings.Repeat("A", 43), form, "email=a", 404},
		"wrong method":          {"DELETE", "/_auth/login", "", "", 405},
		"TRACE":                 {"TRACE", "/_auth/login", "", "", 405},
		"unknown session":       {"POST", "/_auth/account/sessions/revoke", form, "session=../../x", 404},
		"no session":            {"POST", "/_auth/account/sessions/revoke", form, "", 404},
		"null bytes":            {"POST", "/_auth/login", form, "email=%00&password=%00", 400},
		"broken UTF-8":          {"POST", "/_auth/login", form, "email=%ff%fe@x.y&password=%ff", 400},
		"a password of 64 KB":   {"POST", "/_auth/login", form, "email=x@y.z&password=" + strings.Repeat("a", 60<<10), 422},
	} {
		r := c.Request(test.method, test.path, test.body)
		if test.kind != "" {
			r.Header.Set("Content-Type", test.kind)
		}
		if answer := c.Do(r); answer.StatusCode != test.status {
			t.Errorf("%s: %d, want %d: %.200s", name, answer.StatusCode, test.status, answer.Text)
		}
	}
	if answer := c.Get("/"); answer.StatusCode != http.StatusOK {
		t.Errorf("after all that, the session gets %d", answer.StatusCode)
	}
}

func TestCrossSitePostsAreRefused(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for _, path := range []string{"/_auth/login", "/_auth/logout", "/_auth/account/sessions/revoke-others", "/_auth/step-up"} {
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			r := c.Request("POST", path, "", append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
			if answer := c.Do(r); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v: %d", path, headers, answer.StatusCode)
			}
		}
	}
	if answer := c.Get("/"); answer.StatusCode != http.StatusOK {
		t.Errorf("the session gets %d", answer.StatusCode)
	}
}

func TestBadCookies(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	good := g.SignedIn(ada).SessionCookie()
	large := "sigra=" + strings.Repeat("A", 16<<10)
	unknown := "sigra=" + strings.Repeat("A", 43)
	for name, test := range map[string]struct {
		cookie string
		status int
	}{
		"empty":            {"sigra=", 401},
		"short":            {"sigra=abc", 401},
		"large":            {large, 401},
		"flipped":          {"sigra=" + flip(good), 401},
		"other alphabet":   {"sigra=" + strings.Repeat("é", 43), 401},
		"quoted":           {`sigra="` + good + `"`, 401},
		"twice":            {"sigra=" + good + "; sigra=" + good, 401},
		"an unknown first": {unknown + "; sigra=" + good, 401},
		"an unknown last":  {"sigra=" + good + "; " + unknown, 401},
		"an empty first":   {"sigra=; sigra=" + good, 401},
		"the good one":     {"sigra=" + good, 200},
	} {
		if answer := g.NewClient().Fetch("/", "Cookie", test.cookie); answer.StatusCode != test.status {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, test.status)
		}
	}
}

// flip changes one bit of a token.
func flip(token string) string {
	b := []byte(token)
	b[5] ^= 1
	return string(b)
}

func TestWebSocketOrigin(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.SignedIn(ada)
	for origin, want := range map[string]string{g.URL: "", "https://evil.example": "403", "null": "403"} {
		ws, err := c.WebSocket("Origin", origin)
		if err == nil {
			_ = ws.CloseNow()
		}
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("from %s: %v", origin, err)
		}
	}
	if _, err := g.NewClient().WebSocket(); err == nil || !strings.HasPrefix(err.Error(), "401") {
		t.Errorf("anonymous: %v", err)
	}
}
