package ui

import "net/url"

// logoutView is the page that asks whether to sign out.
type logoutView struct {
	Email string
}

func (v *visit) showLogout() error {
	if v.live == nil {
		return v.done(v.facts.Base + "/login")
	}
	return v.show("logout", logoutView{Email: v.live.Identity.Email})
}

func (v *visit) logout() error {
	if err := v.endPresented(); err != nil {
		return err
	}
	v.forget()
	next := v.facts.Base + "/login"
	if raw := v.form["return_to"]; raw != "" {
		next += "?return_to=" + url.QueryEscape(v.returnTo(raw))
	}
	return v.acknowledge(next, "signed_out")
}
