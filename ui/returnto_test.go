package ui

import (
	neturl "net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nlnwa/whatwg-url/url"
)

// visitTo is a visit that decides where to return to.
func visitTo(returns func(string) (string, bool)) *visit {
	return &visit{facts: Request{Base: testBase, Origin: testOrigin, Returns: returns}}
}

func TestReturnTo(t *testing.T) {
	const home = "/_auth/account"
	v := visitTo(func(raw string) (string, bool) {
		return raw, strings.HasPrefix(raw, "https://other.example.com/") || strings.HasPrefix(raw, testOrigin+"/")
	})
	for raw, want := range map[string]string{
		"/":                           "/",
		"/page":                       "/page",
		"/page?x=1&y=//z#part":        "/page?x=1&y=//z#part",
		"/a/b//c":                     "/a/b//c",
		"/a%20b/caf%C3%A9":            "/a%20b/caf%C3%A9",
		"/a?next=https://x.y/z":       "/a?next=https://x.y/z",
		"/_authority":                 "/_authority",
		"/_auth":                      "/_auth",
		"/_auth/account":              "/_auth/account",
		"/_auth/account/sessions?x":   "/_auth/account/sessions?x",
		"https://other.example.com/x": "https://other.example.com/x",
		testOrigin + "/page":          testOrigin + "/page",

		"":                              home,
		"page":                          home,
		"//evil.example":                home,
		"///evil.example":               home,
		`/\evil.example`:                home,
		`\\evil.example`:                home,
		`/a\b`:                          home,
		"/\t/evil.example":              home,
		"\t//evil.example":              home,
		"/\r\n/evil.example":            home,
		"/page\r\nSet-Cookie: a=b":      home,
		"/page%0d%0aSet-Cookie:a=b":     home,
		" /page":                        home,
		"/pa ge":                        home,
		"/café":                         home,
		"/\x00":                         home,
		"/%00":                          home,
		"/%2fevil.example":              home,
		"/%2Fevil.example":              home,
		"/%5cevil.example":              home,
		"/%5Cevil.example":              home,
		"/%252fevil.example":            home,
		"/%25252fevil.example":          home,
		"/%09/evil.example":             home,
		"/%zz":                          home,
		"/.//evil.example":              home,
		"/..//evil.example":             home,
		"/%2e%2e//evil.example":         home,
		"/x/../_auth/logout":            home,
		"/x/%2e%2e/_auth/logout":        home,
		"/x/%252e%252e/_auth/logout":    home,
		`/x/..%5c_auth/logout`:          home,
		"javascript:alert(1)":           home,
		"data:text/html,x":              home,
		"https:evil.example":            home,
		"https:/evil.example":           home,
		"https:///evil.example":         home,
		"https://evil.example":          home,
		"http://other.example.com/x":    home,
		"https://a@other.example.com/x": home,
		"https://other.example.com@evil.example/x":   home,
		"https://other.example.com/x\n":              home,
		"https://other.example.com/_auth/logout":     home,
		testOrigin + "/_auth/login":                  home,
		"/_auth/login":                               home,
		"/_auth/login?return_to=/x":                  home,
		"/_auth/logout":                              home,
		"/_AUTH/logout":                              home,
		"/_auth//logout":                             home,
		"/_auth/step-up":                             home,
		"/_auth/setup/x":                             home,
		"/_auth/account/sessions/revoke":             home,
		"/_auth%2flogout":                            home,
		"/_auth%252flogout":                          home,
		"/_auth%5clogout":                            home,
		"/_auth/%6cogout":                            home,
		"/_auth/%256cogout":                          home,
		"/%255fauth/logout":                          home,
		"/%5FAUTH/%4cogout":                          home,
		"https://other.example.com/%255fauth/logout": home,
		"/" + strings.Repeat("a", maxReturn):         home,
	} {
		if got := v.returnTo(raw); got != want {
			t.Errorf("%q leads to %q, want %q", raw, got, want)
		}
	}
	if long := "/" + strings.Repeat("a", maxReturn-1); v.returnTo(long) != long {
		t.Error("an address of the greatest length is refused")
	}
}

