package caddymodule

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/url"
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
	a.hosts.cookieDomain = a.Cookie.domain()
	httpApp, err := a.ctx.AppIfConfigured("http")
	if err != nil {
		return // a command without a web server
	}
	web := httpApp.(*caddyhttp.App)
	servers := web.Servers
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		f := newHostFinder(&a.hosts, servers[name], web)
		f.walk(servers[name].Routes, f.all[0], passage{})
		for _, site := range f.all {
			a.hosts.trouble = errors.Join(a.hosts.trouble, site.settle(name))
			site.warn(a.logger, name)
		}
		for _, plain := range slices.Compact(slices.Sorted(slices.Values(f.plain))) {
			a.logger.Warn("sigra answers 421 to whoever comes to this site without HTTPS: let Caddy do TLS; "+
				"behind a proxy that does it, set both trusted_proxies and trusted_proxies_strict", slog.String("site", plain))
		}
		if failed := servers[name].Errors; failed != nil && proxiesUnguarded(failed.Routes) {
			a.logger.Warn("handle_errors passes requests to an app without `sigra` before its reverse_proxy: "+
				"what the client says of its identity is not removed there", slog.String("server", name))
		}
	}
	if a.hosts.pages != nil && a.hosts.first == "" {
		a.logger.Warn("only a wildcard leads to the pages: links in mails follow the name that whoever asks for them has used, " +
			"and that name may lead elsewhere; name the public address by the option origin")
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
	// all are the sites of the server, that of its routes for any host first.
	all []*siteRoutes
	// plain are the sites that are served over plain HTTP by a name of the network.
	plain []string
}

func newHostFinder(hosts *hostSet, server *caddyhttp.Server, web *caddyhttp.App) *hostFinder {
	return &hostFinder{hosts: hosts, server: server, web: web, all: []*siteRoutes{{}}}
}

// walk goes over routes in the order in which requests pass them, and returns how
// requests leave them that no route keeps.
func (f *hostFinder) walk(routes caddyhttp.RouteList, site *siteRoutes, came passage) passage {
	way := trail{passage: came}
	for _, route := range routes {
		within, pass := f.siteOf(route, site), way.enter(route)
		for _, handler := range route.Handlers {
			switch h := handler.(type) {
			case *caddyhttp.Subroute:
				pass.stripped = f.walk(h.Routes, within, pass).stripped
			case *Strip:
				pass.stripped = true
			case *Portal:
				within.portals = append(within.portals, passedPortal{h, pass})
				f.found(within.hosts, h)
			case *Gate:
				within.gates = append(within.gates, h)
				f.hosts.gates = append(f.hosts.gates, hostGate{h, fixedHosts(within.hosts)})
			case *reverseproxy.Handler:
				within.bare = within.bare || !pass.stripped
			}
		}
		way.leave(route, pass.stripped)
	}
	return way.passage
}

// siteOf returns the site that a route is of: the one around it, or one for the hosts
// that it names.
func (f *hostFinder) siteOf(route caddyhttp.Route, around *siteRoutes) *siteRoutes {
	hosts := hostsOf(route.MatcherSets)
	if hosts == nil {
		return around
	}
	if around == f.all[0] && route.Terminal { // what is for any host is another site
		around = nil
	}
	for _, known := range f.all[1:] {
		if known.parent == around && slices.Equal(known.hosts, hosts) {
			return known
		}
	}
	site := &siteRoutes{parent: around, hosts: hosts}
	f.all = append(f.all, site)
	return site
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
func (f *hostFinder) found(hosts []string, portal *Portal) {
	for _, host := range fixedHosts(hosts) {
		if len(f.server.TLSConnPolicies) == 0 && f.server.TrustedProxiesStrict == 0 && !f.server.TrustedProxiesUnix && !isLoopback(host) && !f.hosts.hasOrigin(host) {
			f.plain = append(f.plain, "http://"+host)
		}
	}
	f.hosts.patterns = append(f.hosts.patterns, fixedHosts(hosts)...)
	if f.hosts.pages == nil {
		f.hosts.pages = portal
	}
	if f.hosts.first == "" {
		f.hosts.first = f.address(hosts)
	}
}

// hasOrigin reports whether an origin is configured for a host name, on any port.
func (h *hostSet) hasOrigin(name string) bool {
	for _, origin := range h.origins {
		if u, err := url.Parse(origin); err == nil && u.Hostname() == name {
			return true
		}
	}
	return false
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

// address returns the public address of a portal of this server; empty where only a
// wildcard or a placeholder leads to it, any name of which may be somebody else's.
func (f *hostFinder) address(hosts []string) string {
	host := "localhost"
	if len(hosts) > 0 {
		exact := slices.IndexFunc(hosts, func(candidate string) bool { return !strings.ContainsAny(candidate, "*{}") })
		if exact < 0 {
			return ""
		}
		host = hosts[exact]
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
// that no request causes; empty where its address is not known.
func (h *hostSet) portal() string {
	path := defaultPortal
	if h.pages != nil {
		path = h.pages.base
	}
	if h.first == "" {
		return ""
	}
	return h.first + path
}
