package ui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
)

func queryEscape(s string) string { return url.QueryEscape(s) }

func cleanPath(p string) string { return path.Clean("/" + p) }

// wantsJSON reports whether the client asked for JSON rather than a page.
func (v *visit) wantsJSON() bool { return wantsJSON(v.r) }

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
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

func (v *visit) json(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body) // the client is gone, nothing is left to do
	}
	return nil
}
