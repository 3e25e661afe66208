package caddymodule

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// reservedPrefix is the prefix of every header that is Sigra's own.
const reservedPrefix = "sigra-"

// nameSet is a set of header names in folded form: lower case, with whatever is no
// letter or digit as `-`. Backends of the CGI kind take all these spellings for one
// header (GHSA-f59h-q822-g45g; some map `!` and `~` as well), so a forged name must be
// found in any of them. Names are added while a configuration is made; requests read
// without a lock.
type nameSet struct {
	adding  sync.Mutex
	current atomic.Pointer[foldedNames]
}

// foldedNames never change.
type foldedNames struct {
	names map[string]struct{}
	// firsts are the first letters, to skip most headers at a glance.
	firsts [256]bool
}

func newNameSet() *nameSet {
	s := new(nameSet)
	for _, d := range dialects {
		s.add(d.names()...)
	}
	return s
}

// add puts names into the set, in any spelling.
func (s *nameSet) add(names ...string) {
	s.adding.Lock()
	defer s.adding.Unlock()
	next := foldedNames{names: make(map[string]struct{})}
	next.firsts['s'], next.firsts['S'] = true, true
	if current := s.current.Load(); current != nil {
		maps.Copy(next.names, current.names)
		next.firsts = current.firsts
	}
	for _, name := range names {
		folded := string(appendFolded(nil, name))
		next.names[folded] = struct{}{}
		next.firsts[folded[0]] = true
		next.firsts[strings.ToUpper(folded[:1])[0]] = true
	}
	s.current.Store(&next)
}

// has reports whether a header name is one of the set in any spelling.
func (s *nameSet) has(name string) bool {
	current := s.current.Load()
	if name == "" || !current.firsts[name[0]] {
		return false
	}
	var room [64]byte
	folded := appendFolded(room[:0], name)
	if bytes.HasPrefix(folded, []byte(reservedPrefix)) || string(folded) == strings.TrimSuffix(reservedPrefix, "-") {
		return true
	}
	_, ok := current.names[string(folded)]
	return ok
}

// appendFolded appends the form in which all spellings of a header name are
// equal.
func appendFolded(b []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b = append(b, c)
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, '-')
		}
	}
	return b
}

// deleteFrom removes every spelling of every name from a header or trailer.
func (s *nameSet) deleteFrom(h http.Header) {
	for name := range h {
		if s.has(name) {
			delete(h, name)
		}
	}
}

// without returns the lines of a Connection header less the names: the proxy
// deletes every header that is named there, so a client could make it delete
// the identity that the gate sets.
func (s *nameSet) without(lines []string) []string {
	if len(lines) == 1 && (lines[0] == "keep-alive" || lines[0] == "Upgrade" || lines[0] == "close") {
		return lines
	}
	return without(lines, s.has)
}

// without returns the tokens of a header less some, in one line.
func without(lines []string, drop func(token string) bool) []string {
	var kept []string
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" && !drop(token) {
				kept = append(kept, token)
			}
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return []string{strings.Join(kept, ", ")}
}
