package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/idna"

	"github.com/sigra-auth/sigra/authcore/passkey"
)

// PasskeysConfig says what passkeys are for.
type PasskeysConfig struct {
	// Off turns passkeys off.
	Off bool `json:"off,omitempty"`
	// RPID is the domain that passkeys belong to (WebAuthn relying party ID):
	// that of the sites, or one above them, which then share passkeys. A passkey
	// works for one for good. Default: the cookie domain or, without one, the
	// host of each site.
	RPID string `json:"rp_id,omitempty"`
	// Related are origins of other domains that share the passkeys of RPID
	// (WebAuthn Level 3 section 5.11). They are published at
	// /.well-known/webauthn of the RPID's site.
	Related []string `json:"related,omitempty"`
	// SignCount is what happens when the counter of a passkey goes back, which
	// tells that there is a copy: warn, reauth or revoke. Default: warn.
	SignCount string `json:"sign_count,omitempty"`
}

// parse reads
//
//	passkeys off
//	passkeys {
//		rp_id      <domain>
//		related    <origin...>
//		sign_count warn|reauth|revoke
//	}
func (c *PasskeysConfig) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		if d.Val() != "off" {
			return unknown(d, d.Val(), []string{"off"})
		}
		c.Off = true
		return noBlock(d)
	}
	if err := eachOption(d, options{
		"rp_id": textOption(&c.RPID),
		"related": func(d *caddyfile.Dispenser) error {
			c.Related = append(c.Related, d.RemainingArgs()...)
			return nil
		},
		"sign_count": textOption(&c.SignCount),
	}); err != nil {
		return err
	}
	if err := c.validate(); err != nil {
		return d.Err(err.Error())
	}
	return nil
}

func (c PasskeysConfig) validate() error {
	switch passkey.CountPolicy(c.SignCount) {
	case "", passkey.CountWarn, passkey.CountReauth, passkey.CountRevoke:
	default:
		return fmt.Errorf("passkeys: sign_count %q is not warn, reauth or revoke", c.SignCount)
	}
	if c.RPID != "" && !isDomain(c.RPID) {
		return fmt.Errorf("passkeys: rp_id %q is not a domain such as example.com", c.RPID)
	}
	if len(c.Related) > 0 && c.RPID == "" {
		return fmt.Errorf("passkeys: related origins share the passkeys of an rp_id; name one")
	}
	for _, origin := range c.Related {
		if _, err := parseOrigin(origin); err != nil {
			return fmt.Errorf("passkeys: related %w", err)
		}
	}
	return nil
}

// normalize writes related origins as browsers do: what an operator typed with a
// slash, capitals, or the usual port would be published and never match.
func (c *PasskeysConfig) normalize() {
	for i, origin := range c.Related {
		u, err := parseOrigin(origin)
		if err != nil {
			continue // Validate says so
		}
		if u.Scheme == "https" {
			u.Host = strings.TrimSuffix(u.Host, ":443")
		}
		if name, err := idna.Lookup.ToASCII(u.Hostname()); err == nil && u.Port() == "" {
			u.Host = name
		}
		c.Related[i] = u.String()
	}
}

func (c PasskeysConfig) counts() passkey.CountPolicy {
	return passkey.CountPolicy(cmp.Or(c.SignCount, string(passkey.CountWarn)))
}

// isDomain reports whether a name can be a relying party ID: browsers take no IP
// addresses.
func isDomain(name string) bool {
	return name != "" && net.ParseIP(strings.Trim(name, "[]")) == nil && !strings.ContainsAny(name, ":/*{}") && strings.ToLower(name) == name
}

// relyingParty is who passkeys are for at a site. It comes from the configuration
// and from the site's address, which is one of the configured; see hostSet.
func (a *App) relyingParty(at *site) passkey.RelyingParty {
	rp := passkey.RelyingParty{Name: cmp.Or(a.Brand.Name, "Sigra"), Origin: at.origin}
	u, err := url.Parse(at.origin)
	if err != nil || a.Passkeys.Off {
		return rp
	}
	host := u.Hostname()
	shares := []string{a.Passkeys.RPID, a.Cookie.domain()}
	if at.wild {
		shares = nil // whoever has a sibling's name could pass its challenges on to our users
	}
	for _, shared := range shares {
		if shared != "" && (isWithin(host, shared) || slices.Contains(a.Passkeys.Related, at.origin)) {
			rp.ID = shared
			return rp
		}
	}
	if isDomain(host) {
		rp.ID = host
	}
	return rp
}

// asksFor reports whether any site here asks for passkeys of a relying party.
func (a *App) asksFor(rpID string) bool {
	h := a.sites()
	var sites []*site
	if local := isLoopback(rpID); local || h.serves(rpID) { // perhaps by a wildcard
		sites = append(sites, &site{origin: "https://" + rpID, wild: !local && !slices.Contains(h.patterns, rpID)})
	}
	for _, origin := range slices.Concat(slices.Collect(maps.Values(h.origins)), a.Passkeys.Related) {
		if u, err := url.Parse(origin); err == nil && (h.origins[u.Host] == origin || slices.Contains(h.patterns, u.Hostname())) {
			sites = append(sites, &site{origin: origin})
		}
	}
	for _, pattern := range h.patterns {
		if isDomain(pattern) {
			sites = append(sites, &site{origin: "https://" + pattern})
		}
	}
	return slices.ContainsFunc(sites, func(at *site) bool { return a.relyingParty(at).ID == rpID })
}

// relatedPath is where browsers look for related origins (WebAuthn Level 3 section
// 5.11.1).
const relatedPath = "/.well-known/webauthn"

// relates reports whether a request came to the site that tells which origins
// share passkeys.
func (a *App) relates(r *http.Request) bool {
	at := a.sites().site(r)
	if len(a.Passkeys.Related) == 0 || !isSafe(r.Method) || at == nil {
		return false
	}
	u, err := url.Parse(at.origin)
	return err == nil && u.Hostname() == a.Passkeys.RPID
}

// tellRelated answers that.
func (a *App) tellRelated(w http.ResponseWriter) error {
	body, err := json.Marshal(map[string][]string{"origins": a.Passkeys.Related})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(body) // the client is gone, nothing is left to do
	return nil
}
