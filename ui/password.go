package ui

import "github.com/sigra-auth/sigra/authcore/account"

// passwordView is the page that changes the password, or sets the first one.
type passwordView struct {
	Email string
	// Has says that there is one, which must be given.
	Has    bool
	Errors map[string]string
}

func (v *visit) showPassword() error {
	has, err := v.Accounts.MayChange(v.r.Context(), v.live)
	if err != nil {
		return err
	}
	return v.show("password", passwordView{Email: v.live.Identity.Email, Has: has})
}

func (v *visit) changePassword() error {
	change := account.PasswordChange{Current: v.form["current"], Password: v.form["password"]}
	signedIn, err := v.Accounts.ChangePassword(v.r.Context(), v.live, change, v.facts.Client)
	if err == nil {
		v.setCookies(signedIn)
		return v.done(v.facts.Base + "/account?changed=password")
	}
	status, problems, err := v.refused(err, "current")
	if problems == nil {
		return err
	}
	view := passwordView{Email: v.live.Identity.Email, Errors: problems}
	if view.Has, err = v.Accounts.MayChange(v.r.Context(), v.live); err != nil {
		return err
	}
	return v.again(status, "password", view, view.Errors)
}
