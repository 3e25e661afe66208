package caddymodule

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	httpcaddyfile.RegisterDirective(appID, parseDirective)
	// After basic_auth, and so after rate limits and firewalls that plugins
	// put before it, but before request_header, templates and the proxy.
	httpcaddyfile.RegisterDirectiveOrder(appID, httpcaddyfile.After, "basic_auth")
}

// parseDirective reads the site directive and expands it into one route of
// three handlers: strip and portal, for every request, and the gate, which
// carries the matcher itself.
//
//	sigra [<matcher>] {
//		portal    <path>
//		public    <matcher...>
//		require   user|aal2
//		require   email_domain|role|org <value...>
//		require   fresh <age>
//		require   factor passkey|totp...
//		org       from session|host [<suffix>]|path <prefix>|header <field>
//		mfa       off|optional|required [<role...>]
//		headers   <dialect...>|off {
//			<field> <value>
//			separator <text>
//			encoding rfc2047|percent|ascii|raw
//		}
//		assertion [<field>]|off {
//			audience <origin>
//		}
//		origin    <origin>
//	}
func parseDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	gate := &Gate{}
	matcher, ok, err := h.MatcherToken()
	if err != nil {
		return nil, err
	}
	if !ok && h.Val() != appID {
		return nil, h.Errf("%q is not a matcher; give *, /path or @name", h.Val())
	}
	if h.NextArg() {
		return nil, h.ArgErr()
	}
	if matcher != nil {
		gate.MatcherSetsRaw = caddyhttp.RawMatcherSets{matcher}
	}
	if err := gate.parseBlock(h); err != nil {
		return nil, err
	}
	if matcher != nil && gate.MFA.is(mfaOff) {
		return nil, h.WrapErr(errOffSomewhere)
	}
	portal := &Portal{Path: gate.Portal, Origin: gate.Origin}
	return []httpcaddyfile.ConfigValue{{Class: "route", Value: routeOf(&Strip{}, portal, gate)}}, nil
}

// routeOf puts handlers into one route, whose chain Caddy compiles once.
func routeOf(handlers ...caddyhttp.MiddlewareHandler) caddyhttp.Route {
	var route caddyhttp.Route
	for _, handler := range handlers {
		name := handler.(caddy.Module).CaddyModule().ID.Name()
		route.HandlersRaw = append(route.HandlersRaw, caddyconfig.JSONModuleObject(handler, "handler", name, nil))
	}
	return route
}

func (g *Gate) parseBlock(h httpcaddyfile.Helper) error {
	if err := eachOption(h.Dispenser, options{
		"portal":    textOption(&g.Portal),
		"origin":    textOption(&g.Origin),
		"public":    func(*caddyfile.Dispenser) error { return g.parsePublic(h) },
		"require":   g.parseRequire,
		"org":       g.OrgFrom.parse,
		"mfa":       parseMFA(&g.MFA),
		"headers":   g.Headers.parse,
		"assertion": g.Assertion.parse,
	}); err != nil {
		return err
	}
	if err := g.validateRoles(); err != nil {
		return h.Err(err.Error())
	}
	return nil
}

// parsePublic reads one or several matchers; any of them opens a request.
func (g *Gate) parsePublic(h httpcaddyfile.Helper) error {
	for count := 0; ; count++ {
		line := h.Val()
		matcher, ok, err := h.MatcherToken()
		switch {
		case err != nil:
			return err
		case ok && matcher == nil: // *
			matcher = caddy.ModuleMap{"path": []byte(`["*"]`)}
		case !ok && h.Val() != line:
			return h.Errf("%q is not a matcher; give *, /path or @name", h.Val())
		case !ok && count == 0:
			return h.Err("public wants matchers, such as /assets/* or @name; use * for the whole site")
		case !ok:
			return nil
		}
		g.PublicRaw = append(g.PublicRaw, matcher)
	}
}

func (g *Gate) parseRequire(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	word, values := d.Val(), d.RemainingArgs()
	wants := func(ok bool) error {
		if !ok {
			return d.ArgErr()
		}
		return nil
	}
	switch word {
	case "user":
		return wants(len(values) == 0)
	case "aal2":
		g.Require.AAL2 = true
		return wants(len(values) == 0)
	case "email_domain":
		g.Require.EmailDomains = append(g.Require.EmailDomains, values...)
		return wants(len(values) > 0)
	case "role":
		g.Require.Roles = append(g.Require.Roles, values...)
		return wants(len(values) > 0)
	case "org":
		if len(values) > 1 && values[0] == "from" {
			return d.Errf("require org names organizations; where requests name theirs is said by an option of its own, `org %s`", strings.Join(values, " "))
		}
		g.Require.Org = true
		g.Require.Orgs = append(g.Require.Orgs, values...)
		return nil
	case "factor":
		for _, kind := range values {
			if !slices.Contains(demandable, kind) {
				return unknown(d, kind, demandable)
			}
		}
		g.Require.Factors = append(g.Require.Factors, values...)
		return wants(len(values) > 0)
	case "fresh":
		if len(values) != 1 {
			return d.ArgErr()
		}
		age, err := parseDuration(d, values[0])
		g.Require.Fresh = age
		return err
	default:
		return unknown(d, word, []string{"aal2", "email_domain", "factor", "fresh", "org", "role", "user"})
	}
}

func (c *HeadersConfig) parse(d *caddyfile.Dispenser) error {
	for _, word := range d.RemainingArgs() {
		switch {
		case word == "off":
			c.Off = true
		case dialects[word] == nil:
			return unknown(d, word, append(dialectNames(), "off"))
		default:
			c.Dialects = append(c.Dialects, word)
		}
	}
	if c.Off && len(c.Dialects) > 0 {
		return d.Err("headers: off stands alone")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		var value string
		if !d.AllArgs(&value) {
			return d.ArgErr()
		}
		switch name {
		case "separator":
			c.Separator = value
		case "encoding":
			c.Encoding = value
		default:
			for _, word := range []string{"separator", "encoding"} {
				if levenshtein.ComputeDistance(name, word) <= 2 { // it would become a header
					return unknown(d, name, []string{word})
				}
			}
			if c.Fields == nil {
				c.Fields = make(map[string]string)
			}
			c.Fields[name] = value
		}
	}
	if err := c.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (a *AssertionHeader) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		if a.Off = d.Val() == "off"; !a.Off {
			a.Field = d.Val()
		}
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return eachOption(d, options{"audience": textOption(&a.Audience)})
}
