package caddymodule

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sigra-auth/sigra/authcore/org"
)

// follow leads a member who comes by the slug that an organization had until lately
// to the same page under the present one. To anybody else that slug is one like any
// other; who is signed out, or belongs nowhere, causes no look at the database.
func (g *Gate) follow(w http.ResponseWriter, r *http.Request, st *state, at *site) bool {
	if st.live == nil || len(st.live.Identity.Orgs) == 0 || !isNavigation(r, st.came) {
		return false
	}
	source, slug := g.named(r, at, st.ambiguous)
	if source.Source == orgFromHeader || !org.ValidSlug(slug) {
		return false
	}
	present, err := g.app.orgs.Moved(r.Context(), org.Actor{Live: st.live}, slug)
	if err != nil { // none, or it cannot be told: as if there were none
		return false
	}
	location := ""
	if source.Source == orgFromPath {
		location = source.pathFor(originalURL(r), slug, present)
	} else if to := g.app.sites().site(source.hostFor(r, at, slug, present)); to != nil && slices.Contains(to.gates, g) {
		location = to.origin + originalURL(r).RequestURI()
	}
	if location == "" {
		return false
	}
	w.Header()["Location"] = []string{location}
	w.WriteHeader(http.StatusSeeOther) // not for good: others may take the slug
	return true
}

// named returns what names the organization of a request, if that is one thing.
func (g *Gate) named(r *http.Request, at *site, ambiguous bool) (source OrgFrom, slug string) {
	sources := at.orgs
	if g.OrgFrom.Source != "" {
		sources = []OrgFrom{g.OrgFrom}
	}
	for _, s := range sources {
		p, status := s.place(r, at, ambiguous)
		if status != 0 || p.Fixed && slug != "" {
			return OrgFrom{}, ""
		}
		if p.Fixed {
			source, slug = s, p.Org
		}
	}
	return source, slug
}

// pathFor returns an address with another organization in its path; empty when the
// slug is not spelled out there.
func (o OrgFrom) pathFor(u *url.URL, slug, present string) string {
	segments := strings.Split(u.EscapedPath(), "/")
	i := strings.Count(o.Prefix, "/") + 1
	if i >= len(segments) || segments[i] != slug {
		return ""
	}
	segments[i] = present
	to := url.URL{RawQuery: u.RawQuery}
	return strings.Join(segments, "/") + to.String()
}

// hostFor returns a request to the host of another organization.
func (o OrgFrom) hostFor(r *http.Request, at *site, slug, present string) *http.Request {
	before := 0
	if o.Suffix != "" {
		before = len(at.name) - len(slug+"."+o.Suffix)
	}
	there := *r
	there.Host = at.name[:before] + present + at.name[before+len(slug):] + r.Host[len(at.name):]
	return &there
}
