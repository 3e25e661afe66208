package caddymodule

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/policy"
	"github.com/sigra-auth/sigra/authcore/session"
)

// The sources of the organization that a request is for.
const (
	orgFromSession = "session"
	orgFromHost    = "host"
	orgFromPath    = "path"
	orgFromHeader  = "header"
)

var orgSources = []string{orgFromHeader, orgFromHost, orgFromPath, orgFromSession}

// OrgFrom says which organization a request is for. The user must belong to the
// one that is named, or gets 404 like for one that does not exist. Where none is
// named, the active organization of the session counts.
type OrgFrom struct {
	// Source is session, host, path or header. Default: what another directive of
	// the site says, and session when none does.
	Source string `json:"source,omitempty"`
	// Suffix, with host, is the domain whose subdomains are organizations. Default:
	// the first label of a host with three labels or more names one.
	Suffix string `json:"suffix,omitempty"`
	// Prefix, with path, is the path below which a segment names one.
	Prefix string `json:"prefix,omitempty"`
	// Header, with header, is the field that names one.
	Header string `json:"header,omitempty"`
}

// fixes reports whether requests can name an organization.
func (o OrgFrom) fixes() bool { return o.Source != "" && o.Source != orgFromSession }

func (o OrgFrom) validate() error {
	if o.Source != "" && !slices.Contains(orgSources, o.Source) {
		return fmt.Errorf("org from: %q is not session, host, path or header", o.Source)
	}
	if o.Suffix != "" && o.Source != orgFromHost || (o.Prefix != "") != (o.Source == orgFromPath) || (o.Header != "") != (o.Source == orgFromHeader) {
		return errors.New("org from: write session, host [<suffix>], path <prefix> or header <field>")
	}
	switch o.Source {
	case orgFromHost:
		if o.Suffix != "" && (!isDomain(o.Suffix) || o.Suffix[0] == '.') {
			return fmt.Errorf("org from host: %q is not a domain such as example.com", o.Suffix)
		}
	case orgFromPath:
		if len(o.Prefix) < 2 || strings.HasSuffix(o.Prefix, "/") || ambiguousPath(o.Prefix) {
			return fmt.Errorf("org from path: %q is not a path such as /o", o.Prefix)
		}
	case orgFromHeader:
		// What Sigra sets, it removes from what clients send.
		if !httpguts.ValidHeaderFieldName(o.Header) || newNameSet().has(o.Header) {
			return fmt.Errorf("org from header: %q is not the name of a header that clients may send", o.Header)
		}
	}
	return nil
}

// place returns what a request says of organizations to this gate, or the status
// of a refusal. An address that the app might read as another organization's is
// refused as one that does not exist.
func (g *Gate) place(r *http.Request, at *site, ambiguous bool) (policy.Place, int) {
	if g.OrgFrom.Source != "" {
		return g.OrgFrom.place(r, at, ambiguous)
	}
	var found policy.Place
	for _, source := range at.orgs { // of the other directives of the site
		p, status := source.place(r, at, ambiguous)
		if status != 0 {
			return p, status
		}
		if !found.Fixed {
			found = p
		} else if p.Fixed && p != found {
			return p, http.StatusNotFound
		}
	}
	return found, 0
}

func (o OrgFrom) place(r *http.Request, at *site, ambiguous bool) (policy.Place, int) {
	switch o.Source {
	case orgFromHost:
		return placeOf(o.inHost(at.name)), 0
	case orgFromPath:
		// Another directive may have changed the path that the app gets: one that
		// loses or gains an organization on the way is not to be trusted.
		slug, asked := o.inPath(r.URL.Path), originalURL(r).Path
		if ambiguous || ambiguousPath(asked) || slug != o.inPath(asked) {
			return policy.Place{}, http.StatusNotFound
		}
		return placeOf(slug), 0
	case orgFromHeader:
		return o.inHeader(r.Header)
	default:
		return policy.Place{}, 0
	}
}

func placeOf(slug string) policy.Place { return policy.Place{Fixed: slug != "", Org: slug} }

// inHost returns the label that names an organization: the one before the suffix,
// or the first of three or more.
func (o OrgFrom) inHost(name string) string {
	if o.Suffix != "" {
		labels, ok := strings.CutSuffix(name, "."+o.Suffix)
		if !ok {
			return ""
		}
		return labels[strings.LastIndexByte(labels, '.')+1:]
	}
	if strings.Count(name, ".") < 2 || net.ParseIP(name) != nil {
		return ""
	}
	label, _, _ := strings.Cut(name, ".")
	return label
}

// inPath returns the segment after the prefix, whose case does not matter: many
// apps take /O/acme for /o/acme.
func (o OrgFrom) inPath(path string) string {
	rest, ok := path, false
	for range strings.Count(o.Prefix, "/") + 1 {
		if _, rest, ok = strings.Cut(rest, "/"); !ok {
			return ""
		}
	}
	if !strings.EqualFold(path[:len(path)-len(rest)-1], o.Prefix) {
		return ""
	}
	slug, _, _ := strings.Cut(rest, "/")
	return slug
}

// inHeader returns the organization that a header names, in whatever spelling: an
// app behind CGI takes X_Org for X-Org.
func (o OrgFrom) inHeader(h http.Header) (policy.Place, int) {
	wanted := string(appendFolded(nil, o.Header))
	var named []string
	for name, values := range h {
		var room [64]byte
		if len(name) == len(wanted) && string(appendFolded(room[:0], name)) == wanted {
			named = append(named, values...)
		}
	}
	switch {
	case len(named) == 0:
		return policy.Place{}, 0
	case len(named) > 1 || !hostLabel.MatchString(named[0]):
		return policy.Place{}, http.StatusBadRequest
	default:
		return placeOf(named[0]), 0
	}
}

// nowhere is outside of every organization.
var nowhere = policy.Place{Fixed: true}

// actingKey is what an identity that acts in another organization is kept under.
type actingKey struct{ org string }

// acting returns the identity of a session as it acts at a place.
func acting(live *session.Live, at policy.Place) *authcore.Identity {
	if !at.Fixed || at.Org != "" && live.Identity.Org.Slug == at.Org {
		return &live.Identity
	}
	// All that the user does not belong to are one, or made-up names would push out
	// what is kept with the session.
	slug := ""
	if slices.ContainsFunc(live.Identity.Orgs, func(o authcore.Org) bool { return o.Slug == at.Org }) {
		slug = at.Org
	}
	return live.Memo(actingKey{slug}, func() any {
		id := live.Identity.In(slug)
		return &id
	}).(*authcore.Identity)
}

// parse reads `org from session|host [<suffix>]|path <prefix>|header <field>`.
func (o *OrgFrom) parse(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	if args[0] != "from" {
		return unknown(d, args[0], []string{"from"})
	}
	if len(args) == 1 || len(args) > 3 {
		return d.ArgErr()
	}
	if o.Source = args[1]; !slices.Contains(orgSources, o.Source) {
		return unknown(d, o.Source, orgSources)
	}
	if len(args) == 3 {
		switch o.Source {
		case orgFromHost:
			o.Suffix = args[2]
		case orgFromPath:
			o.Prefix = args[2]
		case orgFromHeader:
			o.Header = args[2]
		default:
			return d.ArgErr()
		}
	}
	if err := o.validate(); err != nil {
		return d.Err(err.Error())
	}
	return noBlock(d)
}
