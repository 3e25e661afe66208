package ui

import (
	"errors"
	"net/http"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/signup"
)

// invitationView is the page that makes the account of an invitation to no
// organization.
type invitationView struct {
	Action string
	Email  string
	Name   string
	Fields []fieldView
	// Passkey says that one can take the place of the password.
	Passkey bool
	Errors  map[string]string
}

func (v *visit) showSignUpInvitation() error {
	email, err := v.SignUps.Invited(v.r.Context(), v.linkSecret())
	if err != nil {
		return err
	}
	return v.show("invitation", invitationView{Action: v.facts.Base + v.path, Email: email, Fields: v.viewFields(nil, nil), Passkey: v.facts.RelyingParty.ID != ""})
}

func (v *visit) acceptSignUpInvitation() error {
	in := signup.SignUp{Name: v.form["name"], Password: v.form["password"], Passkey: v.wantsPasskey(), Profile: v.form, Client: v.facts.Client}
	signedIn, err := v.SignUps.Accept(v.r.Context(), v.linkSecret(), in)
	var invalid *account.InvalidError
	if !errors.As(err, &invalid) {
		if err != nil {
			return err
		}
		if in.Passkey {
			return v.signedIn(signedIn, v.facts.Base+"/account/passkeys?welcome")
		}
		return v.signedIn(signedIn, v.facts.Base+"/account")
	}
	view := invitationView{Action: v.facts.Base + v.path, Name: clip(in.Name), Passkey: v.facts.RelyingParty.ID != "", Errors: v.explain(invalid)}
	view.Fields = v.viewFields(v.form, view.Errors)
	if view.Email, err = v.SignUps.Invited(v.r.Context(), v.linkSecret()); err != nil {
		return err
	}
	return v.again(http.StatusUnprocessableEntity, "invitation", view, view.Errors)
}
