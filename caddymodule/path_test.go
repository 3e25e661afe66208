package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestIsAmbiguous(t *testing.T) {
	for target, want := range map[string]bool{
		"/":                            false,
		"/index.html":                  false,
		"/a/b.c/d..e/.f":               false,
		"/a/...":                       true,
		"/a./b":                        true,
		"/a.":                          true,
		"/a%20":                        true,
		"/a%20/b":                      true,
		"/a/.%20/b":                    true,
		"/%20a/b":                      false,
		"/a%EF%BC%8E%EF%BC%8E/b":       true,
		"/a%EF%BC%8Fb":                 true,
		"/a%E2%88%95b":                 true,
		"/a%E2%81%84b":                 true,
		"/a%E2%A7%B8b":                 true,
		"/a%EF%BC%BCb":                 true,
		"/a%EF%BC%852fb":               true,
		"/a%E2%80%A5/b":                true,
		"/%E6%97%A5%E6%9C%AC%EF%BC%9F": false, // a full-width question mark, as titles have
		"/.well-known/x":               false,
		"/a/.hidden":                   false,
		"/a%20b":                       false,
		"/caf%C3%A9":                   false,
		"/a?x=/../":                    false,
		"/a/../b":                      true,
		"/a/./b":                       true,
		"/a/..":                        true,
		"/a/%2e%2e/b":                  true,
		"/a/.%2e/b":                    true,
		"/a%2fb":                       true,
		"/a%2Fb":                       true,
		"/a%5cb":                       true,
		"/a;x=1/b":                     true,
		"/a/..;/b":                     true,
		"/a%3bx":                       true,
		"//a":                          true,
		"/a//b":                        true,
		"/a%252fb":                     true,
		"/a%00":                        true,
		"/a%0d%0a":                     true,
		"/a%ff":                        true,
		"/%c0%ae%c0%ae/x":              true,
		"/caf%C3%A9/../x":              true,
		"/a?_method=DELETE":            true,
		"/a?x=1&_method=DELETE&y=2":    true,
		"/a?_metho%64=DELETE":          true,
		"/a?%5fMethod=DELETE":          true,
		"/a?x=1;_method=DELETE":        true,
		"/a?%20_method=DELETE":         true,
		"/a?+_method=DELETE":           true,
		"/a?.method=DELETE":            true,
		"/a?%20%20.Method%00x=DELETE":  true,
		"/a?_method[]=DELETE":          true,
		"/a?[method=DELETE":            true,
		"/a?method=x&a_method=y":       false,
		"/a?_methods=x&._method=y":     false,
		"/a%3f.css":                    true,
		"/a%23.css":                    true,
	} {
		if got := isAmbiguous(httptest.NewRequest(http.MethodGet, target, nil).URL); got != want {
			t.Errorf("%s: %v, want %v", target, got, want)
		}
	}
}

// TestOverriddenRequestsAreNotPublic asks for another method or address in headers:
// what the app then answers is not public, whatever the request looks like.
func TestOverriddenRequestsAreNotPublic(t *testing.T) {
	g := newGateway(t, "", "sigra {\npublic /page\n}")
	reached := false
	g.upstream = func(http.ResponseWriter, *http.Request) { reached = true }
	served := func(headers ...string) bool {
		reached = false
		r := get("/page")
		for i := 0; i < len(headers); i += 2 { // as spelled: not every server in front canonicalizes
			r.Header[headers[i]] = append(r.Header[headers[i]], headers[i+1])
		}
		g.do(t, r)
		return reached
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		for _, spelling := range []string{name, strings.ToLower(name), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "~")} {
			if !served(spelling, "GET") {
				t.Errorf("%s with the same method is no favour", spelling)
			}
			if served(spelling, "DELETE") || served(spelling, "GET", spelling, "DELETE") {
				t.Errorf("%s goes unnoticed", spelling)
			}
		}
	}
	for _, name := range []string{"X-Original-Url", "X-Rewrite-Url", "x_rewrite.url", "X!Original!URL"} {
		if served(name, "/admin") {
			t.Errorf("%s goes unnoticed", name)
		}
	}
	if served("X-HTTP-Method-Override", "GET", "x_method_override", "DELETE") {
		t.Error("one of two methods goes unnoticed")
	}
	for method, want := range map[string]bool{"POST": true, "M-SEARCH": true, "post": false, "Post": false} {
		reached = false
		r := get("/page")
		r.Method = method
		if g.do(t, r); reached != want {
			t.Errorf("%s: passed %v", method, reached)
		}
	}
	if !served("X-Requested-With", "XMLHttpRequest", "Accept", "*/*", "x", "1") {
		t.Error("other headers count, too")
	}
}

// TestOverriddenMethodIsComparedWhenJudged passes a gate again after another handler
// has changed the method, as Caddy does before handle_errors.
func TestOverriddenMethodIsComparedWhenJudged(t *testing.T) {
	g := newGateway(t, "", "sigra {\npublic /page\n}")
	reached := 0
	g.upstream = func(http.ResponseWriter, *http.Request) { reached++ }
	r := get("/page", "X-HTTP-Method-Override", "DELETE")
	r.Method = http.MethodDelete
	g.do(t, r)
	r.Method = http.MethodGet
	if g.do(t, r); reached != 1 {
		t.Errorf("passed %d times, want 1: as DELETE", reached)
	}
}

// TestEveryLetterThatFolds puts each character there is into a path: none that means
// the same to an app that normalizes paths goes unnoticed.
func TestEveryLetterThatFolds(t *testing.T) {
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		for _, p := range []string{"/a" + string(r) + "b", "/" + string(r) + "/b", "/" + string(r) + string(r) + "/b"} {
			folded := norm.NFKC.String(p)
			if (path.Clean(folded) != folded || strings.Count(folded, "/") != strings.Count(p, "/") || strings.ContainsAny(folded, "\\%;")) && !ambiguousPath(p) {
				t.Errorf("%U: %q folds to %q", r, p, folded)
			}
		}
	}
}

// FuzzAmbiguousPath holds the judgement against a reference: a path that is
// not ambiguous means the same to whoever cleans or decodes it once more.
func FuzzAmbiguousPath(f *testing.F) {
	for _, seed := range []string{"/a/b", "/a/../b", "/a%2fb", "//", "/a/.", "/.", "/..x/", "/é/../x", "*", "/a．．/b", "/a／b", "/a∕b", "/a⁄b", "/a⧸b", "/a./b", "/a /b", "/℀"} {
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
		folded := norm.NFKC.String(p)
		if strings.Count(folded, "/") != strings.Count(p, "/") || strings.ContainsAny(folded, "\\%") || path.Clean(folded) != path.Clean("/"+folded) {
			t.Errorf("%q is not ambiguous but folds to %q", p, folded)
		}
		for segment := range strings.SplitSeq(p, "/") {
			if strings.TrimRight(segment, ". ") != segment {
				t.Errorf("%q is not ambiguous but Windows takes it for another path", p)
			}
		}
	})
}
