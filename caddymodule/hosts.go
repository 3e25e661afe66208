package caddymodule

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore/session"
)

// site is what the public address of a request tells.
type site struct {
	// host is the Host header that leads to it, and name the same without the port,
	// in lower case.
	host, name string
	// origin is scheme, host and port as the browser sees them.
	origin string
	cookie session.Cookie
	// wild says that only a wildcard leads here: the name may be somebody else's.
	wild bool
	// gates are all gates that the configuration has for the host, and orgs what
	// they say of where a request names an organization.
	gates []*Gate
	orgs  []OrgFrom
}

// hostSet knows the public addresses that were configured. A Host header that
// is none of them must not choose an audience, a link or a cookie.
type hostSet struct {
	cookieDomain string
	// origins are configured outright, by their host and port.
	origins map[string]string
	// patterns are the hosts of the sites that use Sigra.
	patterns []string
	// gates are the gates with the hosts that lead to each.
	gates []hostGate
	// first is the public address of the first portal and pages that portal, for links
	// in the log and in mails that no request causes.
	pages *Portal
	first string
	// trouble says what is contradictory in the sites.
	trouble error

	mu     sync.RWMutex
	sites  [2]map[string]*site // by Host header, plain and TLS
	latest [2]atomic.Pointer[site]
}

// hostGate is a gate and its hosts; none means every host.
type hostGate struct {
	gate  *Gate
	hosts []string
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
	latest := &h.latest[index(secure)]
	if s := latest.Load(); s != nil && s.host == r.Host {
		return s
	}
	h.mu.RLock()
	s := h.sites[index(secure)][r.Host]
	h.mu.RUnlock()
	if s == nil {
		if s = h.judge(r, secure); s == nil {
			return nil
		}
		s = h.remember(s, index(secure))
	}
	latest.Store(s)
	return s
}

// remember keeps one value per address: its pointer is a key.
func (h *hostSet) remember(s *site, at int) *site {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.sites[at][s.host]; known != nil {
		return known
	}
	if h.sites[at] == nil || len(h.sites[at]) >= maxSites {
		h.sites[at] = make(map[string]*site)
	}
	h.sites[at][s.host] = s
	return s
}

// judge decides whether a request came to a configured address. A port counts
// when it is the listener's or configured: it is part of links in mails and of
// the audience of assertions, so it must not be the client's choice.
func (h *hostSet) judge(r *http.Request, secure bool) *site {
	host := strings.ToLower(r.Host)
	name, port := host, ""
	if bare, number, err := net.SplitHostPort(host); err == nil {
		name, port = bare, number
	}
	if origin, ok := h.origins[host]; ok {
		return h.siteAt(r.Host, origin, name)
	}
	if isLoopback(name) {
		if _, err := strconv.ParseUint(port, 10, 16); port != "" && err != nil {
			return nil
		}
	} else if !secure || !h.serves(name) || port != "" && port != listenerPort(r) {
		return nil
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	s := h.siteAt(r.Host, scheme+strings.TrimSuffix(host, ":"), name)
	s.wild = !isLoopback(name) && !slices.Contains(h.patterns, name)
	return s
}

// listenerPort is the port that a request arrived at.
func listenerPort(r *http.Request) string {
	address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if address == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(address.String())
	return port
}

func (h *hostSet) siteAt(host, origin, name string) *site {
	domain := h.cookieDomain
	if !isWithin(name, domain) {
		domain = "" // browsers drop a cookie for a domain that the host is not in
	}
	s := &site{
		host: strings.Clone(host), name: strings.Clone(name), origin: origin,
		cookie: session.CookieFor(strings.HasPrefix(origin, "https:"), domain),
	}
	for _, g := range h.gates {
		if len(g.hosts) == 0 || slices.ContainsFunc(g.hosts, func(pattern string) bool { return matchesHost(pattern, name) }) {
			s.gates = append(s.gates, g.gate)
			if from := g.gate.OrgFrom; from.fixes() && !slices.Contains(s.orgs, from) {
				s.orgs = append(s.orgs, from)
			}
		}
	}
	return s
}

// mailed returns the origin of links in mails that a request to a site causes. It is
// an exactly configured one where there is any: the host under a wildcard is the
// client's choice, and may be a name that leads elsewhere, so that the token in a
// link would be somebody else's. A loopback name counts for who is at this machine.
func (h *hostSet) mailed(at *site, local bool) string {
	u, err := url.Parse(at.origin)
	if err != nil {
		return h.first
	}
	own := local
	if !isLoopback(u.Hostname()) {
		own = h.origins[u.Host] == at.origin || slices.Contains(h.patterns, u.Hostname())
	}
	if first, err := url.Parse(h.first); own || err != nil || first.Host == "" || isLoopback(first.Hostname()) {
		return at.origin
	}
	return h.first
}

// allows reports whether an absolute address leads to a configured origin. The
// names under a wildcard do not count: some may lead elsewhere.
func (h *hostSet) allows(u *url.URL) bool {
	host := strings.ToLower(u.Host)
	if origin, ok := h.origins[host]; ok {
		return origin == u.Scheme+"://"+host
	}
	return u.Scheme == "https" && slices.Contains(h.patterns, host)
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
		if wanted[i] == "*" && hostLabel.MatchString(labels[i]) {
			continue
		}
		if !strings.EqualFold(wanted[i], labels[i]) {
			return false
		}
	}
	return true
}

// isWithin reports whether a host is a domain or below it.
func isWithin(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}

// hostLabel is a label of a host name (RFC 5890 section 2.3.1, and the
// underscore that is in use).
var hostLabel = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)

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
