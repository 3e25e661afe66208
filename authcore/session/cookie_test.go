package session

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCookieFor(t *testing.T) {
	for name, c := range map[string]Cookie{
		"sigra":          CookieFor(false, ""),
		"__Host-sigra":   CookieFor(true, ""),
		"__Secure-sigra": CookieFor(true, "example.com"),
	} {
		if c.Name != name {
			t.Errorf("%s, want %s", c.Name, name)
		}
		if c.Secure != (name != "sigra") {
			t.Errorf("%s: secure %v", name, c.Secure)
		}
	}
}

func TestCookieTokens(t *testing.T) {
	good, other := NewToken(), NewToken()
	c := CookieFor(true, "")
	for name, test := range map[string]struct {
		lines []string
		want  []Token
	}{
		"none":            {nil, nil},
		"alone":           {[]string{"__Host-sigra=" + good.String()}, []Token{good}},
		"among others":    {[]string{"a=b; __Host-sigra=" + good.String() + "; c=d"}, []Token{good}},
		"second line":     {[]string{"a=b", "__Host-sigra=" + good.String()}, []Token{good}},
		"two":             {[]string{"__Host-sigra=" + other.String(), "__Host-sigra=" + good.String()}, nil},
		"the same twice":  {[]string{"__Host-sigra=" + good.String() + "; __Host-sigra=" + good.String()}, nil},
		"one and nothing": {[]string{"__Host-sigra=; __Host-sigra=" + good.String()}, nil},
		"other name":      {[]string{"sigra=" + good.String()}, nil},
		"longer name":     {[]string{"__Host-sigra-x=" + good.String()}, nil},
		"name in a value": {[]string{"a=__Host-sigra=" + good.String()}, nil},
		"empty":           {[]string{"__Host-sigra="}, nil},
		"short":           {[]string{"__Host-sigra=" + good.String()[1:]}, nil},
		"long":            {[]string{"__Host-sigra=" + strings.Repeat("A", 8192)}, nil},
		"alphabet":        {[]string{"__Host-sigra=" + strings.Repeat("+", TokenLength)}, nil},
		"loose bits":      {[]string{"__Host-sigra=" + strings.Repeat("A", TokenLength-1) + "B"}, nil},
	} {
		if got := c.AppendTokens(nil, test.lines); !slices.Equal(got, test.want) {
			t.Errorf("%s: %d tokens, want %d", name, len(got), len(test.want))
		}
	}
}

func TestPlantedCookies(t *testing.T) {
	good, other := NewToken(), NewToken()
	c := CookieFor(true, "example.com")
	lines := []string{"__Secure-sigra=; __Secure-sigra=x; __Secure-sigra=" + other.String(), "__Secure-sigra=" + good.String()}
	if got := c.AppendTokens(nil, lines); !slices.Equal(got, []Token{other, good}) {
		t.Errorf("%d tokens", len(got))
	}
	many := strings.Repeat("__Secure-sigra="+good.String()+"; ", 100)
	if n := len(c.AppendTokens(nil, []string{many, many})); n != MaxTokens {
		t.Errorf("%d of 200 tokens are looked at", n)
	}
}

func TestStripCookies(t *testing.T) {
	for in, want := range map[string]string{
		"a=b":                          "a=b",
		"sigra=x":                      "",
		"__Host-sigra=x; a=b":          "a=b",
		"a=b; __Secure-sigra=x ; c=d":  "a=b; c=d",
		"__Host-sigra-device=x;a=b;":   "a=b",
		"sigrafoo=x; notsigra=y":       "sigrafoo=x; notsigra=y",
		"a=sigra=x":                    "a=sigra=x",
		" sigra = x; ;; b=1":           "b=1",
		"a=\"x; sigra=1; y\"":          "a=\"x; y\"",
		"flag; sigra; __Host-sigra; b": "flag; b",
	} {
		var lines []string
		if want != "" {
			lines = []string{want}
		}
		if got := StripCookies([]string{in}); !slices.Equal(got, lines) {
			t.Errorf("%q: %q, want %q", in, got, lines)
		}
	}
}

func TestCookieAttributes(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		cookie     Cookie
		remembered bool
		want       string
	}{
		"session":    {CookieFor(true, ""), false, "; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"remembered": {CookieFor(true, ""), true, "; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		"domain":     {CookieFor(true, "example.com"), false, "; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax"},
		"localhost":  {CookieFor(false, "example.com"), false, "; Path=/; HttpOnly; SameSite=Lax"},
	} {
		w := httptest.NewRecorder()
		token := NewToken()
		test.cookie.Set(w, token, &Session{Remembered: test.remembered, ExpiresAt: now.Add(time.Hour)}, now)
		if got, want := w.Header().Get("Set-Cookie"), test.cookie.Name+"="+token.String()+test.want; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	w := httptest.NewRecorder()
	CookieFor(true, "").Clear(w)
	if got := w.Header().Get("Set-Cookie"); !strings.Contains(got, "Max-Age=0") {
		t.Errorf("cleared by %q", got)
	}
}

func FuzzCookie(f *testing.F) {
	f.Add("__Host-sigra=" + NewToken().String())
	f.Add("a=b; __Host-sigra=x; __Host-sigra=y")
	f.Add("sigra;;=;\x00=")
	c := CookieFor(true, "")
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Cookie": {line}}
		for _, token := range c.AppendTokens(nil, h["Cookie"]) {
			if !strings.Contains(line, c.Name+"="+token.String()) {
				t.Errorf("read a token that is not there from %q", line)
			}
		}
		if left := StripCookies(h["Cookie"]); len(c.AppendTokens(nil, left)) > 0 {
			t.Errorf("%q: the credential is left after stripping: %q", line, left)
		}
	})
}
