package caddymodule

import (
	"io"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// privateWriter keeps caches that others share from storing what an app answers to
// one user, also when the app says "public" because it knows nothing of users.
type privateWriter struct {
	caddyhttp.ResponseWriterWrapper
	marked bool
}

// mark sees to the header before it is sent.
func (w *privateWriter) mark() {
	if w.marked {
		return
	}
	w.marked = true
	h := w.Header()
	h["Cache-Control"] = privately(h["Cache-Control"])
}

// WriteHeader marks the final header; an informational one (RFC 9110 section 15.2)
// is not stored.
func (w *privateWriter) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.mark()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *privateWriter) Write(p []byte) (int, error) {
	w.mark()
	return w.ResponseWriter.Write(p)
}

// ReadFrom keeps the short way from the app's connection to the client's.
func (w *privateWriter) ReadFrom(r io.Reader) (int64, error) {
	w.mark()
	return w.ResponseWriterWrapper.ReadFrom(r)
}

// FlushError is what http.ResponseController looks for: a flush sends the header.
func (w *privateWriter) FlushError() error {
	w.mark()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// privately returns Cache-Control lines (RFC 9111 section 5.2.2) with what an app says,
// less what lets shared caches store.
func privately(lines []string) []string {
	if len(lines) == 0 {
		return []string{"private"}
	}
	kept, private := []string{"private"}, false
	for _, line := range lines {
		for directive := range strings.SplitSeq(line, ",") {
			directive = strings.TrimSpace(directive)
			name, _, _ := strings.Cut(strings.ToLower(directive), "=")
			switch name {
			case "", "public", "s-maxage":
			case "private", "no-store":
				private = true
				kept = append(kept, directive)
			default:
				kept = append(kept, directive)
			}
		}
	}
	if private { // it is said already
		kept = kept[1:]
	}
	return []string{strings.Join(kept, ", ")}
}

var _ http.ResponseWriter = (*privateWriter)(nil)
