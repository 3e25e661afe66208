package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/policy"
	"github.com/sigra-auth/sigra/ui"
)

// challenge answers a request that may not pass. A top-level navigation is led
// to a page; anything else (fetch, manifest, service worker, upgrade, form
// post) gets a status and a machine-readable body, because a redirect to HTML
// would break it silently.
func (g *Gate) challenge(w http.ResponseWriter, r *http.Request, st *state, at *site, d policy.Decision) error {
	noStore(w.Header())
	switch d.Outcome {
	case policy.SignIn:
		return g.lead(w, r, st, at, page("/login"), `Bearer realm="sigra"`)
	case policy.Held:
		return g.lead(w, r, st, at, page(ui.HoldPage(d.Hold)), `Bearer realm="sigra", error="insufficient_user_authentication"`)
	case policy.StepUp:
		stepUp := func(back string) string { return ui.StepUpPage(d.Wanted, back) }
		return g.lead(w, r, st, at, stepUp, `Bearer realm="sigra", error="insufficient_user_authentication"`+g.asked(st.id.Org.Rules))
	case policy.Hide:
		if g.follow(w, r, st, at) {
			return nil
		}
		return g.problem(w, r, at, st.live, http.StatusNotFound)
	case policy.ChooseOrg:
		return g.choose(w, r, st, at, d)
	default:
		return g.forbidden(w, r, at, st, d)
	}
}

// asked says what a proof must be (RFC 9470 section 3), by the route and by the
// organization that the user acts in.
func (g *Gate) asked(rules authcore.OrgRules) (parameters string) {
	if g.need.Level == authcore.AAL2 || g.need.TwoStep || rules.TwoStep {
		parameters = `, acr_values="` + string(authcore.AAL2) + `"`
	}
	age := g.need.Fresh
	if age == 0 || rules.MaxAge > 0 && rules.MaxAge < age {
		age = rules.MaxAge
	}
	if age > 0 {
		parameters += `, max_age="` + strconv.Itoa(int(age.Seconds())) + `"`
	}
	return parameters
}

// choose leads a navigation to where the user chooses, makes or joins an
// organization, unless there is none and nobody can make one.
func (g *Gate) choose(w http.ResponseWriter, r *http.Request, st *state, at *site, d policy.Decision) error {
	if !g.app.orgs.Opened() && len(st.live.Identity.Orgs) == 0 {
		return g.forbidden(w, r, at, st, d)
	}
	location, led := g.redirect(w, r, st, at, page("/orgs"))
	if led {
		return nil
	}
	return writeProblem(w, problemJSON{
		Title: "Choose an organization", Status: http.StatusForbidden,
		Detail: "Choose an organization at choose_url and try again.", ChooseURL: at.origin + location,
	})
}

// page returns a page of the portal that leads back afterwards.
func page(path string) func(back string) string {
	return func(back string) string { return path + "?return_to=" + url.QueryEscape(back) }
}

// lead redirects a navigation to a page of the portal and brings it back
// afterwards, also a form that could be kept. Other requests get 401 with the
// page's address.
func (g *Gate) lead(w http.ResponseWriter, r *http.Request, st *state, at *site, page func(back string) string, authenticate string) error {
	location, led := g.redirect(w, r, st, at, page)
	if led {
		return nil
	}
	w.Header()["Www-Authenticate"] = []string{authenticate}
	return writeProblem(w, problemJSON{
		Title: "Authentication required", Status: http.StatusUnauthorized,
		Detail: "Sign in at login_url and try again.", LoginURL: at.origin + location,
	})
}

// redirect redirects what a browser will show, and returns where it leads.
func (g *Gate) redirect(w http.ResponseWriter, r *http.Request, st *state, at *site, page func(back string) string) (location string, led bool) {
	back, formKept := originalURL(r).RequestURI(), false
	if offer := g.keep(r, st, at); offer != "" {
		back, formKept = offer, true
	}
	location = g.portal + page(back)
	if !formKept && !isNavigation(r, st.came) {
		return location, false
	}
	w.Header()["Location"] = []string{location}
	w.WriteHeader(http.StatusSeeOther)
	return location, true
}

// originalURL is what the browser asked for, before other directives changed
// it.
func originalURL(r *http.Request) *url.URL {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.URL
	}
	return r.URL
}

// problemJSON is an RFC 9457 problem with the address to sign in at, or to choose an
// organization at.
type problemJSON struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	LoginURL  string `json:"login_url,omitempty"`
	ChooseURL string `json:"choose_url,omitempty"`
}

func writeProblem(w http.ResponseWriter, p problemJSON) error {
	p.Type = "about:blank"
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client is gone, nothing is left to do
	return nil
}

// noStore keeps caches, shared or not, from answering the next visitor with
// this one's challenge.
func noStore(h http.Header) {
	h["Cache-Control"] = []string{"no-store"}
	h.Add("Vary", "Cookie")
}

// isNavigation reports whether a browser is about to show the answer as a
// page. Sec-Fetch-Mode tells; for browsers without it, and for tools, a GET
// that prefers HTML counts.
func isNavigation(r *http.Request, came arrival) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || came.upgrade {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("X-Requested-With") == ""
}
