package caddymodule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// options are the subdirectives of a block, by name. Each reads its own
// arguments and block.
type options map[string]func(*caddyfile.Dispenser) error

// eachOption reads a block. An unknown word is an error that names the nearest
// right one.
func eachOption(d *caddyfile.Dispenser, known options) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		read, ok := known[d.Val()]
		if !ok {
			return unknown(d, d.Val(), slices.Sorted(maps.Keys(known)))
		}
		if err := read(d); err != nil {
			return err
		}
	}
	return nil
}

// unknown returns the error for a word that is none of the known ones.
func unknown(d *caddyfile.Dispenser, word string, known []string) error {
	if len(known) == 0 {
		return d.Errf("unknown option %q; none is expected here", word)
	}
	return d.Errf("unknown option %q; %s", word, suggestion(word, known))
}

// suggestion names the known word that is most like another, or all.
func suggestion(word string, known []string) string {
	if right := nearest(word, known); right != "" {
		return fmt.Sprintf("did you mean %q?", right)
	}
	return "it is one of " + strings.Join(known, ", ")
}

// nearest returns the known word that is most like another, empty when none is.
func nearest(word string, known []string) (right string) {
	distance := len(word)/2 + 2
	for _, candidate := range known {
		if n := levenshtein.ComputeDistance(word, candidate); n < distance {
			right, distance = candidate, n
		}
	}
	return right
}

// noBlock refuses a block and further arguments.
func noBlock(d *caddyfile.Dispenser) error { return eachOption(d, nil) }

// textOption reads one argument.
func textOption(to *string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		if !d.AllArgs(to) {
			return d.ArgErr()
		}
		return nil
	}
}

// durationOption reads a duration such as 30m or 60d.
func durationOption(to *caddy.Duration) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		var text string
		if !d.AllArgs(&text) {
			return d.ArgErr()
		}
		dur, err := parseDuration(d, text)
		*to = dur
		return err
	}
}

func parseDuration(d *caddyfile.Dispenser, text string) (caddy.Duration, error) {
	dur, err := caddy.ParseDuration(text)
	if err != nil || dur <= 0 {
		return 0, d.Errf("%q is not a duration such as 90s, 30m, 12h or 60d", text)
	}
	return caddy.Duration(dur), nil
}

// flagOption reads a word that stands alone.
func flagOption(to *bool) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		if d.NextArg() {
			return d.ArgErr()
		}
		*to = true
		return nil
	}
}

// refuseLiteralPassword keeps a secret out of the adapted configuration, the
// admin endpoint and the autosave file, where a literal one would end up.
func refuseLiteralPassword(d *caddyfile.Dispenser, what, url string) error {
	if literalParameter.MatchString(url) {
		return literalPassword(d, what)
	}
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return nil
	}
	userinfo, _, ok := strings.Cut(rest, "@")
	if !ok {
		return nil
	}
	if _, password, ok := strings.Cut(userinfo, ":"); ok && password != "" && !strings.HasPrefix(password, "{") {
		return literalPassword(d, what)
	}
	return nil
}

// literalParameter finds a password among the parameters of an address or the
// keywords of a Postgres connection string.
var literalParameter = regexp.MustCompile(`(?i)password\s*=\s*[^\s{&]`)

func literalPassword(d *caddyfile.Dispenser, what string) error {
	return d.Errf("%s: a password does not belong in the Caddyfile; give the whole address as {env.NAME} or {file./path}", what)
}
