package ui

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/password"
)

// statusError is a request that is refused with a status alone.
type statusError int

func (s statusError) Error() string { return http.StatusText(int(s)) }

// errCrossOrigin is a post that another site made the browser send.
var errCrossOrigin = errors.New("cross-origin request")

// Missing is a condition that a signed-in visitor does not meet.
type Missing struct {
	// Key is a message. Where nothing could meet the condition by name, the
	// message of the key with "_any" is shown.
	Key string
	// Wanted are what would meet it; there may be none.
	Wanted []string
}

// Problem is an error page.
type Problem struct {
	// Status is the HTTP status; it chooses title and text.
	Status int
	// Account is who is signed in, if anybody.
	Account string
	// Missing says why access is refused.
	Missing []Missing
	// RetryAfter is when to try again; zero says nothing about it.
	RetryAfter time.Duration
	// Foreign says that a page of another site has opened a connection.
	Foreign bool
	// ID finds the cause of an internal error in the log.
	ID string

	// kind chooses the messages instead of the status; what it lacks is taken from its
	// part before the dot.
	kind string
	// form is the page of a form that was posted.
	form string
	// steps are what to do instead.
	steps []step
	// signedOut says that nobody is signed in, for certain.
	signedOut bool
	// program asks for JSON, whatever the client prefers.
	program bool
}

// retryAfter is what visitors are told when a dependency is away.
const retryAfter = 5 * time.Second

// fail answers with the page of an error. What went wrong inside stays in the
// log.
func (v *visit) fail(err error) {
	if errors.Is(v.r.Context().Err(), context.Canceled) {
		return // the client is gone; nobody reads an answer, and nothing is wrong
	}
	p := problemOf(err)
	p.program = v.route.program
	if v.formPage != "" {
		p.form = v.backToForm()
	}
	if p.Status == http.StatusUnauthorized && v.wished(p.form) == "" {
		p.form = v.wished(v.nextSent()) // the page is none to come back to
	}
	p.signedOut = v.resumed && v.live == nil
	if errors.Is(err, authcore.ErrNotFound) {
		v.explainLink(&p)
	}
	if p.Status == http.StatusForbidden && p.kind == "" && v.live != nil {
		p.Account = v.live.Identity.Email
	}
	if errors.Is(err, org.ErrForbidden) {
		p.Missing = v.missingRole()
	}
	switch p.Status {
	case http.StatusInternalServerError:
		p.ID = rand.Text()[:10]
		v.Logger.Error("page failed", slog.String("error_id", p.ID), slog.String("page", v.pageName()), slog.Any("error", err))
	case http.StatusServiceUnavailable:
		if v.mayWarn() {
			v.Logger.Warn("page unavailable", slog.String("page", v.pageName()), slog.Any("error", err))
		}
	}
	v.Problem(v.w, v.r, v.facts, p)
}

// warnEvery bounds the warnings of an outage: a line for every request would
// let strangers fill the log.
const warnEvery = time.Second

func (h *Handler) mayWarn() bool {
	now, last := h.Clock().UnixNano(), h.warned.Load()
	return now-last >= int64(warnEvery) && h.warned.CompareAndSwap(last, now)
}

// pageName is the path less what could be a secret in it.
func (v *visit) pageName() string {
	if prefix := secretPrefix(v.path); prefix != "" {
		return prefix
	}
	return v.path
}

func problemOf(err error) Problem {
	var status statusError
	var throttled *account.ThrottledError
	switch {
	case errors.As(err, &status):
		return Problem{Status: int(status)}
	case errors.Is(err, errCrossOrigin):
		return Problem{Status: http.StatusForbidden, kind: "cross_origin"}
	case errors.As(err, &throttled):
		return Problem{Status: http.StatusTooManyRequests, RetryAfter: throttled.RetryAfter}
	case errors.Is(err, password.ErrShare):
		return Problem{Status: http.StatusTooManyRequests, RetryAfter: time.Second}
	case errors.Is(err, authcore.ErrUnavailable):
		return Problem{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter}
	case errors.Is(err, org.ErrForbidden), errors.Is(err, org.ErrOtherAddress):
		return Problem{Status: http.StatusForbidden}
	case errors.Is(err, authcore.ErrNotFound):
		return Problem{Status: http.StatusNotFound}
	case errors.Is(err, account.ErrSignedOut):
		return Problem{Status: http.StatusUnauthorized}
	case errors.Is(err, authcore.ErrConflict), errors.Is(err, org.ErrLastOwner), errors.Is(err, org.ErrLimit):
		return Problem{Status: http.StatusConflict}
	default:
		return Problem{Status: http.StatusInternalServerError}
	}
}

// Problem answers with an error page or, to clients that do not ask for HTML,
// with an RFC 9457 problem. The gate in front of an app calls it too.
func (h *Handler) Problem(w http.ResponseWriter, r *http.Request, facts Request, p Problem) {
	secure(w.Header(), r, facts)
	if p.Foreign {
		p.kind = "foreign_page"
	}
	if facts.Client.Language == "" { // the gate leaves it to us
		facts.Client.Language = h.languages.best(r.Header.Get("Accept-Language"))
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", wholeSeconds(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized && w.Header().Get("Www-Authenticate") == "" {
		w.Header().Set("Www-Authenticate", `Bearer realm="sigra"`) // RFC 9110 section 11.6.1 wants one
	}
	view := h.problemView(r, facts, p)
	if !p.program && strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html") {
		h.pages.render(w, r, facts, p.Status, page{Name: "problem", View: view})
		return
	}
	h.problemJSON(w, r, facts, view)
}
