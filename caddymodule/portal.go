package caddymodule

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/ui"
)

func init() { caddy.RegisterModule(new(Portal)) }

// defaultPortal is where the pages are unless a site says otherwise.
const defaultPortal = "/_auth"

// Portal serves the pages: sign-in, the account, the keys of assertions. It
// answers everything below its path.
type Portal struct {
	// Path of the pages. Default: what another portal or gate of the site says, and
	// /_auth when none does.
	Path string `json:"path,omitempty"`
	// Origin is the public origin of the site, where its host does not tell.
	Origin string `json:"origin,omitempty"`

	app  *App
	base string // the path, of the site
}

// CaddyModule returns the Caddy module information.
func (*Portal) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sigra_portal", New: func() caddy.Module { return new(Portal) }}
}

// Provision finds the app.
func (p *Portal) Provision(ctx caddy.Context) (err error) {
	p.base = cmp.Or(p.Path, defaultPortal)
	if p.app, err = appOf(ctx); err != nil {
		return err
	}
	if p.Origin != "" {
		return p.app.hosts.addOrigins([]string{p.Origin})
	}
	return nil
}

// Validate checks the path.
func (p *Portal) Validate() error { return validatePortal(p.base) }

// validatePortal accepts a clean path below the root.
func validatePortal(portal string) error {
	if len(portal) < 2 || strings.HasSuffix(portal, "/") || ambiguousPath(portal) {
		return fmt.Errorf("portal: %q is not a path such as /_auth", portal)
	}
	return nil
}

// ServeHTTP serves a page.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	sites := p.app.sites() // they settle the path
	if !p.owns(r.URL.Path) {
		if r.URL.Path == relatedPath && p.app.relates(r) {
			return p.app.tellRelated(w)
		}
		return next.ServeHTTP(w, r)
	}
	if ui.IsSecret(r.URL, p.base) { // nobody's to read in a log
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	}
	at := sites.site(r)
	if at == nil {
		return misdirected(w, r)
	}
	st := stateOf(w, r)
	if st == nil {
		return caddyhttp.Error(http.StatusInternalServerError, errUnstripped)
	}
	if len(st.cookies) > 0 {
		r.Header["Cookie"] = st.cookies // the pages do read what no app may
	}
	facts := p.app.facts(r, at, p.base)
	switch {
	case st.came.early && !isSafe(r.Method):
		p.app.pages.Problem(w, r, facts, ui.Problem{Status: http.StatusTooEarly})
	case !strings.HasPrefix(r.URL.Path, p.base+"/assets/") && p.app.engine.awaitReady(r.Context()) != nil:
		p.app.pages.Problem(w, r, facts, ui.Problem{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter})
	default:
		p.app.pages.Serve(w, r, facts)
	}
	return nil
}

// owns reports whether a path is one of the pages.
func (p *Portal) owns(path string) bool {
	return strings.HasPrefix(path, p.base) && (len(path) == len(p.base) || path[len(p.base)] == '/')
}

// facts are what the pages are told of a request.
func (a *App) facts(r *http.Request, at *site, base string) ui.Request {
	local, rp := isLocal(r), a.relyingParty(at)
	return ui.Request{
		Base: base, Origin: at.origin, Cookie: at.cookie, Local: local, RelyingParty: rp,
		Client: authcore.Client{
			IP: clientIP(r.Context()), UserAgent: authcore.ShortText(r.UserAgent()),
			Site: at.origin, Portal: a.sites().mailed(at, local) + base, OneStep: a.oneStep(at), RPID: rp.ID,
		},
		Returns: func(raw string) (string, bool) {
			u, err := url.Parse(raw)
			if err != nil || u.User != nil || u.Scheme+"://"+u.Host != at.origin && !a.sites().allows(u) {
				return "", false
			}
			return u.String(), true
		},
	}
}

// isLocal reports whether a request was sent by this machine to a name of this
// machine: a page of another site that makes a browser ask does so by another
// name (DNS rebinding), and a proxy on this machine asks for others.
func isLocal(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !remote.Addr().Unmap().IsLoopback() || clientIP(r.Context()) != remote.Addr().Unmap().String() {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// clientIP is the address that Caddy vouches for, by its trusted_proxies.
func clientIP(ctx context.Context) string {
	ip, _ := caddyhttp.GetVar(ctx, caddyhttp.ClientIPVarKey).(string)
	return ip
}

var (
	_ caddy.Provisioner           = (*Portal)(nil)
	_ caddy.Validator             = (*Portal)(nil)
	_ caddyhttp.MiddlewareHandler = (*Portal)(nil)
)
