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
	return v.show(http.StatusOK, "stepup", stepUpView{Email: v.live.Identity.Email, ReturnTo: next})
}

func (v *visit) stepUp() error {
	next := v.returnTo(v.form["return_to"])
	signedIn, err := v.Accounts.StepUp(v.r.Context(), v.live, v.form["password"], v.facts.Client)
	var invalid *account.InvalidError
	var throttled *account.ThrottledError
	view := stepUpView{Email: v.live.Identity.Email, ReturnTo: next}
	switch {
	case err == nil:
		v.setCookies(signedIn)
		return v.done(next)
	case errors.As(err, &invalid):
		view.Errors = v.explain(invalid)
		v.allowFormTo(next)
		return v.again(http.StatusUnprocessableEntity, "stepup", view, view.Errors)
	case errors.As(err, &throttled):
		view.Errors = map[string]string{"password": v.messages.text("login.throttled")}
		v.w.Header().Set("Retry-After", wholeSeconds(throttled.RetryAfter))
		return v.again(http.StatusTooManyRequests, "stepup", view, view.Errors)
	default:
		return err
	}
}
