package ui

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sigra-auth/sigra/authcore/account"
)

// passwordView is the page that changes the password, or sets the first one.
type passwordView struct {
	Email string
	// Has says that there is one, which must be given.
	Has    bool
	Errors map[string]string
}

func (v *visit) showPassword() error {
	has, err := v.Accounts.HasPassword(v.r.Context(), v.live)
	if err != nil {
		return err
	}
	return v.show("password", passwordView{Email: v.live.Identity.Email, Has: has})
}

func (v *visit) changePassword() error {
	change := account.PasswordChange{Current: v.form["current"], Password: v.form["password"]}
	signedIn, err := v.Accounts.ChangePassword(v.r.Context(), v.live, change, v.facts.Client)
	var invalid *account.InvalidError
	var throttled *account.ThrottledError
	view := passwordView{Email: v.live.Identity.Email}
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		v.setCookies(signedIn)
		return v.done(v.facts.Base + "/account?changed=password")
	case errors.Is(err, account.ErrNotFresh):
		return v.done(v.facts.Base + "/magic?return_to=" + url.QueryEscape(v.facts.Base+"/account/password"))
	case errors.As(err, &invalid):
		view.Errors = v.explain(invalid)
	case errors.As(err, &throttled):
		status, view.Errors = http.StatusTooManyRequests, map[string]string{"current": v.throttled(throttled)}
	default:
		return err
	}
	if view.Has, err = v.Accounts.HasPassword(v.r.Context(), v.live); err != nil {
		return err
	}
	return v.again(status, "password", view, view.Errors)
}
