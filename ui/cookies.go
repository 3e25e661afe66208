package ui

import (
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
)

// deviceLife is how long a browser stays known after a sign-in.
const deviceLife = 365 * 24 * time.Hour

// setCookies gives the browser its session and marks it as known.
func (v *visit) setCookies(s account.SignedIn) {
	v.facts.Cookie.Set(v.w, s.Token, s.Session, v.Clock())
	if s.Device == "" {
		return
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: v.deviceCookieName(), Value: s.Device, Path: "/", MaxAge: int(deviceLife.Seconds()),
		Domain: v.facts.Cookie.Domain, Secure: v.facts.Cookie.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// deviceCookieName is the session cookie's, extended: the same prefix, so the
// same protection.
func (v *visit) deviceCookieName() string { return v.facts.Cookie.Name + "-device" }

// deviceCookie returns the mark of a known browser. Several are none: one of
// them may have been planted by a sibling host.
func (v *visit) deviceCookie() string {
	cookies := v.r.CookiesNamed(v.deviceCookieName())
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
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