func TestReturnToWithoutOtherOrigins(t *testing.T) {
	v := visitTo(nil)
	if got := v.returnTo(testOrigin + "/page"); got != "/_auth/account" {
		t.Errorf("leads to %q", got)
	}
}

// readings are how layers between us and the screen may read an address: as it
// is, and decoded once or twice more.
func readings(address string) []string {
	all := []string{address}
	for range 2 {
		decoded, err := neturl.PathUnescape(address)
		if err != nil || decoded == address {
			break
		}
		address = decoded
		all = append(all, address)
	}
	return all
}

// FuzzReturnTo holds the check against the URL parser that browsers use (the
// WHATWG URL standard): whatever is accepted stays on the site, in every
// reading, and out of the portal's actions.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{
		"/", "/page?x=1#y", "//evil.example", `/\evil.example`, "/\t/evil.example", "/%2fevil.example", "/%252fevil.example", "/..//x", "/%5c/x",
		"/_auth/logout", "/x/%2e%2e/_auth/logout", "/_auth/%256cogout", "/_auth%255clogout", "https://evil.example", "https:evil.example", "/@evil.example", "/:80", "/;//x", "/?//x", "/#//x", "/%", "/%zz//x", "\x00/x",
	} {
		f.Add(seed)
	}
	allowed := []string{"/_auth", "/_auth/", "/_auth/account", "/_auth/account/sessions"}
	f.Fuzz(func(t *testing.T, raw string) {
		v := visitTo(nil)
		got := v.returnTo(raw)
		if got != raw && got != "/_auth/account" {
			t.Fatalf("%q became %q", raw, got)
		}
		for _, reading := range readings(got) {
			u, err := url.NewParser().ParseRef(testOrigin+"/_auth/login", reading)
			if err != nil {
				continue // a browser goes nowhere
			}
			if u.Protocol() != "https:" || u.Host() != "app.example.com" {
				t.Fatalf("%q leads a browser to %s", raw, u.Href(false))
			}
			path := u.Pathname()
			if strings.HasPrefix(path, "/_auth/") && !slices.Contains(allowed, strings.TrimSuffix(path, "/")) && path != "/_auth/" {
				t.Fatalf("%q leads a browser to %s", raw, path)
			}
		}
	})
}

// FuzzReturnToElsewhere does the same where the operator's configuration
// accepts whatever it is asked.
func FuzzReturnToElsewhere(f *testing.F) {
	for _, seed := range []string{"https://other.example.com/x", "https://other.example.com/_auth/logout", "https://a:b@x/", "javascript:alert(1)", "http:x", "https://x\\@y/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var asked string
		v := visitTo(func(raw string) (string, bool) { asked = raw; return raw, true })
		v.returnTo(raw)
		if asked == "" {
			return
		}
		ours, err := neturl.Parse(asked)
		if err != nil {
			t.Fatalf("asked about %q: %v", asked, err)
		}
		theirs, err := url.NewParser().Parse(asked)
		if err != nil {
			return // a browser goes nowhere
		}
		if theirs.Protocol() != "https:" && theirs.Protocol() != "http:" || theirs.Username() != "" || theirs.Password() != "" {
			t.Fatalf("asked about %q", asked)
		}
		if !strings.EqualFold(theirs.Hostname(), ours.Hostname()) && !strings.Contains(ours.Host, "%") && !isNumber(theirs.Hostname()) {
			t.Fatalf("%q is host %q to us and %q to a browser", asked, ours.Hostname(), theirs.Hostname())
		}
	})
}

// isNumber reports a host that the standard reads as an IPv4 or IPv6 address,
// in one of many spellings of which none is a configured name.
func isNumber(host string) bool { return strings.Trim(host, "0123456789.[]:abcdef") == "" }
