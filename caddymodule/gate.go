package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/policy"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/ui"
)

func init() { caddy.RegisterModule(new(Gate)) }

// Gate lets a request pass to the app if its session satisfies what the route
// requires, and tells the app who is asking. Several gates on a site add up.
//
// It makes these placeholders available, empty for an anonymous visitor:
//
// Placeholder | Description
// ------------|------------
// `{http.auth.user.id}` | The stable id of the user
// `{http.auth.user.email}` | The verified e-mail address
// `{http.auth.user.name}` | The display name
// `{http.auth.user.role}` | The platform role
// `{http.auth.user.groups}` | The roles, comma separated
// `{http.auth.user.org}`, `.org_id`, `.org_role` | The active organization
// `{http.auth.user.profile.<field>}` | A profile field
// `{http.auth.user.session}` | The id of the session
// `{http.auth.user.aal}` | The assurance level, aal1 or aal2
// `{http.auth.user.amr}` | The authentication methods (RFC 8176), comma separated
// `{http.auth.user.auth_time}` | When the user was last proven, in Unix seconds
// `{http.auth.sigra.decision}` | allow, sign_in, held, choose_org, step_up, forbid or not_found
type Gate struct {
	// MatcherSetsRaw limits the gate to some requests. Default: all.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`
	// PublicRaw matches requests that anonymous visitors may make; an identity
	// is attached when there is one.
	PublicRaw caddyhttp.RawMatcherSets `json:"public,omitempty" caddy:"namespace=http.matchers"`
	// Require is what the identity must satisfy. Default: any signed-in user.
	Require Require `json:"require,omitzero"`
	// OrgFrom says which organization a request is for. Default: the one that is
	// active in the session.
	OrgFrom OrgFrom `json:"org_from,omitzero"`
	// MFA says whether signing in here takes a second factor. Default: what the
	// app says, and optional when it says nothing.
	MFA *MFAConfig `json:"mfa,omitempty"`
	// Portal is the path of the pages on this site. Default: what another gate of the
	// site says, and /_auth when none does. Two cannot say different ones.
	Portal string `json:"portal,omitempty"`
	// Headers is what the app is told. Default: what another gate of the site says, and
	// the remote dialect when none does.
	Headers HeadersConfig `json:"headers,omitzero"`
	// Assertion is the signed token that the app is given. Default: what another gate of
	// the site says.
	Assertion AssertionHeader `json:"assertion,omitzero"`
	// Origin is the public origin of this site, where its host does not tell.
	Origin string `json:"origin,omitempty"`

	app      *App
	portal   string // of the site
	matchers caddyhttp.MatcherSets
	public   caddyhttp.MatcherSets
	need     policy.Need
	alone    []*Gate // the gate itself, as the only one to judge

	mu     sync.Mutex
	latest atomic.Pointer[target]
	known  map[*site]*target
}

// target is a gate's upstream at one public address.
type target struct {
	site *site
	*upstream
}

// CaddyModule returns the Caddy module information.
func (*Gate) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sigra", New: func() caddy.Module { return new(Gate) }}
}

// Provision loads the matchers and tells the app which headers it may set.
func (g *Gate) Provision(ctx caddy.Context) (err error) {
	if g.app, err = appOf(ctx); err != nil {
		return err
	}
	g.portal = cmp.Or(g.Portal, defaultPortal)
	g.known = make(map[*site]*target)
	g.need = g.Require.need()
	if mfa := g.mfa(); mfa.is(mfaRequired) {
		g.need.TwoStep, g.need.TwoStepRoles = true, mfa.Roles
	}
	g.need.OneStep = g.mfa().is(mfaOff)
	g.alone = []*Gate{g}
	if err := loadMatchers(ctx, g, "MatcherSetsRaw", &g.matchers); err != nil {
		return err
	}
	if err := loadMatchers(ctx, g, "PublicRaw", &g.public); err != nil {
		return err
	}
	if g.Origin != "" {
		if err := g.app.hosts.addOrigins([]string{g.Origin}); err != nil {
			return err
		}
	}
	g.app.stripped.add(g.headerNames()...)
	return g.checkProfile()
}

