package caddymodule

import (
	"net/http"
	"strings"
	"sync"
)

// reservedPrefix is the prefix of every header that is Sigra's own.
const reservedPrefix = "sigra-"

// nameSet is a set of header names in folded form: lower case, with `_` and
// `.` as `-`. Backends of the CGI kind take all these spellings for one header
// (GHSA-f59h-q822-g45g), so a forged name must be found in any of them.
type nameSet struct {
	mu    sync.RWMutex
	names map[string]struct{}
	// firsts are the folded first letters, to skip most headers at a glance.
	firsts [256]bool
}

func newNameSet() *nameSet {
	s := &nameSet{names: make(map[string]struct{})}
	s.firsts['s'], s.firsts['S'] = true, true
	for _, d := range dialects {
		s.add(d.names()...)
	}
	return s
}

// add puts names into the set, in any spelling.
func (s *nameSet) add(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		name = fold(name)
		s.names[name] = struct{}{}
		s.firsts[name[0]] = true
		s.firsts[strings.ToUpper(name[:1])[0]] = true
	}
}

// has reports whether a header name is one of the set in any spelling.
func (s *nameSet) has(name string) bool {
	if name == "" || !s.firsts[name[0]] {
		return false
	}
	name = fold(name)
	if strings.HasPrefix(name, reservedPrefix) || name+"-" == reservedPrefix {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.names[name]
	return ok
}

// fold returns the form in which all spellings of a header name are equal.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '.':
			return '-'
		default:
			return r
		}
	}, name)
}

// deleteFrom removes every spelling of every name from a header or trailer.
func (s *nameSet) deleteFrom(h http.Header) {
	for name := range h {
		if s.has(name) {
			delete(h, name)
		}
	}
}

// deleteFromConnection takes the names out of the Connection header: the proxy
// deletes every header that is named there, so a client could make it delete
// the identity that the gate sets.
func (s *nameSet) deleteFromConnection(h http.Header) {
	lines, ok := h["Connection"]
	if !ok {
		return
	}
	if len(lines) == 1 && (lines[0] == "keep-alive" || lines[0] == "Upgrade" || lines[0] == "close") {
		return
	}
	var kept []string
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" && !s.has(token) {
				kept = append(kept, token)
			}
		}
	}
	if len(kept) == 0 {
		delete(h, "Connection")
		return
	}
	h["Connection"] = []string{strings.Join(kept, ", ")}
}
