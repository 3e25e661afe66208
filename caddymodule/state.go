package caddymodule

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/policy"
	"github.com/sigra-auth/sigra/authcore/session"
)

// stateVar is the request variable that holds the state.
const stateVar = "sigra.request"

// state is what the handlers of a site know of one request. Several gates
// share it, so that a session is resumed once.
type state struct {
	// cookies are the Cookie lines as they came.
	cookies []string
	came    arrival

	live *session.Live // nil: anonymous
	err  error         // why nothing is known
	// id is the identity of live, as it acts where the request came to.
	id *authcore.Identity
	// place is the organization that the address names, if it does.
	place   policy.Place
	outcome policy.Outcome

	resolved bool
	// ambiguous says that the app might take the request for another: by what its
	// header asks for, or by its address.
	ambiguous bool
	tracked   bool
	retries   uint8
	used      uint8          // of room
	stream    session.Stream // while tracked
	// private is the writer that the app answers to.
	private privateWriter
	// room is for the lines of identity headers: those of a dialect, of an organization
	// and the assertion need no allocation each.
	room [roomForLines]string
}

const roomForLines = 9

// line returns a value as the only line of a header. It has a place of its own and
// cannot grow into its neighbour, because later handlers change headers in place.
func (st *state) line(value string) []string {
	if int(st.used) == len(st.room) {
		return []string{value}
	}
	line := st.room[st.used : st.used+1 : st.used+1]
	line[0] = value
	st.used++
	return line
}

// stateOf returns the state of a request, nil before it was stripped. Where no other
// handler stands between, the writer tells it without a search.
func stateOf(w http.ResponseWriter, r *http.Request) *state {
	if p, ok := w.(*privateWriter); ok {
		return p.st
	}
	st, _ := caddyhttp.GetVar(r.Context(), stateVar).(*state)
	return st
}

// attachState returns the state of a request and, if it has made that, makes its
// placeholders known: {http.auth.user.*} are empty for an anonymous visitor, because
// Caddy sends an unknown placeholder upstream as its literal text.
func attachState(r *http.Request) (st *state, made bool) {
	vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if st, ok := vars[stateVar].(*state); ok {
		return st, false
	}
	st = new(state)
	st.private.st = st
	if ok {
		vars[stateVar] = st
	}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(st.placeholder)
	}
	return st, true
}

const (
	userPlaceholders  = "http.auth.user."
	sigraPlaceholders = "http.auth.sigra."
)

// userProperties are what placeholders tell of a user, beside profilePrefix with the
// name of a field.
var userProperties = []string{
	"id", "email", "name", "role", "groups", "org", "org_id", "org_role", "actor", "session", "aal", "auth_time", "amr",
}

const profilePrefix = "profile."

// placeholder answers for {http.auth.user.*} and {http.auth.sigra.*}.
func (st *state) placeholder(key string) (any, bool) {
	if name, ok := strings.CutPrefix(key, userPlaceholders); ok {
		return st.user(name), true
	}
	if name, ok := strings.CutPrefix(key, sigraPlaceholders); ok {
		switch name {
		case "decision":
			return string(st.outcome), true
		case "error":
			if st.err != nil {
				return "unavailable", true
			}
		}
		return "", true
	}
	return nil, false
}

// act settles where the session acts.
func (st *state) act(at policy.Place) {
	if st.id = nil; st.live != nil {
		st.id = acting(st.live, at)
	}
}

// identified reports whether an app may know who asks: not while they are held,
// perhaps because their address may be somebody else's.
func (st *state) identified() bool { return st.id != nil && st.id.Hold() == "" }

// user returns one property of the identity, empty for who is not identified
// and for an unknown name.
func (st *state) user(name string) string {
	if !st.identified() {
		return ""
	}
	id := st.id
	if field, ok := strings.CutPrefix(name, profilePrefix); ok {
		return id.Profile[field]
	}
	switch name {
	case "id":
		return id.UserID
	case "email":
		return verifiedEmail(id)
	case "name":
		return id.Name
	case "role":
		return id.Role
	case "groups":
		return strings.Join(id.Groups(), ",")
	case "org":
		return id.Org.Slug
	case "org_id":
		return id.Org.ID
	case "org_role":
		return id.Org.Role
	case "actor":
		return id.Actor
	case "session":
		return id.SessionID
	case "aal":
		return string(id.Level)
	case "auth_time":
		return strconv.FormatInt(id.ProvenAt().Unix(), 10)
	case "amr":
		return strings.Join(id.Methods(), ",")
	default:
		return ""
	}
}