func loadMatchers(ctx caddy.Context, g *Gate, field string, to *caddyhttp.MatcherSets) error {
	loaded, err := ctx.LoadModule(g, field)
	if err != nil {
		return fmt.Errorf("loading matchers: %w", err)
	}
	return to.FromInterface(loaded)
}

// Validate checks what the types cannot.
func (g *Gate) Validate() error {
	var misplaced error
	if len(g.matchers) > 0 && g.MFA.is(mfaOff) {
		misplaced = errOffSomewhere
	}
	return errors.Join(misplaced, g.Require.validate(), g.OrgFrom.validate(), g.validateRoles(), g.MFA.validate(), g.MFA.validateRoles(g.app.Orgs), g.Headers.validate(), g.Headers.validatePlaceholders(g.app.ProfileFields), g.Assertion.validate(), validatePortal(g.portal))
}

// ServeHTTP judges a request.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	st := stateOf(w, r)
	if st == nil || !st.private.serving {
		return caddyhttp.Error(http.StatusInternalServerError, errUnstripped)
	}
	// A request that the app might read differently is judged by every gate of the
	// site, also those that the router passed by, and is never public.
	st.ambiguous = st.came.overrides(r.Method) || isAmbiguous(r.URL)
	if !st.ambiguous {
		if ok, err := g.matchers.AnyMatchWithError(r); err != nil || !ok {
			if err != nil {
				return err
			}
			return next.ServeHTTP(w, r)
		}
	}
	at := g.app.sites().site(r)
	if at == nil {
		return g.misdirected(w, r)
	}
	switch {
	case st.ambiguous:
		return g.judge(w, r, next, st, at, append(slices.Clone(at.gates), g))
	case g.isPublic(r):
		return g.judge(w, r, next, st, at, nil)
	default:
		return g.judge(w, r, next, st, at, g.alone)
	}
}

func (g *Gate) isPublic(r *http.Request) bool {
	if len(g.public) == 0 {
		return false
	}
	ok, err := g.public.AnyMatchWithError(r)
	return ok && err == nil
}

// judge resumes the session, lets the given gates decide (none: the path is
// public), and serves or refuses.
func (g *Gate) judge(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, st *state, at *site, judges []*Gate) error {
	now := time.Now()
	g.resolve(r, st, at, now)
	if len(judges) > 0 && st.err != nil {
		g.app.observer.decided(outcomeUnavailable)
		return g.unavailable(w, r, at, st.err)
	}
	decision, by, status := g.decide(r, st, at, judges, now)
	if status != 0 {
		return g.problem(w, r, at, st.live, status)
	}
	st.outcome = decision.Outcome
	g.app.observer.decided(decision.Outcome)
	if decision.Outcome != policy.Allow {
		return by.challenge(w, r, st, at, decision)
	}
	if !st.identified() {
		return next.ServeHTTP(w, r)
	}
	if status := g.checkRisk(r, st.came, at); status != 0 {
		return g.page(w, r, at, nil, ui.Problem{Status: status, Foreign: status == http.StatusForbidden})
	}
	return g.track(w, r, next, st, at, judges, now)
}

// track serves a request that ends with its session.
func (g *Gate) track(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, st *state, at *site, judges []*Gate, now time.Time) error {
	if st.tracked {
		return g.forward(w, r, next, st, at, now)
	}
	var cancel context.CancelFunc
	if r.ProtoMajor >= 3 { // deadlines do not end the proxy's wait for the app
		var ctx context.Context
		ctx, cancel = context.WithCancel(r.Context())
		defer cancel()
		r = r.WithContext(ctx)
	}
	if !g.app.engine.sessions.Track(&st.stream, st.live, w, cancel) { // changed since it was resumed: ask again
		if st.resolved, st.retries = false, st.retries+1; st.retries > maxRetries {
			return g.unavailable(w, r, at, errUnsettled)
		}
		return g.judge(w, r, next, st, at, judges)
	}
	st.tracked = true
	defer func() {
		st.tracked = false // a handler of errors may pass the request on again
		leave(&st.stream)
	}()
	return g.forward(w, r, next, st, at, now)
}

