package ui

import (
	"errors"
	"net/http"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/signup"
)

// registerView is the page that makes an account.
type registerView struct {
	Email    string
	Name     string
	ReturnTo string
	Fields   []fieldView
	// Passkey says that one can take the place of the password.
	Passkey bool
	Errors  map[string]string
}

func (v *visit) showRegister() error {
	if !v.SignUps.Opened() {
		return authcore.ErrNotFound
	}
	if v.live != nil {
		return v.done(v.returnTo(v.r.URL.Query().Get("return_to")))
	}
	return v.show("register", registerView{ReturnTo: v.wished(v.r.URL.Query().Get("return_to")), Fields: v.viewFields(nil, nil), Passkey: v.facts.RelyingParty.ID != ""})
}

func (v *visit) register() error {
	in := signup.SignUp{
		Email: v.form["email"], Name: v.form["name"], Password: v.form["password"], Passkey: v.wantsPasskey(), Profile: v.form,
		ReturnTo: v.wished(v.form["return_to"]), Client: v.facts.Client,
	}
	ticket, err := v.SignUps.SignUp(v.r.Context(), in)
	view := registerView{Email: clip(in.Email), Name: clip(in.Name), ReturnTo: in.ReturnTo, Passkey: v.facts.RelyingParty.ID != ""}
	status := http.StatusUnprocessableEntity
	var invalid *account.InvalidError
	var throttled *account.ThrottledError
	switch {
	case err == nil:
		v.setTicket(ticket)
		return v.done(v.confirmPage(view.ReturnTo))
	case errors.As(err, &invalid):
		view.Errors = v.explain(invalid)
	case errors.As(err, &throttled):
		status, view.Errors = http.StatusTooManyRequests, map[string]string{"form": v.throttled(throttled)}
	default:
		return err
	}
	view.Fields = v.viewFields(v.form, view.Errors)
	return v.again(status, "register", view, view.Errors)
}
