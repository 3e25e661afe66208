package ui

import (
	"cmp"

	"github.com/sigra-auth/sigra/authcore/account"
)

// passwordView is the page that changes the password, or sets the first one.
type passwordView struct {
	Email string
	// Has says that there is one, which must be given.
	Has bool
	// Others says that there are other sessions, which end.
	Others   bool
	ReturnTo string
	Errors   map[string]string
}

func (v *visit) showPassword() error {
	view, err := v.passwordView(v.r.URL.Query().Get("return_to"))
	if err != nil {
		return err
	}
	v.allowFormTo(view.ReturnTo)
	return v.show("password", view)
}

func (v *visit) passwordView(next string) (view passwordView, err error) {
	view.Email, view.ReturnTo = v.live.Identity.Email, v.wished(next)
	if view.Has, err = v.Accounts.MayChange(v.r.Context(), v.live); err != nil {
		return view, err
	}
	list, err := v.Accounts.Sessions(v.r.Context(), v.live)
	view.Others = len(list) > 1
	return view, err
}

func (v *visit) changePassword() error {
	change := account.PasswordChange{Current: v.form["current"], Password: v.form["password"]}
	signedIn, err := v.Accounts.ChangePassword(v.r.Context(), v.live, change, v.facts.Client)
	if err == nil {
		v.setCookies(signedIn)
		return v.done(cmp.Or(v.wished(v.form["return_to"]), v.facts.Base+"/account?changed=password"))
	}
	status, problems, err := v.refused(err, "current")
	if problems == nil {
		return err
	}
	view, err := v.passwordView(v.form["return_to"])
	if err != nil {
		return err
	}
	view.Errors = problems
	v.allowFormTo(view.ReturnTo)
	return v.again(status, "password", view, view.Errors)
}
