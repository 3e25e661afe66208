package ui

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
)

// statusError is a request that is refused with a status alone.
type statusError int

func (s statusError) Error() string { return http.StatusText(int(s)) }

// Missing is a condition that a signed-in visitor does not meet.
type Missing struct {
	// Key is a message.
	Key string
	// Value is what would meet it.
	Value string
}

// Problem is an error page.
type Problem struct {
	Status int
	// Account is who is signed in, if anybody.
	Account string
	// Missing says why access is refused.
	Missing []Missing
	// RetryAfter is when to try again; zero says nothing about it.
	RetryAfter time.Duration
	// ID finds the cause of an internal error in the log.
	ID string
}

// retryAfter is what visitors are told when a dependency is away.
const retryAfter = 5 * time.Second

// fail answers with the page of an error. What went wrong inside stays in the
// log.
func (v *visit) fail(err error) {
	p := v.problemOf(err)
	if p.Status == http.StatusInternalServerError {
		p.ID = rand.Text()[:10]
		v.Logger.Error("page failed", slog.String("error_id", p.ID), slog.String("page", v.path), slog.Any("error", err))
	}
	if p.Status == http.StatusServiceUnavailable {
		v.Logger.Warn("page unavailable", slog.String("page", v.pageName()), slog.Any("error", err))
	}
	v.Problem(v.w, v.r, v.facts, p)
}

// pageName is the path less what could be a secret in it.
func (v *visit) pageName() string {
	if strings.HasPrefix(v.path, setUpPrefix) {
		return setUpPrefix
	}
	return v.path
}

func (v *visit) problemOf(err error) Problem {
	var status statusError
	var throttled *account.ThrottledError
	switch {
	case errors.As(err, &status):
		p := Problem{Status: int(status)}
		return p
	case errors.As(err, &throttled):
		return Problem{Status: http.StatusTooManyRequests, RetryAfter: throttled.RetryAfter}
	case errors.Is(err, authcore.ErrUnavailable):
		return Problem{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter}
	case errors.Is(err, authcore.ErrNotFound):
		return Problem{Status: http.StatusNotFound}
	default:
		return Problem{Status: http.StatusInternalServerError}
	}
}

// problemView is what the template of error pages is given.
type problemView struct {
	Problem
	Title   string
	Detail  string
	Reasons []string
	// Switch is where a form signs the visitor out to use another account.
	Switch   string
	ReturnTo string
	Home     string
}

// Problem answers with an error page or, to clients that do not ask for HTML,
// with an RFC 9457 problem.
func (h *Handler) Problem(w http.ResponseWriter, r *http.Request, facts Request, p Problem) {
	secure(w.Header())
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.RetryAfter+time.Second-1)/time.Second)))
	}
	view := problemView{
		Problem: p, Title: h.messages.forStatus(p.Status, "title"), Detail: h.messages.forStatus(p.Status, "detail"),
		Home: facts.Base + "/account",
	}
	for _, m := range p.Missing {
		view.Reasons = append(view.Reasons, h.messages.text(m.Key, "value", m.Value))
	}
	if p.Status == http.StatusForbidden && p.Account != "" {
		view.Switch, view.ReturnTo = facts.Base+"/logout", r.URL.RequestURI()
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.pages.render(w, r, facts, p.Status, "problem", view)
		return
	}
	h.problemJSON(w, view)
}

func (h *Handler) problemJSON(w http.ResponseWriter, view problemView) {
	body, err := json.Marshal(struct {
		Type    string   `json:"type"`
		Title   string   `json:"title"`
		Status  int      `json:"status"`
		Detail  string   `json:"detail,omitempty"`
		Missing []string `json:"missing,omitempty"`
		ID      string   `json:"error_id,omitempty"`
	}{"about:blank", view.Title, view.Status, view.Detail, view.Reasons, view.ID})
	if err != nil {
		h.Logger.Error("problem not encoded", slog.Any("error", err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(view.Status)
	_, _ = w.Write(body) // the client is gone, nothing is left to do
}

// forStatus returns the message of a status, or of its class.
func (m messages) forStatus(status int, part string) string {
	for _, key := range []string{fmt.Sprintf("problem.%d.%s", status, part), fmt.Sprintf("problem.%dxx.%s", status/100, part)} {
		if text, ok := m[key]; ok {
			return text
		}
	}
	return http.StatusText(status)
}
