package caddymodule

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/assertion"
)

// HeadersConfig is what the app is told in plain headers. Sigra-User and, in
// an organization, Sigra-Org, Sigra-Org-Id and Sigra-Org-Role are always sent
// unless all headers are off.
type HeadersConfig struct {
	// Off sends no plain header at all.
	Off bool `json:"off,omitempty"`
	// Dialects are the header families to send: remote, webauth, forwarded,
	// auth_request. Default: remote.
	Dialects []string `json:"dialects,omitempty"`
	// Fields are further headers, by name, with values of placeholders.
	Fields map[string]string `json:"fields,omitempty"`
	// Separator stands between groups. Default: a comma.
	Separator string `json:"separator,omitempty"`
	// Encoding of values outside of ASCII: rfc2047, percent, ascii or raw.
	// Default: rfc2047.
	Encoding string `json:"encoding,omitempty"`
}

// AssertionHeader is the signed token that the app is given.
type AssertionHeader struct {
	// Off sends none.
	Off bool `json:"off,omitempty"`
	// Field is the header. Default: Sigra-Assertion.
	Field string `json:"field,omitempty"`
	// Audience is the aud claim. Default: the public origin of the site.
	Audience string `json:"audience,omitempty"`
}

const defaultAssertionField = "Sigra-Assertion"

// isZero reports whether nothing was configured.
func (c HeadersConfig) isZero() bool {
	return !c.Off && len(c.Dialects) == 0 && len(c.Fields) == 0 && c.Separator == "" && c.Encoding == ""
}

func (c HeadersConfig) validate() error {
	for _, word := range c.Dialects {
		if dialects[word] == nil {
			return fmt.Errorf("headers: unknown dialect %q; it is one of %s", word, strings.Join(dialectNames(), ", "))
		}
	}
	for name := range c.Fields {
		if err := validateField(name); err != nil {
			return fmt.Errorf("headers: %w", err)
		}
	}
	if c.Encoding != "" && encodings[c.Encoding] == nil {
		return fmt.Errorf("headers: unknown encoding %q; it is one of %s", c.Encoding, strings.Join(slices.Sorted(maps.Keys(encodings)), ", "))
	}
	return nil
}

// userPlaceholder finds the placeholders for properties of the user.
var userPlaceholder = regexp.MustCompile(`\{` + regexp.QuoteMeta(userPlaceholders) + `([^{}]*)\}`)

// validatePlaceholders refuses those that never have a value: the app would get no
// header, as for an anonymous visitor.
func (c HeadersConfig) validatePlaceholders(profile []ProfileField) error {
	known := slices.Clone(userProperties)
	for _, f := range profile {
		known = append(known, profilePrefix+f.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		for _, found := range userPlaceholder.FindAllStringSubmatch(c.Fields[name], -1) {
			if !slices.Contains(known, found[1]) {
				return fmt.Errorf("headers: %s: there is no placeholder %s; %s", name, found[0], suggestion(found[1], known))
			}
		}
	}
	return nil
}

// protectedNames, folded, would break the request if they were stripped from it.
var protectedNames = map[string]bool{
	"host": true, "cookie": true, "connection": true, "content-length": true, "content-type": true,
	"transfer-encoding": true, "te": true, "trailer": true, "upgrade": true,
	"x-forwarded-for": true, "x-forwarded-proto": true, "x-forwarded-host": true,
}

// validateField accepts the name of a header that Sigra may set. It is stripped
// in every spelling from what clients send, so it is judged in every spelling.
func validateField(name string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is not a header name", name)
	}
	if protectedNames[string(appendFolded(nil, name))] {
		return fmt.Errorf("%s cannot be set by sigra", name)
	}
	return nil
}

func (a AssertionHeader) validate() error {
	if a.Field == "" {
		return nil
	}
	if err := validateField(a.Field); err != nil {
		return fmt.Errorf("assertion: %w", err)
	}
	return nil
}

// fields returns the headers of the chosen dialects.
func (c HeadersConfig) fields() dialect {
	if c.Off {
		return nil
	}
	chosen := c.Dialects
	if len(chosen) == 0 {
		chosen = []string{"remote"}
	}
	fields := slices.Clone(ownFields)
	for _, word := range chosen {
		fields = append(fields, dialects[word]...)
	}
	return fields
}

// custom returns the further headers in a stable order.
func (c HeadersConfig) custom() (custom []customField) {
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		custom = append(custom, customField{name: wireName(name), value: c.Fields[name]})
	}
	return custom
}

// wireName keeps underscores, which some apps want on the wire (REMOTE_USER).
func wireName(name string) string {
	if strings.Contains(name, "_") {
		return name
	}
	return http.CanonicalHeaderKey(name)
}

// headerNames returns every header that the gate may set.
func (g *Gate) headerNames() []string {
	names := g.Headers.fields().names()
	for name := range g.Headers.Fields {
		names = append(names, name)
	}
	return append(names, g.assertionField())
}

// checkProfile refuses a header of this gate that a profile field has too: where the
// gate has no value for it, as for the role of most users, what a user says of
// themselves would stand in its place.
func (g *Gate) checkProfile() error {
	field, name := g.app.clashingField(g.headerNames())
	if field == "" {
		return nil
	}
	return fmt.Errorf("the header %s is that of profile_field %s already: an app could take what users say of themselves for what sigra says", name, field)
}

func (g *Gate) assertionField() string {
	if g.Assertion.Field == "" {
		return defaultAssertionField
	}
	return wireName(g.Assertion.Field)
}

// newUpstream returns what the gate tells the app behind an address.
func (g *Gate) newUpstream(at *site) *upstream {
	u := &upstream{
		fields: g.Headers.fields(), custom: g.Headers.custom(), separator: g.Headers.Separator,
		encode: encodings[g.Headers.Encoding], audience: g.Assertion.Audience, issuer: at.origin + g.portal, mint: g.mint,
	}
	if !g.Headers.Off {
		u.profile = g.app.profileHeaders()
	}
	if u.separator == "" {
		u.separator = ","
	}
	if u.encode == nil {
		u.encode = encodings[defaultEncoding]
	}
	if u.audience == "" {
		u.audience = at.origin
	}
	if !g.Assertion.Off {
		u.assertionField = g.assertionField()
	}
	return u
}

func (g *Gate) mint(id *authcore.Identity, audience, issuer string, now time.Time) (assertion.Minted, error) {
	return g.app.engine.signer.Mint(id, assertion.For{Audience: audience, Issuer: issuer, Profile: g.app.profileClaims(id)}, now)
}
