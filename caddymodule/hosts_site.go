package caddymodule

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
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

// warn tells of what the operator of a site can hardly have meant, as when sigra
// stands in a handle: it guards nothing around that.
func (s *siteRoutes) warn(logger *slog.Logger, server string) {
	const remedy = "move sigra out of handle, handle_path or route, to the top of the site; a matcher after the word sigra limits it"
	name := slog.String("site", cmp.Or(strings.Join(s.hosts, ", "), "server "+server))
	if s.bare && s.guarded() {
		logger.Warn("a reverse_proxy of this site has no `sigra` before it: "+
			"what the client says of its identity gets to the app there; "+remedy, name)
	}
	if len(s.gates) > 0 && !s.reachable() {
		logger.Warn("nobody can sign in at this site: a matcher around `sigra` keeps requests from its pages; "+remedy,
			name, slog.String("pages", s.gates[0].Portal))
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
		if portal.lets(portal.Path + "/login") {
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
