package caddymodule

import (
	"io"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// privateWriter keeps caches that others share from storing what an app answers to
// one user, also when the app says "public" because it knows nothing of users. It is
// around every request; the gate says for which it counts.
type privateWriter struct {
	caddyhttp.ResponseWriterWrapper
	st *state
	// serving says that handlers answer to it, personal that what they answer is for
	// one user, and marked that the header says so.
	serving, personal, marked bool
	said                      [1]string // room for what is said where the app says nothing
}

// serve lets a handler answer to w, once however many directives a request passes: the
// writer of the first is around those of the others.
func (p *privateWriter) serve(next caddyhttp.Handler, w http.ResponseWriter, r *http.Request) error {
	if p.serving {
		return next.ServeHTTP(w, r)
	}
	p.ResponseWriter, p.serving, p.personal, p.marked = w, true, false, false
	defer func() { p.serving = false }() // a handler of errors may answer instead
	err := next.ServeHTTP(p, r)
	p.mark() // the server sends a header that nobody has written, or that of an error
	return err
}

// mark sees to the header before it is sent.
func (p *privateWriter) mark() {
	if p.marked || !p.personal {
		return
	}
	p.marked = true
	h := p.Header()
	for name := range h {
		if isTargeted(name) {
			delete(h, name)
		}
	}
	if said := h["Cache-Control"]; len(said) > 0 {
		h["Cache-Control"] = privately(said)
		return
	}
	p.said[0] = "private"
	h["Cache-Control"] = p.said[:]
}

// WriteHeader marks the final header; an informational one (RFC 9110 section 15.2)
// is not stored.
func (p *privateWriter) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		p.mark()
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *privateWriter) Write(b []byte) (int, error) {
	p.mark()
	return p.ResponseWriter.Write(b)
}

// ReadFrom keeps the short way from the app's connection to the client's.
func (p *privateWriter) ReadFrom(r io.Reader) (int64, error) {
	p.mark()
	return p.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is what http.ResponseController looks for: a flush sends the header.
func (p *privateWriter) FlushError() error {
	p.mark()
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// isTargeted reports whether a field speaks to some caches alone, which then do not
// look at Cache-Control: those of RFC 9213, and older ones of CDNs and of nginx.
func isTargeted(name string) bool {
	switch name {
	case "Surrogate-Control", "Edge-Control", "X-Accel-Expires":
		return true
	}
	return strings.HasSuffix(name, "Cdn-Cache-Control")
}

// privately returns Cache-Control lines (RFC 9111 section 5.2.2) with what an app says,
// less what lets shared caches store.
func privately(lines []string) []string {
	kept, private := []string{"private"}, false
	for _, line := range lines {
		for directive := range strings.SplitSeq(line, ",") {
			directive = strings.TrimSpace(directive)
			name, _, some := strings.Cut(strings.ToLower(directive), "=")
			switch name {
			case "", "public", "s-maxage":
				continue
			case "private", "no-store":
				private = private || !some // private="field" lets the rest be stored
			}
			kept = append(kept, directive)
		}
	}
	if private { // it is said already
		kept = kept[1:]
	}
	return []string{strings.Join(kept, ", ")}
}

var _ http.ResponseWriter = (*privateWriter)(nil)