// decide asks the given gates and settles as whom the session acts here. It also
// returns the gate that has refused, or the status for a request that names an
// organization in a form that cannot be read.
func (g *Gate) decide(r *http.Request, st *state, at *site, judges []*Gate, now time.Time) (d policy.Decision, by *Gate, status int) {
	here, status := g.place(r, at, st.ambiguous)
	if st.place.Fixed && here.Fixed && here != st.place {
		status = http.StatusNotFound // two directives read two organizations
	}
	if here.Fixed {
		st.place = here
	}
	st.act(here)
	d, by = policy.Decision{Outcome: policy.Allow}, g
	for i := 0; status == 0 && i < len(judges) && d.Outcome == policy.Allow; i++ {
		there := here
		if by = judges[i]; by != g {
			there, status = by.place(r, at, st.ambiguous)
		}
		d = policy.Decide(&by.need, there, identityOf(st.live), now)
	}
	if status == http.StatusNotFound {
		return policy.Decision{Outcome: policy.Hide}, by, 0
	}
	switch {
	case len(judges) > 0 || st.live == nil:
	case policy.IsHalfWay(st.id, g.need.OneStep):
		st.id = nil // whoever knows the password alone came in by another site
	case !policy.MeetsRules(st.id, now):
		st.act(nowhere)
	}
	return d, by, status
}

// forward tells the app who is asking, and passes the request on.
func (g *Gate) forward(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, st *state, at *site, now time.Time) error {
	if err := g.target(at).inject(r, st, now); err != nil {
		return g.unavailable(w, r, at, err)
	}
	st.private.personal = true
	err := next.ServeHTTP(w, r)
	if err != nil {
		// Handlers of errors get the same request, and may pass it to an app
		// after the session has ended.
		g.app.stripped.deleteFrom(r.Header)
	}
	return err
}

// leave ends the tracking of a request, and its connection (over HTTP/2 its
// stream) if the session has ended meanwhile.
func leave(stream *session.Stream) {
	if stream.Done() {
		panic(http.ErrAbortHandler)
	}
}

// maxRetries bounds how often a request asks again for a session that keeps
// changing.
const maxRetries = 5

var errUnsettled = fmt.Errorf("the session keeps changing: %w", authcore.ErrUnavailable)

func identityOf(live *session.Live) *authcore.Identity {
	if live == nil {
		return nil
	}
	return &live.Identity
}

// resolve finds the session of a request, once.
func (g *Gate) resolve(r *http.Request, st *state, at *site, now time.Time) {
	if st.resolved {
		return
	}
	st.resolved, st.live, st.err = true, nil, nil
	var room [session.MaxTokens]session.Token
	tokens := at.cookie.AppendTokens(room[:0], st.cookies)
	if len(tokens) == 0 {
		return
	}
	live, err := g.app.resume(r, tokens, now)
	switch {
	case err == nil:
		st.live = live
	case !errors.Is(err, authcore.ErrNotFound):
		st.err = err
	}
}

// target returns the gate's upstream at an address.
func (g *Gate) target(at *site) *target {
	if t := g.latest.Load(); t != nil && t.site == at {
		return t
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.known[at]
	if t == nil {
		if len(g.known) >= maxSites {
			clear(g.known)
		}
		t = &target{at, g.newUpstream(at)}
		g.known[at] = t
	}
	g.latest.Store(t)
	return t
}

var (
	_ caddy.Provisioner           = (*Gate)(nil)
	_ caddy.Validator             = (*Gate)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gate)(nil)
)
