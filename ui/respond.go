package ui

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wantsJSON reports whether the client asked for JSON rather than a page.
func (v *visit) wantsJSON() bool {
	accept := strings.ToLower(v.r.Header.Get("Accept"))
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// redirect sends the browser on. A form post always becomes a GET.
func (v *visit) redirect(to string) {
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
}

// answer is what clients that ask for JSON get.
type answer struct {
	Status string            `json:"status"`
	Errors map[string]string `json:"errors,omitempty"`
	Next   string            `json:"next,omitempty"`
}

// done ends an action: the browser goes on to the next page.
func (v *visit) done(next string) error {
	if v.wantsJSON() {
		return v.json(http.StatusOK, answer{Status: "ok", Next: next})
	}
	v.redirect(next)
	return nil
}

// acknowledge ends an action as done does, and has the next page say what was done.
func (v *visit) acknowledge(next, what string) error {
	if v.wantsJSON() {
		return v.done(next)
	}
	return v.done(withDone(next, what))
}

// withDone is the address of a page that says what was done.
func withDone(page, what string) string {
	if strings.Contains(page, "?") {
		return page + "&done=" + what
	}
	return page + "?done=" + what
}

// wasDone is what the page says was done before; may be empty.
func (v *visit) wasDone() string { return v.messages["done."+v.r.URL.Query().Get("done")] }

// show renders a page, or tells a client that asks for JSON what is on it.
func (v *visit) show(name string, view any) error {
	if v.wantsJSON() {
		return v.showJSON(view)
	}
	v.pages.render(v.w, v.r, v.facts, http.StatusOK, page{Name: name, Again: v.formPage, View: view})
	return nil
}

// again shows a form once more with what is wrong, or tells it as JSON.
func (v *visit) again(status int, name string, view any, problems map[string]string) error {
	if v.wantsJSON() {
		return v.json(status, answer{Status: "error", Errors: problems})
	}
	v.pages.render(v.w, v.r, v.facts, status, page{Name: name, Again: v.formPage, View: view})
	return nil
}

func (v *visit) json(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	v.send(body)
	return nil
}

// send writes a body, which a HEAD request does not get.
func (v *visit) send(body []byte) { send(v.w, v.r, body) }

func send(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone, nothing is left to do
	}
}

// wholeSeconds formats a Retry-After (RFC 9110 section 10.2.3), rounded up.
func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
