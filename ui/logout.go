package ui

import (
	"net/http"
)

// logoutView is the page that asks whether to sign out.
type logoutView struct {
	Email string
}

func (v *visit) showLogout() error {
	if v.live == nil {
		return v.done(v.facts.Base + "/login")
	}
	return v.show(http.StatusOK, "logout", logoutView{Email: v.live.Identity.Email})
}

func (v *visit) logout() error {
	if v.live != nil {
		if err := v.Accounts.SignOut(v.r.Context(), v.live, v.facts.Client); err != nil {
			return err
		}
	}
	v.facts.Cookie.Clear(v.w)
	// What the app kept in this browser belongs to the user who leaves: pages
	// in the cache would still be shown. Cookies stay: the known-device one is
	// to, and the app's are the app's.
	v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	next := v.facts.Base + "/login"
	if raw := v.form["return_to"]; raw != "" {
		next += "?return_to=" + queryEscape(v.returnTo(raw))
	}
	return v.done(next)
}
