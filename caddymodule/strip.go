package caddymodule

import (
	"errors"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore/session"
)

func init() { caddy.RegisterModule(new(Strip)) }

// Strip removes everything from a request that only Sigra may say: identity
// headers in every spelling, their names in Connection and trailers, and
// Sigra's own cookies. The `sigra` directive puts it before everything else on
// a site, for every request: a narrow matcher must not leave a path where
// forged headers pass.
type Strip struct {
	app *App
}

// CaddyModule returns the Caddy module information.
func (*Strip) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sigra_strip", New: func() caddy.Module { return new(Strip) }}
}

// Provision finds the app.
func (s *Strip) Provision(ctx caddy.Context) (err error) {
	s.app, err = appOf(ctx)
	return err
}

// errUnstripped answers what came past the strip handler, by a configuration that was
// not written by the directive.
var errUnstripped = errors.New("sigra: the strip handler must be around the portal and the gate")

func appOf(ctx caddy.Context) (*App, error) {
	app, err := ctx.App(appID)
	if err != nil {
		return nil, err
	}
	return app.(*App), nil
}

// ServeHTTP cleans the request once, however many directives a site has.
func (s *Strip) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	st, made := attachState(r)
	if made {
		s.clean(r, st)
	}
	return st.private.serve(next, w, r)
}

// clean goes over the header once, and notes in the state what the gate and the
// pages need of it.
func (s *Strip) clean(r *http.Request, st *state) {
	names := s.app.stripped
	st.came = arrivalOf(r)
	for name, values := range r.Header {
		switch {
		case name == "Cookie":
			// No app ever holds a credential that it could replay.
			st.cookies = values
			set(r.Header, name, session.StripCookies(values))
		case name == "Connection":
			set(r.Header, name, names.without(values))
		case names.has(name):
			delete(r.Header, name)
		default:
			st.came.note(name, values)
		}
	}
	if st.came.upgrade && r.Method != http.MethodConnect && !isWebSocket(r.Header["Upgrade"]) {
		dropUpgrade(r.Header)
		st.came.upgrade = false
	}
	if len(r.Trailer) > 0 {
		names.deleteFrom(r.Trailer)
		r.Body = &trailerStripper{r.Body, r.Trailer, names}
	}
}

// set sets the lines of a field, or removes it when there are none.
func set(h http.Header, name string, lines []string) {
	if len(lines) == 0 {
		delete(h, name)
		return
	}
	h[name] = lines
}

// trailerStripper removes names from the trailer, which net/http fills when
// the body ends.
type trailerStripper struct {
	io.ReadCloser
	trailer http.Header
	names   *nameSet
}

func (t *trailerStripper) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err == io.EOF {
		t.names.deleteFrom(t.trailer)
	}
	return n, err
}

var (
	_ caddy.Provisioner           = (*Strip)(nil)
	_ caddyhttp.MiddlewareHandler = (*Strip)(nil)
)
