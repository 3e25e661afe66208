package caddymodule

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore/session"
)

// site is what the public address of a request tells.
type site struct {
	// origin is scheme, host and port as the browser sees them.
	origin string
	cookie session.Cookie
}

// hostSet knows the public addresses that were configured. A Host header that
// is none of them must not choose an audience, a link or a cookie.
type hostSet struct {
	cookieDomain string
	// origins are configured outright, by their host and port.
	origins map[string]string
	// patterns are the hosts of the sites that use Sigra.
	patterns []string
	// first is the public address of the first portal and portalPath its path,
	// for links in the log.
	portalPath string
	first      string

	mu    sync.Mutex
	sites [2]atomic.Pointer[map[string]*site] // by Host header, plain and TLS
}

// maxSites bounds the addresses that are remembered: with a wildcard site they
// are the client's choice.
const maxSites = 1024

// addOrigins adds configured origins. It fails on what is not an origin.
func (h *hostSet) addOrigins(origins []string) error {
	if h.origins == nil {
		h.origins = make(map[string]string)
	}
	for _, raw := range origins {
		origin, err := parseOrigin(raw)
		if err != nil {
			return err
		}
		h.origins[origin.Host] = origin.String()
		if h.first == "" {
			h.first = origin.String()
		}
	}
	return nil
}

// parseOrigin reads an origin such as https://app.example.com:8443. Plain HTTP
// is for loopback names only: browsers would send the session in the clear.
func parseOrigin(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("origin %q: want scheme and host, such as https://app.example.com", raw)
	}
	u.Host = strings.ToLower(u.Host)
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("origin %q: must be https", raw)
	}
	return u, nil
}

// site returns the public address of a request, or nil when its Host is not
// one that was configured.
func (h *hostSet) site(r *http.Request) *site {
	secure := isSecure(r)
	known := h.sites[index(secure)].Load()
	if known != nil {
		if s, ok := (*known)[r.Host]; ok {
			return s
		}
	}
	return h.learn(r, secure)
}

func (h *hostSet) learn(r *http.Request, secure bool) *site {
	s := h.judge(r, secure)
	if s == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	next := make(map[string]*site)
	if old := h.sites[index(secure)].Load(); old != nil && len(*old) < maxSites {
		for host, known := range *old {
			next[host] = known
		}
		if known, ok := next[r.Host]; ok {
			return known // the pointer is a key: one per address
		}
	}
	next[strings.Clone(r.Host)] = s
	h.sites[index(secure)].Store(&next)
	return s
}

// judge decides whether a request came to a configured address.
func (h *hostSet) judge(r *http.Request, secure bool) *site {
	host := strings.ToLower(r.Host)
	if origin, ok := h.origins[host]; ok {
		return h.siteAt(origin)
	}
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	if !secure && !isLoopback(name) {
		return nil
	}
	if !isLoopback(name) && !h.serves(name) {
		return nil
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	return h.siteAt(scheme + host)
}

func (h *hostSet) siteAt(origin string) *site {
	return &site{origin: origin, cookie: session.CookieFor(strings.HasPrefix(origin, "https:"), h.cookieDomain)}
}

// allows reports whether an absolute address leads to a configured origin.
func (h *hostSet) allows(u *url.URL) bool {
	host := strings.ToLower(u.Host)
	if origin, ok := h.origins[host]; ok {
		return origin == u.Scheme+"://"+host
	}
	return u.Scheme == "https" && u.Port() == "" && h.serves(host)
}

// serves reports whether a host name is one of a site that uses Sigra.
func (h *hostSet) serves(name string) bool {
	return slices.ContainsFunc(h.patterns, func(pattern string) bool { return matchesHost(pattern, name) })
}

// matchesHost applies a host pattern of Caddy: `*` stands for one label.
func matchesHost(pattern, name string) bool {
	wanted, labels := strings.Split(pattern, "."), strings.Split(name, ".")
	if len(wanted) != len(labels) {
		return false
	}
	for i := range wanted {
		if wanted[i] != "*" && !strings.EqualFold(wanted[i], labels[i]) {
			return false
		}
	}
	return true
}

// isSecure reports whether the browser speaks TLS: to us, or to a proxy in
// front that Caddy's trusted_proxies vouch for.
func isSecure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if r.Header["X-Forwarded-Proto"] == nil {
		return false
	}
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted && r.Header.Get("X-Forwarded-Proto") == "https"
}

// isLoopback reports whether a host name always means this machine.
func isLoopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return ip != nil && ip.IsLoopback()
}

func index(secure bool) int {
	if secure {
		return 1
	}
	return 0
}
