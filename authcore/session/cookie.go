package session

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// Cookie names and scopes the cookie that holds the token.
type Cookie struct {
	// Name is __Host-sigra, __Secure-sigra with a Domain, or sigra on plain
	// HTTP to a loopback name; see [CookieFor].
	Name string
	// Domain shares the session between the hosts below it; empty means the
	// host alone.
	Domain string
	// Secure is false only on plain HTTP to a loopback name.
	Secure bool
}

// CookieFor returns the cookie with the strictest prefix that fits (RFC
// 6265bis section 4.1.3): a sibling host cannot plant a __Host- cookie.
func CookieFor(secure bool, domain string) Cookie {
	switch {
	case !secure:
		return Cookie{Name: baseName}
	case domain != "":
		return Cookie{Name: "__Secure-" + baseName, Domain: domain, Secure: true}
	default:
		return Cookie{Name: "__Host-" + baseName, Secure: true}
	}
}

// MaxTokens is how many tokens of one request are looked at. One is usual; a
// sibling host can plant more, and each costs a read of the store.
const MaxTokens = 8

// AppendTokens appends the well-formed tokens among the Cookie lines of a
// request, at most [MaxTokens]. A browser holds one cookie of a name unless a
// sibling host has planted others under a shared domain; without a Domain,
// several are refused rather than chosen among.
func (c Cookie) AppendTokens(tokens []Token, lines []string) []Token {
	before := len(tokens)
	tokens, named := c.appendPresented(tokens, lines)
	if named > 1 && c.Domain == "" {
		return tokens[:before]
	}
	return tokens
}

// Presented returns the well-formed tokens of a request, also of several
// cookies that vouch for nothing together: those that a sign-out ends.
func (c Cookie) Presented(lines []string) []Token {
	tokens, _ := c.appendPresented(nil, lines)
	return tokens
}

// appendPresented also returns how many cookies of the name there were.
func (c Cookie) appendPresented(tokens []Token, lines []string) (_ []Token, named int) {
	before := len(tokens)
	for _, line := range lines {
		for line != "" && len(tokens)-before < MaxTokens {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			value, ok := c.valueOf(pair)
			if !ok {
				continue
			}
			named++
			if t, ok := ParseToken(value); ok {
				tokens = append(tokens, t)
			}
		}
	}
	return tokens, named
}

// valueOf returns the value of a cookie pair if it is ours.
func (c Cookie) valueOf(pair string) (string, bool) {
	pair = textproto.TrimString(pair)
	if len(pair) <= len(c.Name) || pair[len(c.Name)] != '=' || pair[:len(c.Name)] != c.Name {
		return "", false
	}
	return pair[len(c.Name)+1:], true
}

// StripCookies returns the Cookie lines of a request that goes to an app less
// every cookie of Sigra, of whatever site, so that the app never holds a credential
// it could replay. Other cookies stay as they were.
func StripCookies(lines []string) (kept []string) {
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, baseName) }) {
		return lines
	}
	for _, line := range lines {
		if rest := withoutOurs(line); rest != "" {
			kept = append(kept, rest)
		}
	}
	return kept
}

// withoutOurs returns a Cookie header line less our pairs.
func withoutOurs(line string) string {
	var b strings.Builder
	for line != "" {
		var pair string
		pair, line, _ = strings.Cut(line, ";")
		pair = textproto.TrimString(pair)
		if pair == "" || ours(pair) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(pair)
	}
	return b.String()
}

// baseName is the name of the session cookie less its prefix; names that
// extend it with a hyphen are Sigra's too.
const baseName = "sigra"

func ours(pair string) bool {
	name, _, _ := strings.Cut(pair, "=")
	name = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(name), "__Host-"), "__Secure-")
	return name == baseName || strings.HasPrefix(name, baseName+"-")
}

// DeviceName is the name of the cookie that marks a browser as known: this one's,
// extended, so that it has the same prefix and the same protection.
func (c Cookie) DeviceName() string { return c.Name + "-device" }

// TrustName is the name of the cookie of a browser that asks for no second factor.
func (c Cookie) TrustName() string { return c.Name + "-trust" }

// Set sends the token to the browser: for the browser session, or until the
// session ends when it is remembered.
func (c Cookie) Set(w http.ResponseWriter, t Token, s *Session, now time.Time) {
	cookie := c.http()
	cookie.Value = t.String()
	if s.Remembered {
		cookie.MaxAge = int(s.ExpiresAt.Sub(now).Seconds())
	}
	http.SetCookie(w, cookie)
}

// Clear tells the browser to forget the token.
func (c Cookie) Clear(w http.ResponseWriter) {
	cookie := c.http()
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

func (c Cookie) http() *http.Cookie {
	return &http.Cookie{
		Name: c.Name, Path: "/", Domain: c.Domain,
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
