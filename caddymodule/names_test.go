package caddymodule

import (
	"slices"
	"strings"
	"testing"
)

func TestNameSet(t *testing.T) {
	s := newNameSet()
	s.add("X-Team", "REMOTE_USER")
	for _, name := range []string{
		"Remote-User", "remote-user", "REMOTE_USER", "Remote.User", "rEmOtE_uSeR", "Remote-Groups",
		"Sigra-Assertion", "sigra_anything", "SIGRA.X", "Sigra", "Sigra-", "sigra-",
		"X-Webauth-User", "X_WEBAUTH_USER", "X-Forwarded-User", "X-Forwarded-Groups", "X-Auth-Request-Email",
		"X-Team", "x_team", "Remote!User", "remote~user", "Remote|Groups", "Sigra*Org*Role", "SIGRA+X", "Sigra'", "x#team",
	} {
		if !s.has(name) {
			t.Errorf("%s gets through", name)
		}
	}
	for _, name := range []string{
		"", "Remote", "Remote-Users", "Accept", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
		"Cookie", "Sec-Fetch-Mode", "Sigrafoo", "X-Teams", "Authorization",
	} {
		if s.has(name) {
			t.Errorf("%s is taken for an identity header", name)
		}
	}
}

func TestConnectionNamesNoneOfOurs(t *testing.T) {
	s := newNameSet()
	for in, want := range map[string]string{
		"keep-alive":                           "keep-alive",
		"Upgrade":                              "Upgrade",
		"Remote-User":                          "",
		"keep-alive, Remote-User":              "keep-alive",
		"REMOTE_USER ,Upgrade,Sigra-Assertion": "Upgrade",
		"close, X-Own":                         "close, X-Own",
		", ,remote-user,":                      "",
	} {
		if got := strings.Join(s.without([]string{in}), "|"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := s.without([]string{"Remote-User", "keep-alive"}); !slices.Equal(got, []string{"keep-alive"}) {
		t.Errorf("two lines: %q", got)
	}
}

// cgi is how CGI-style backends name the variable of a header.
func cgi(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		if r == '-' || r == '_' || r == '.' {
			return '_'
		}
		return r
	}, name)
}

func FuzzNameSet(f *testing.F) {
	for _, seed := range []string{"Remote-User", "REMOTE_USER", "Sigra.Assertion", "x-forwarded_user", "Accept"} {
		f.Add(seed)
	}
	s := newNameSet()
	ours := make(map[string]bool)
	for name := range s.current.Load().names {
		ours[cgi(name)] = true
	}
	f.Fuzz(func(t *testing.T, name string) {
		variable := cgi(name)
		if (ours[variable] || strings.HasPrefix(variable, "SIGRA_")) && !s.has(name) {
			t.Errorf("%q reaches a CGI backend as %s", name, variable)
		}
	})
}
