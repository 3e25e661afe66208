package caddymodule

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// siteRoutes is what the routes of a server have for the same hosts.
type siteRoutes struct {
	// parent is the site whose hosts these are some of, as below a wildcard; or nil.
	parent  *siteRoutes
	hosts   []string
	gates   []*Gate
	portals []passedPortal
	// bare says that requests get to an app which the strip handler has not cleaned.
	bare bool
	// portal, headers and assertion are what the gates say that say it; empty when
	// none does.
	portal    string
	headers   HeadersConfig
	assertion AssertionHeader
}

// passedPortal is a portal and how requests get to it.
type passedPortal struct {
	*Portal
	passage
}

// passage is how requests get to a place among the routes.
type passage struct {
	// stripped says that all of them have been cleaned on their way.
	stripped bool
	// through are the matchers that they have met.
	through []caddyhttp.MatcherSets
}

// trail follows requests over a list of routes.
type trail struct {
	passage
	// groups says of each group of routes, of which a request takes one, whether all
	// so far clean it. cleaned are the matchers whose requests are clean.
	groups  map[string]bool
	cleaned []caddyhttp.MatcherSets
}

// enter returns how requests get to the handlers of a route.
func (t *trail) enter(route caddyhttp.Route) passage {
	pass := passage{stripped: t.stripped}
	pass.through = append(append(pass.through, t.through...), route.MatcherSets)
	for _, sets := range t.cleaned {
		pass.stripped = pass.stripped || reflect.DeepEqual(sets, route.MatcherSets)
	}
	return pass
}

// leave notes whether a route has cleaned the requests that it matches.
func (t *trail) leave(route caddyhttp.Route, stripped bool) {
	if route.Group != "" {
		if t.groups == nil {
			t.groups = make(map[string]bool)
		}
		all, begun := t.groups[route.Group]
		stripped = stripped && (all || !begun)
		t.groups[route.Group] = stripped
	}
	switch {
	case stripped && len(route.MatcherSets) == 0:
		t.stripped = true
	case stripped:
		t.cleaned = append(t.cleaned, route.MatcherSets)
	}
}

// settle gives the gates and portals of a site what only one of them says. Otherwise
// the app would get other headers, and assertions of another issuer, where a second
// directive asks for more. Those of the site around this one have been settled.
func (s *siteRoutes) settle(server string) error {
	if s.parent != nil {
		s.portal, s.headers, s.assertion = s.parent.portal, s.parent.headers, s.parent.assertion
	}
	for _, p := range s.paths() {
		if s.portal != "" && p != s.portal {
			return fmt.Errorf("sigra: the directives of %s have their pages at %s and at %s; a site has one portal, which one directive names for all",
				s.name(server), s.portal, p)
		}
		s.portal = p
	}
	if from := s.first(func(g *Gate) bool { return !g.Headers.isZero() }); from != nil {
		s.headers = from.Headers
	}
	if from := s.first(func(g *Gate) bool { return g.Assertion != AssertionHeader{} }); from != nil {
		s.assertion = from.Assertion
	}
	for _, g := range s.gates {
		g.portal = cmp.Or(s.portal, defaultPortal)
		if g.Headers.isZero() {
			g.Headers = s.headers
		}
		if g.Assertion == (AssertionHeader{}) {
			g.Assertion = s.assertion
		}
	}
	for _, p := range s.portals {
		p.base = cmp.Or(s.portal, defaultPortal)
	}
	return nil
}

// paths are the paths of pages that gates and portals of the site name.
func (s *siteRoutes) paths() (paths []string) {
	for _, g := range s.gates {
		paths = append(paths, g.Portal)
	}
	for _, p := range s.portals {
		paths = append(paths, p.Path)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return path == "" })
}

// first returns the first gate that says something: one for the whole site, or else
// one with a matcher; nil when none does.
func (s *siteRoutes) first(says func(*Gate) bool) (found *Gate) {
	for _, g := range s.gates {
		if says(g) && (found == nil || len(found.matchers) > 0 && len(g.matchers) == 0) {
			found = g
		}
	}
	return found
}

// name is what the log calls the site.
func (s *siteRoutes) name(server string) string {
	return cmp.Or(strings.Join(s.hosts, ", "), "server "+server)
}

// warn tells of what the operator of a site can hardly have meant, as when sigra
// stands in a handle: it guards nothing around that.
func (s *siteRoutes) warn(logger *slog.Logger, server string) {
	const remedy = "move sigra out of handle, handle_path or route, to the top of the site; a matcher after the word sigra limits it"
	name := slog.String("site", s.name(server))
	if s.bare && s.guarded() {
		logger.Warn("a reverse_proxy of this site has no `sigra` before it: "+
			"what the client says of its identity gets to the app there; "+remedy, name)
	}
	if len(s.gates) > 0 && !s.reachable() {
		logger.Warn("nobody can sign in at this site: a matcher around `sigra` keeps requests from its pages; "+remedy,
			name, slog.String("pages", s.gates[0].portal))
	}
}

// guarded reports whether a gate is there for some requests of the site.
func (s *siteRoutes) guarded() bool {
	return s != nil && (len(s.gates) > 0 || s.parent.guarded())
}

// reachable reports whether requests for the pages get to them.
func (s *siteRoutes) reachable() bool {
	if s == nil {
		return false
	}
	for _, portal := range s.portals {
		if portal.lets(portal.base + "/login") {
			return true
		}
	}
	return s.parent.reachable()
}

// lets reports whether no matcher on the way is for other paths alone.
func (p passage) lets(path string) bool {
	for _, sets := range p.through {
		passes := len(sets) == 0
		for _, set := range sets {
			passes = passes || matchesPath(set, path)
		}
		if !passes {
			return false
		}
	}
	return true
}

// matchesPath reports whether a request for a path may match: of other matchers than
// those for paths it depends on the request.
func matchesPath(set caddyhttp.MatcherSet, path string) bool {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: make(http.Header)}
	r = r.WithContext(context.WithValue(context.Background(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
	for _, matcher := range set {
		ok, err := true, error(nil)
		switch m := matcher.(type) {
		case caddyhttp.MatchPath:
			ok, err = m.MatchWithError(r)
		case *caddyhttp.MatchPath:
			ok, err = m.MatchWithError(r)
		}
		if err != nil || !ok {
			return false
		}
	}
	return true
}
