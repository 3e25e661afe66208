// Package ui serves the pages of the portal: one handler over the services of
// authcore. Pages are rendered on the server and work without JavaScript;
// clients that ask for JSON get the same answers as JSON.
package ui

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Accounts is what the pages need of the account service; *account.Service is
// one.
type Accounts interface {
	SignIn(ctx context.Context, in account.SignIn) (account.SignedIn, error)
	CheckSetUp(ctx context.Context, secret string) error
	CompleteSetUp(ctx context.Context, in account.SetUp) (account.SignedIn, error)
	StepUp(ctx context.Context, live *session.Live, password string, client authcore.Client) (account.SignedIn, error)
	SignOut(ctx context.Context, live *session.Live, client authcore.Client) error
	Sessions(ctx context.Context, live *session.Live) ([]session.Session, error)
	RevokeSession(ctx context.Context, live *session.Live, sessionID string, client authcore.Client) error
	RevokeOthers(ctx context.Context, live *session.Live, client authcore.Client) (int, error)
}

// Sessions resumes the session of a request.
type Sessions interface {
	Resume(ctx context.Context, token session.Token) (*session.Live, error)
}

// Keys publishes the keys that verify assertions.
type Keys interface {
	JWKS() (body []byte, etag string)
}

// Link is a link below the forms.
type Link struct {
	Text string
	URL  string
}

// Brand is how the operator dresses the pages.
type Brand struct {
	// Name of the product. Default: Sigra.
	Name string
	// LogoFile is an SVG or PNG file shown above the forms. Default: a mark.
	LogoFile string
	// Accent is a colour as #rrggbb. Default: Sigra's.
	Accent string
	Links  []Link
}

// Options are what a Handler is made of.
type Options struct {
	Accounts Accounts
	Sessions Sessions
	Keys     Keys
	// Health reports each dependency as "ok" or what is wrong.
	Health func(context.Context) map[string]string
	Brand  Brand
	// TemplateDir and MessagesDir hold files that replace or extend ours.
	TemplateDir string
	MessagesDir string
	Logger      *slog.Logger
	Clock       authcore.Clock
}

// Request is what the server knows of a request and the pages cannot.
type Request struct {
	// Base is the path of the portal, such as /_auth.
	Base string
	// Origin is the public origin of the site.
	Origin string
	Client authcore.Client
	Cookie session.Cookie
	// Returns accepts an absolute address to return to, if it leads to a
	// configured origin.
	Returns func(raw string) (string, bool)
}

// Handler serves the pages. It is safe for concurrent use.
type Handler struct {
	Options
	assets   *assets
	pages    *pages
	messages messages
	cross    *http.CrossOriginProtection
}

// New builds the pages. An operator's broken template, message or brand is an
// error that names it.
func New(o Options) (*Handler, error) {
	if o.Brand.Name == "" {
		o.Brand.Name = "Sigra"
	}
	h := &Handler{Options: o, cross: http.NewCrossOriginProtection()}
	var err error
	if h.messages, err = loadMessages(o.MessagesDir); err != nil {
		return nil, err
	}
	if h.assets, err = loadAssets(o.Brand); err != nil {
		return nil, err
	}
	if h.pages, err = loadPages(o.TemplateDir, h); err != nil {
		return nil, err
	}
	return h, nil
}

// visit is one request on its way through the pages.
type visit struct {
	*Handler
	w     http.ResponseWriter
	r     *http.Request
	facts Request
	// path is relative to the portal, without a trailing slash.
	path string
	live *session.Live // nil: signed out
	form form
}

// route is one page: what it does for a GET and for a POST.
type route struct {
	get, post func(*visit) error
	// signedIn pages lead signed-out visitors to sign-in.
	signedIn bool
}

var routes = map[string]route{
	"/":                               {get: (*visit).showAccount, signedIn: true},
	"/account":                        {get: (*visit).showAccount, signedIn: true},
	"/account/sessions":               {get: (*visit).showSessions, signedIn: true},
	"/account/sessions/revoke":        {post: (*visit).revokeSession, signedIn: true},
	"/account/sessions/revoke-others": {post: (*visit).revokeOthers, signedIn: true},
	"/login":                          {get: (*visit).showLogin, post: (*visit).login},
	"/logout":                         {get: (*visit).showLogout, post: (*visit).logout},
	"/step-up":                        {get: (*visit).showStepUp, post: (*visit).stepUp, signedIn: true},
	"/whoami":                         {get: (*visit).whoami},
	"/jwks.json":                      {get: (*visit).jwks},
	"/healthz":                        {get: (*visit).healthz},
	setUpPrefix:                       {get: (*visit).showSetUp, post: (*visit).setUp},
	assetPrefix:                       {get: (*visit).asset},
}

const (
	setUpPrefix = "/setup/"
	assetPrefix = "/assets/"
)

// find returns the route of a path; those that end in a slash own what is
// below them.
func find(path string) (route, bool) {
	for _, prefix := range []string{setUpPrefix, assetPrefix} {
		if strings.HasPrefix(path, prefix) && len(path) > len(prefix) {
			return routes[prefix], true
		}
	}
	r, ok := routes[path]
	return r, ok && (path == "/" || !strings.HasSuffix(path, "/"))
}

// Serve answers a request below the portal's path.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, facts Request) {
	v := &visit{Handler: h, w: w, r: r, facts: facts, path: strings.TrimPrefix(r.URL.Path, facts.Base)}
	if v.path == "" {
		v.path = "/"
	}
	secure(w.Header())
	if err := v.serve(); err != nil {
		v.fail(err)
	}
}

func (v *visit) serve() error {
	page, ok := find(v.path)
	if !ok {
		return statusError(http.StatusNotFound)
	}
	serve := page.get
	if v.r.Method == http.MethodPost {
		serve = page.post
	}
	if serve == nil || v.r.Method != http.MethodPost && v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		v.w.Header().Set("Allow", page.methods())
		return statusError(http.StatusMethodNotAllowed)
	}
	if v.r.Method == http.MethodPost {
		// Signing a visitor in to a stranger's account, or out of their own, is
		// an attack too (login CSRF), so every post is checked.
		if err := v.cross.Check(v.r); err != nil {
			return statusError(http.StatusForbidden)
		}
		if err := v.readForm(); err != nil {
			return err
		}
	}
	if err := v.resume(); err != nil && page.signedIn {
		return err
	}
	if page.signedIn && v.live == nil {
		return v.askToSignIn()
	}
	return serve(v)
}

func (r route) methods() string {
	var methods []string
	if r.get != nil {
		methods = append(methods, http.MethodGet, http.MethodHead)
	}
	if r.post != nil {
		methods = append(methods, http.MethodPost)
	}
	return strings.Join(methods, ", ")
}

// resume finds the visitor's session. A store that is away is an error; no
// session is not.
func (v *visit) resume() error {
	token, ok := v.facts.Cookie.Read(v.r.Header)
	if !ok {
		return nil
	}
	live, err := v.Sessions.Resume(v.r.Context(), token)
	if errors.Is(err, authcore.ErrNotFound) {
		return nil
	}
	v.live = live
	return err
}

// askToSignIn leads a signed-out visitor to sign-in and back.
func (v *visit) askToSignIn() error {
	if v.wantsJSON() || v.r.Method == http.MethodPost {
		return statusError(http.StatusUnauthorized)
	}
	v.redirect(v.facts.Base + "/login?return_to=" + queryEscape(v.r.URL.RequestURI()))
	return nil
}
