package caddymodule

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// arrival is what the header of a request says of how it came, as the client sent it.
type arrival struct {
	// upgrade says that it opens a stream of another protocol: HTTP/1.1 Upgrade,
	// extended CONNECT of HTTP/2 (RFC 8441) or of HTTP/3 (RFC 9220).
	upgrade bool
	// early says that it arrived as TLS early data: it may be a replay, and the
	// address it came from is unproven. A proxy in front says so with a header (RFC
	// 8470 section 5.1).
	early bool
	// method is the one that it asks frameworks to take it for, and elsewhere says
	// that it asks for another address, or for several methods.
	method    string
	elsewhere bool
}

func arrivalOf(r *http.Request) arrival {
	return arrival{upgrade: r.Method == http.MethodConnect, early: r.TLS != nil && !r.TLS.HandshakeComplete}
}

// note looks at a field of the header.
func (a *arrival) note(name string, values []string) {
	switch {
	case name == "Upgrade", name == ":protocol":
		a.upgrade = true
	case name == "Early-Data":
		a.early = a.early || slices.Contains(values, "1")
	case name != "" && (name[0] == 'X' || name[0] == 'x'):
		a.noteOverride(name, values)
	}
}

// noteOverride finds overriding fields in any spelling that apps behind CGI take for
// them.
func (a *arrival) noteOverride(name string, values []string) {
	var room [64]byte
	switch string(appendFolded(room[:0], name)) {
	case "x-http-method-override", "x-http-method", "x-method-override":
		for _, method := range values {
			a.elsewhere = a.elsewhere || method == "" || a.method != "" && !strings.EqualFold(a.method, method)
			a.method = method
		}
	case "x-original-url", "x-rewrite-url":
		a.elsewhere = true
	}
}

// overrides reports whether apps may take the request for one of another method or
// address than those that matchers see now: some take "post" for POST.
func (a arrival) overrides(method string) bool {
	return a.elsewhere || a.method != "" && !strings.EqualFold(a.method, method) || strings.ContainsFunc(method, unicode.IsLower)
}
