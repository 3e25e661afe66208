package ui

import (
	"errors"
	"net/http"

	"github.com/sigra-auth/sigra/authcore/account"
)

// stepUpView is the page that asks for a fresh proof.
type stepUpView struct {
	Email    string
	ReturnTo string
	Errors   map[string]string
}

func (v *visit) showStepUp() error {
	next := v.returnTo(v.r.URL.Query().Get("return_to"))
	v.allowFormTo(next)
	return v.show("stepup", stepUpView{Email: v.live.Identity.Email, ReturnTo: next})
}

func (v *visit) stepUp() error {
	next := v.returnTo(v.form["return_to"])
	signedIn, err := v.Accounts.StepUp(v.r.Context(), v.live, v.form["password"], v.facts.Client)
	var invalid *account.InvalidError
	var throttled *account.ThrottledError
	view := stepUpView{Email: v.live.Identity.Email, ReturnTo: next}
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		v.setCookies(signedIn) // the session goes on under its new token
		return v.done(next)
	case errors.As(err, &invalid):
		view.Errors = v.explain(invalid)
	case errors.As(err, &throttled):
		status, view.Errors = http.StatusTooManyRequests, map[string]string{"password": v.throttled(throttled)}
	default:
		return err
	}
	v.allowFormTo(next)
	return v.again(status, "stepup", view, view.Errors)
}
