package caddymodule

import (
	"io"
	"net/http"
	"strings"

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

func appOf(ctx caddy.Context) (*App, error) {
	app, err := ctx.App(appID)
	if err != nil {
		return nil, err
	}
	return app.(*App), nil
}

// ServeHTTP cleans the request once, however many directives a site has.
func (s *Strip) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if newState(r) {
		names := s.app.stripped
		names.deleteFrom(r.Header)
		names.deleteFromConnection(r.Header)
		if len(r.Trailer) > 0 {
			names.deleteFrom(r.Trailer)
			r.Body = &trailerStripper{r.Body, r.Trailer, names}
		}
	}
	return next.ServeHTTP(w, r)
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

// takeCookies removes Sigra's cookies from a header, so that no app ever holds
// a credential that it could replay, and returns the lines as they were.
func takeCookies(h http.Header) []string {
	lines := h["Cookie"]
	for _, line := range lines {
		if strings.Contains(line, "sigra") {
			session.StripCookies(h)
			break
		}
	}
	return lines
}

var (
	_ caddy.Provisioner           = (*Strip)(nil)
	_ caddyhttp.MiddlewareHandler = (*Strip)(nil)
)
