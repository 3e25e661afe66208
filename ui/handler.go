// Package ui serves the pages of the portal: one handler over the services of
// authcore. Pages are rendered on the server and work without JavaScript;
// clients that ask for JSON get the same answers as JSON.
package ui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/policy"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Handler serves the pages. It is safe for concurrent use.
type Handler struct {
	Options
	assets    *assets
	pages     *pages
	letters   *letters
	languages *languages
	cross     *http.CrossOriginProtection
	warned    atomic.Int64 // when an outage was last logged
}

// visit is one request on its way through the pages.
type visit struct {
	*Handler
	w     http.ResponseWriter
	r     *http.Request
	facts Request
	// path is relative to the portal.
	path  string
	route route
	live  *session.Live // nil: signed out
	// resumed says that live has been looked for.
	resumed bool
	// pending is a sign-in that waits for its second factor. Everywhere but on
	// the pages that take it, its user is signed out.
	pending *session.Live
	form    form
	// formPage is the page that shows the form which is sent; empty when none is.
	formPage string
	// body is what was sent to a route that reads it itself.
	body []byte
	// messages are those of the visitor's language.
	messages messages
}

// Serve answers a request below the portal's path.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, facts Request) {
	if r.Method == http.MethodPost {
		// A client that goes away must not cut a change short.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), maxAction)
		defer cancel()
		r = r.WithContext(ctx)
	}
	v := &visit{Handler: h, w: w, r: r, facts: facts, path: strings.TrimPrefix(r.URL.Path, facts.Base)}
	v.speak(r.Header.Get("Accept-Language"))
	v.facts.Client.Trust = v.trusts()
	if v.path == "" {
		v.path = "/"
	}
	secure(w.Header(), r, facts)
	if err := v.serve(); err != nil {
		v.fail(err)
	}
}

func (v *visit) serve() error {
	found := false
	if v.route, found = find(v.path); !found {
		return statusError(http.StatusNotFound)
	}
	act := v.route.action(v.r.Method)
	if act == nil {
		v.w.Header().Set("Allow", v.route.methods())
		return statusError(http.StatusMethodNotAllowed)
	}
	if v.r.Method == http.MethodPost {
		v.formPage = v.facts.Base + formPage(v.path)
		// Signing a visitor in to a stranger's account, or out of their own, is
		// an attack too (login CSRF), so every post is checked.
		if err := v.cross.Check(v.r); err != nil {
			return errCrossOrigin
		}
		if err := v.readPost(); err != nil {
			return err
		}
	}
	if v.route.who != anyone {
		if err := v.resume(); err != nil {
			return err
		}
		v.resumed = true
	}
	if v.route.who == halfway && v.pending == nil {
		return v.notHalfway()
	}
	if v.route.who == members && v.live == nil {
		return v.askToSignIn()
	}
	if v.route.who == members && v.hold() != "" && !v.route.held {
		return v.await("")
	}
	return v.settle(act(v))
}

// settle turns errors that lead to another page into the way there.
func (v *visit) settle(err error) error {
	var stale *account.StaleError
	switch {
	case errors.As(err, &stale):
		return v.askForProof(stale.Wanted)
	case errors.Is(err, authcore.ErrNotFound) && strings.HasPrefix(v.path, orgPrefix):
		return v.moved(err)
	default:
		return err
	}
}

// maxAction bounds how long an action may take.
const maxAction = 20 * time.Second

// resume finds the visitor's session. A store that is away is an error; no
// session is not.
func (v *visit) resume() error {
	tokens := v.tokens()
	if len(tokens) == 0 {
		return nil
	}
	live, err := v.Sessions.Resume(v.r.Context(), tokens...)
	switch {
	case errors.Is(err, authcore.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	// What was made at a site that asks for one factor is half-way here; the pages
	// of step-up are those that complete it.
	skipped := policy.IsHalfWay(&live.Identity, v.facts.Client.OneStep) && !strings.HasPrefix(v.path, "/step-up")
	if live.Identity.Pending || skipped {
		v.pending = live
	} else {
		v.live = live
	}
	v.r = v.r.WithContext(password.For(v.r.Context(), live.Identity.UserID))
	if chosen := live.Identity.Language; chosen != "" {
		v.speak(chosen)
	}
	return nil
}

// speak chooses the language of the visit.
func (v *visit) speak(preference string) {
	v.facts.Client.Language = v.languages.best(preference)
	v.messages = v.languages.of(v.facts.Client.Language)
}

// askToSignIn leads a signed-out visitor to sign-in and back.
func (v *visit) askToSignIn() error {
	if v.wantsJSON() || v.r.Method == http.MethodPost {
		return statusError(http.StatusUnauthorized)
	}
	v.redirect(v.facts.Base + "/login?return_to=" + url.QueryEscape(v.r.URL.RequestURI()))
	return nil
}
