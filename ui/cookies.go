package ui

import (
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
)

// deviceLife is how long a browser stays known after a sign-in.
const deviceLife = 365 * 24 * time.Hour

// tokens returns the session tokens that the browser sent.
func (v *visit) tokens() []session.Token {
	return v.facts.Cookie.AppendTokens(nil, v.r.Header["Cookie"])
}

// setCookies gives the browser its session and marks it as known.
func (v *visit) setCookies(s account.SignedIn) {
	v.facts.Cookie.Set(v.w, s.Token, s.Session, v.Clock())
	v.setLasting(v.facts.Cookie.DeviceName(), s.Device, deviceLife)
	v.setLasting(v.facts.Cookie.TrustName(), s.Trust, account.TrustLife)
}

// setLasting sets a cookie that outlives sessions, unless there is no value.
func (v *visit) setLasting(name, value string, life time.Duration) {
	if value == "" {
		return
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()),
		Domain: v.facts.Cookie.Domain, Secure: v.facts.Cookie.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// maxDevices bounds how many marks are tried: a sibling host can plant more.
const maxDevices = 8

// devices returns the marks of a known browser: one, unless a sibling host has
// planted others.
func (v *visit) devices() []string { return v.cookies(v.facts.Cookie.DeviceName()) }

// trusts returns the secrets of a trusted browser.
func (v *visit) trusts() []string { return v.cookies(v.facts.Cookie.TrustName()) }

func (v *visit) cookies(name string) []string {
	var values []string
	for _, c := range v.r.CookiesNamed(name) {
		if len(values) < maxDevices {
			values = append(values, c.Value)
		}
	}
	return values
}

// forget makes the browser drop what belongs to the user who leaves: the
// session, and what the app behind us kept on this origin. Pages in the cache
// and an offline app would else show it to the next one. Other cookies stay:
// the known-device mark is meant to, and the directive "cookies" would also
// reach those of every sibling host.
func (v *visit) forget() {
	v.facts.Cookie.Clear(v.w)
	v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// liveOf is a session that has just been opened, for the rest of the visit.
func liveOf(s account.SignedIn) *session.Live { return &session.Live{Session: s.Session} }
