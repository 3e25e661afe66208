package caddymodule

import (
	"cmp"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// sites returns what is known of public addresses. It is found out when it is
// first needed: Caddy starts apps in any order, so the first request may come
// before this one has started.
func (a *App) sites() *hostSet {
	a.locate.Do(a.findHosts)
	return &a.hosts
}

// findHosts learns from the HTTP app which hosts lead to Sigra and where the
// first portal is.
func (a *App) findHosts() {
	a.hosts.cookieDomain = a.Cookie.Domain
	httpApp, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return // a command without a web server
	}
	web := httpApp.(*caddyhttp.App)
	servers := web.Servers
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		f := hostFinder{hosts: &a.hosts, server: servers[name], web: web}
		f.walk(servers[name].Routes, nil)
		if errors := servers[name].Errors; errors != nil && proxiesUnguarded(errors.Routes) {
			a.logger.Warn("handle_errors passes requests to an app without `sigra` before its reverse_proxy: "+
				"what the client says of its identity is not removed there", slog.String("server", name))
		}
	}
}

// proxiesUnguarded reports whether routes pass requests to an app without the
// strip handler before it. Routes for errors run after whatever failed, which
// may have been a handler before Sigra.
func proxiesUnguarded(routes caddyhttp.RouteList) bool {
	for _, route := range routes {
		for _, handler := range route.Handlers {
			switch h := handler.(type) {
			case *Strip:
				return false
			case *reverseproxy.Handler:
				return true
			case *caddyhttp.Subroute:
				if proxiesUnguarded(h.Routes) {
					return true
				}
			}
		}
	}
	return false
}

// hostFinder walks the routes of one server.
type hostFinder struct {
	hosts  *hostSet
	server *caddyhttp.Server
	web    *caddyhttp.App
}

func (f hostFinder) walk(routes caddyhttp.RouteList, hosts []string) {
	for _, route := range routes {
		within := hosts
		if own := hostsOf(route.MatcherSets); own != nil {
			within = own
		}
		for _, handler := range route.Handlers {
			switch h := handler.(type) {
			case *caddyhttp.Subroute:
				f.walk(h.Routes, within)
			case *Portal:
				f.found(within, h.Path)
			case *Gate:
				f.hosts.gates = append(f.hosts.gates, hostGate{h, fixedHosts(within)})
			}
		}
	}
}

func hostsOf(sets caddyhttp.MatcherSets) (hosts []string) {
	for _, set := range sets {
		for _, matcher := range set {
			switch m := matcher.(type) {
			case caddyhttp.MatchHost:
				hosts = append(hosts, m...)
			case *caddyhttp.MatchHost:
				hosts = append(hosts, *m...)
			}
		}
	}
	return hosts
}

// found notes the hosts of a portal. A site without a host is reached by
// loopback names only, unless its origin is configured.
func (f hostFinder) found(hosts []string, path string) {
	f.hosts.patterns = append(f.hosts.patterns, fixedHosts(hosts)...)
	if f.hosts.portalPath == "" {
		f.hosts.portalPath = path
	}
	if f.hosts.first == "" {
		f.hosts.first = f.address(hosts)
	}
}

// fixedHosts are the hosts that do not come from a placeholder.
func fixedHosts(hosts []string) (fixed []string) {
	for _, host := range hosts {
		if !strings.ContainsAny(host, "{}") {
			fixed = append(fixed, strings.ToLower(host))
		}
	}
	return fixed
}

// address returns the public address of a portal of this server.
func (f hostFinder) address(hosts []string) string {
	host := "localhost"
	for _, candidate := range hosts {
		if !strings.ContainsAny(candidate, "*{}") {
			host = candidate
			break
		}
	}
	port := ""
	if len(f.server.Listen) > 0 {
		_, port, _ = net.SplitHostPort(f.server.Listen[0])
	}
	scheme := "https"
	if len(f.server.TLSConnPolicies) == 0 {
		scheme = "http"
	}
	// The ports that Caddy is told to use for HTTP and HTTPS are those that
	// clients reach as 80 and 443.
	if port == "" || scheme == "https" && port == strconv.Itoa(cmp.Or(f.web.HTTPSPort, 443)) ||
		scheme == "http" && port == strconv.Itoa(cmp.Or(f.web.HTTPPort, 80)) && host != "localhost" {
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// portal returns the address of the first portal, for links in the log and in mails
// that no request causes.
func (h *hostSet) portal() string {
	path := h.portalPath
	if path == "" {
		path = defaultPortal
	}
	if h.first == "" {
		return "http://localhost" + path
	}
	return h.first + path
}
