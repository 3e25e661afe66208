package ui

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// problemView is what the template of error pages is given.
type problemView struct {
	Status  int
	Title   string
	Detail  string
	Account string
	// Reasons are the conditions that the account does not meet.
	Reasons []string
	ID      string
	// SignIn is the address of the sign-in page, if that would help.
	SignIn string
	// Retry is the address to try again, if that would help.
	Retry string
	// Switch is where a form signs the visitor out to use another account, and
	// ReturnTo what they wanted to see.
	Switch   string
	ReturnTo string
	// Steps are what to do instead, the likeliest first.
	Steps []step
	// Home is the account or, to who is SignedOut, the sign-in page.
	Home      string
	SignedOut bool
}

// step is a link that leads on.
type step struct{ Text, To string }

func (h *Handler) problemView(r *http.Request, facts Request, p Problem) problemView {
	m := h.languages.of(facts.Client.Language)
	view := problemView{
		Status: p.Status, Title: m.ofProblem(p, "title"), Detail: m.ofProblem(p, "detail"),
		Account: p.Account, ID: p.ID, Steps: p.steps, Home: facts.Base + "/account",
	}
	if p.Status < 500 && p.Account == "" && (p.signedOut || len(facts.Cookie.Presented(r.Header["Cookie"])) == 0) {
		view.SignedOut, view.Home = true, facts.Base+"/login"
	}
	for _, missing := range p.Missing {
		view.Reasons = append(view.Reasons, m.ofMissing(missing))
	}
	// Only what a browser could open again is worth coming back to, and only a
	// path of this host may be: `//other.example` is one of the things that a
	// request line can hold.
	uri, safe := localPath(r.URL.RequestURI())
	safe = safe && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	switch {
	case p.Status == http.StatusUnauthorized:
		view.SignIn = facts.Base + "/login"
		if p.form != "" {
			view.SignIn = withReturn(view.SignIn+"?ended=1", p.form)
		} else if safe {
			view.SignIn += "?return_to=" + url.QueryEscape(uri)
		}
	case p.Status == http.StatusForbidden && p.Account != "":
		view.Switch = facts.Base + "/logout"
		if safe {
			view.ReturnTo = uri
		}
	case p.Status == http.StatusTooEarly || p.Status == http.StatusTooManyRequests || p.Status >= 500:
		if view.Retry = p.form; safe {
			view.Retry = uri
		}
	}
	return view
}

// problemJSON answers a program (RFC 9457).
func (h *Handler) problemJSON(w http.ResponseWriter, r *http.Request, facts Request, view problemView) {
	problem := struct {
		Type    string   `json:"type"`
		Title   string   `json:"title"`
		Status  int      `json:"status"`
		Detail  string   `json:"detail,omitempty"`
		Missing []string `json:"missing,omitempty"`
		ID      string   `json:"error_id,omitempty"`
		Login   string   `json:"login_url,omitempty"`
	}{Type: "about:blank", Title: view.Title, Status: view.Status, Detail: view.Detail, Missing: view.Reasons, ID: view.ID}
	if view.SignIn != "" {
		problem.Login = facts.Origin + facts.Base + "/login" // the page knows better what to return to
	}
	body, err := json.Marshal(problem)
	if err != nil {
		h.Logger.Error("problem not encoded", slog.Any("error", err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(view.Status)
	send(w, r, body)
}

// ofProblem returns the title or the detail of an error page: that of its
// kind, of its status, or of the status' class.
func (m messages) ofProblem(p Problem, part string) string {
	family, _, _ := strings.Cut(p.kind, ".")
	for _, kind := range []string{p.kind, family, fmt.Sprint(p.Status), fmt.Sprintf("%dxx", p.Status/100)} {
		if text, ok := m["problem."+kind+"."+part]; ok {
			return text
		}
	}
	return http.StatusText(p.Status)
}

// ofMissing returns the sentence for a condition.
func (m messages) ofMissing(missing Missing) string {
	if len(missing.Wanted) == 0 {
		return m.text(missing.Key + "_any")
	}
	key, wanted := missing.Key, slices.Clone(missing.Wanted)
	if strings.HasSuffix(key, "_role") {
		if len(wanted) > 1 {
			key += "s"
		}
		for i, role := range wanted {
			wanted[i] = m.role(role)
		}
	}
	return m.text(key, "value", strings.Join(wanted, ", "))
}
