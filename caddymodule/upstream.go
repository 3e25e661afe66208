package caddymodule

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/assertion"
	"github.com/sigra-auth/sigra/authcore/session"
)

// upstream knows what one gate tells the app behind one site. It is the key of
// what is prepared for a session.
type upstream struct {
	fields    dialect
	custom    []customField
	profile   []customField // with the name of a profile field as value
	separator string
	encode    func(string) string
	// assertionField is the header of the assertion; empty for none.
	assertionField string
	audience       string
	issuer         string
	mint           func(id *authcore.Identity, audience, issuer string, now time.Time) (assertion.Minted, error)
}

// customField is a header with a value of placeholders.
type customField struct {
	name  string
	value string
}

// prepared is what a session sends to one upstream: made once, used by every
// request until the session changes.
type prepared struct {
	names  []string
	values []string
	minted atomic.Pointer[assertion.Minted]
	// minting makes many requests at once sign one assertion.
	minting sync.Mutex
}

// preparedKey is what is kept for a session that acts in another organization than
// its active one.
type preparedKey struct {
	*upstream
	org string
}

// prepare returns the session's values for this upstream, as an identity of it.
func (u *upstream) prepare(live *session.Live, id *authcore.Identity) *prepared {
	var key any = u
	if id != &live.Identity {
		key = preparedKey{u, id.Org.Slug}
	}
	return live.Memo(key, func() any {
		p := new(prepared)
		for _, f := range u.fields {
			if v := headerValue(valueOf(f.claim, id, u.separator), u.encode); v != "" {
				p.names = append(p.names, f.name)
				p.values = append(p.values, v)
			}
		}
		for _, f := range u.profile {
			if v := headerValue(id.Profile[f.value], u.encode); v != "" {
				p.names = append(p.names, f.name)
				p.values = append(p.values, v)
			}
		}
		return p
	}).(*prepared)
}

// inject sets the identity headers of a request.
func (u *upstream) inject(r *http.Request, st *state, now time.Time) error {
	p := u.prepare(st.live, st.id)
	for i, name := range p.names {
		r.Header[name] = st.line(p.values[i])
	}
	if u.assertionField != "" {
		token, err := u.assertion(p, st.id, now)
		if err != nil {
			return err
		}
		r.Header[u.assertionField] = st.line(token)
	}
	u.injectCustom(r, st)
	return nil
}

// injectCustom sets the headers whose values are placeholders.
func (u *upstream) injectCustom(r *http.Request, st *state) {
	if len(u.custom) == 0 {
		return
	}
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	for _, c := range u.custom {
		if v := headerValue(repl.ReplaceAll(c.value, ""), u.encode); v != "" {
			r.Header[c.name] = st.line(v)
		}
	}
}

// assertion returns the session's assertion, signing a new one when half the
// life of the last has passed.
func (u *upstream) assertion(p *prepared, id *authcore.Identity, now time.Time) (string, error) {
	if m := p.minted.Load(); m != nil && m.Current(now) {
		return m.Token, nil
	}
	p.minting.Lock()
	defer p.minting.Unlock()
	if m := p.minted.Load(); m != nil && m.Current(now) {
		return m.Token, nil
	}
	m, err := u.mint(id, u.audience, u.issuer, now)
	if err != nil {
		return "", err
	}
	p.minted.Store(&m)
	return m.Token, nil
}
