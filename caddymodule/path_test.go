package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
)

func TestIsAmbiguous(t *testing.T) {
	for target, want := range map[string]bool{
		"/":                         false,
		"/index.html":               false,
		"/a/b.c/d..e/...":           false,
		"/.well-known/x":            false,
		"/a/.hidden":                false,
		"/a%20b":                    false,
		"/caf%C3%A9":                false,
		"/a?x=/../":                 false,
		"/a/../b":                   true,
		"/a/./b":                    true,
		"/a/..":                     true,
		"/a/%2e%2e/b":               true,
		"/a/.%2e/b":                 true,
		"/a%2fb":                    true,
		"/a%2Fb":                    true,
		"/a%5cb":                    true,
		"/a;x=1/b":                  true,
		"/a/..;/b":                  true,
		"/a%3bx":                    true,
		"//a":                       true,
		"/a//b":                     true,
		"/a%252fb":                  true,
		"/a%00":                     true,
		"/a%0d%0a":                  true,
		"/a%ff":                     true,
		"/%c0%ae%c0%ae/x":           true,
		"/caf%C3%A9/../x":           true,
		"/a?_method=DELETE":         true,
		"/a?x=1&_method=DELETE&y=2": true,
		"/a?_metho%64=DELETE":       true,
		"/a?%5fMethod=DELETE":       true,
		"/a?x=1;_method=DELETE":     true,
		"/a?method=x&a_method=y":    false,
		"/a%3f.css":                 true,
		"/a%23.css":                 true,
	} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		if got := isAmbiguous(r); got != want {
			t.Errorf("%s: %v, want %v", target, got, want)
		}
	}
}

func TestMethodOverride(t *testing.T) {
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(name, "GET")
		if isAmbiguous(r) {
			t.Errorf("%s with the same method is ambiguous", name)
		}
		r.Header.Set(name, "DELETE")
		if !isAmbiguous(r) {
			t.Errorf("%s goes unnoticed", name)
		}
		r.Header[http.CanonicalHeaderKey(name)] = []string{"GET", "DELETE"}
		if !isAmbiguous(r) {
			t.Errorf("a second %s goes unnoticed", name)
		}
		r.Header = http.Header{strings.ReplaceAll(name, "-", "_"): {"DELETE"}}
		if !isAmbiguous(r) {
			t.Errorf("%s with underscores goes unnoticed", name)
		}
	}
}

func TestAddressOverride(t *testing.T) {
	for _, name := range []string{"X-Original-Url", "X-Rewrite-Url"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(name, "/admin")
		if !isAmbiguous(r) {
			t.Errorf("%s goes unnoticed", name)
		}
	}
}

// FuzzAmbiguousPath holds the judgement against a reference: a path that is
// not ambiguous means the same to whoever cleans or decodes it once more.
func FuzzAmbiguousPath(f *testing.F) {
	for _, seed := range []string{"/a/b", "/a/../b", "/a%2fb", "//", "/a/.", "/.", "/..x/", "/é/../x", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if ambiguousPath(p) || p == "" || p == "*" {
			return
		}
		cleaned := path.Clean(p)
		if strings.HasSuffix(p, "/") && cleaned != "/" {
			cleaned += "/"
		}
		if cleaned != p || strings.ContainsAny(p, "%\\;\x00\r\n") {
			t.Errorf("%q is not ambiguous but cleans to %q", p, cleaned)
		}
	})
}
