package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
)

// challengeView is the page that asks for the second factor of a sign-in.
type challengeView struct {
	// Email is masked: whoever knows a password need not learn the address.
	Email    string
	ReturnTo string
	// Action is where the code is sent.
	Action string
	// Backup asks for a backup code instead of one of the app.
	Backup bool
	// App and Codes say what the user has, and Passkey where to use one.
	App, Codes bool
	Passkey    *passkeyView
	Trust      bool
	Errors     map[string]string
}

func (v *visit) showChallenge() error {
	view, err := v.challengeView(v.r.URL.Query().Get("return_to"))
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.challengeJSON(view)
	}
	v.allowFormTo(view.ReturnTo)
	return v.show("challenge", view)
}

func (v *visit) challengeView(next string) (challengeView, error) {
	factors, err := v.TwoStep.Factors(v.r.Context(), v.pending)
	next = v.returnTo(next)
	return challengeView{
		Email: masked(v.pending.Identity.Email), ReturnTo: next, Action: v.facts.Base + v.path, Backup: v.path == "/mfa/backup",
		App: len(factors.Secret) > 0, Passkey: v.passkeyView("/mfa/passkey", next, factors.Passkeys), Codes: factors.Codes > 0,
	}, err
}

// masked shows the beginning of an address and its domain.
func masked(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	for _, first := range local {
		return string(first) + "***@" + domain
	}
	return "***@" + domain
}

// challengeJSON tells a single-page app what it can ask the user for.
func (v *visit) challengeJSON(view challengeView) error {
	methods := []authcore.FactorKind{}
	for kind, has := range map[authcore.FactorKind]bool{
		authcore.FactorTOTP: view.App, authcore.FactorBackupCode: view.Codes, authcore.FactorPasskey: view.Passkey != nil,
	} {
		if has {
			methods = append(methods, kind)
		}
	}
	return v.json(http.StatusOK, map[string]any{"status": "second_factor", "methods": methods})
}

func (v *visit) answerChallenge() error {
	signedIn, err := v.TwoStep.Prove(v.r.Context(), v.pending, mfa.Attempt{
		Code: v.form["code"], Trust: v.form.checked("trust"), Devices: v.devices(), Client: v.facts.Client,
	})
	next := v.returnTo(v.form["return_to"])
	switch {
	case err == nil:
		v.setCookies(signedIn)
		return v.goOn(signedIn, next)
	case errors.Is(err, authcore.ErrNotFound), errors.Is(err, authcore.ErrConflict):
		// The sign-in has ended, or the account has changed since it began.
		return v.notHalfway()
	}
	status, problems, err := v.wrongCode(err)
	if problems == nil {
		return err
	}
	view, err := v.challengeView(next)
	if err != nil {
		return err
	}
	view.Trust, view.Errors = v.form.checked("trust"), problems
	v.allowFormTo(next)
	return v.again(status, "challenge", view, problems)
}

// wrongCode turns the error of a code into what is shown beside it. Without
// problems, the visit is over with the error.
func (v *visit) wrongCode(err error) (status int, problems map[string]string, rest error) {
	var wrong *mfa.WrongCodeError
	var throttled *account.ThrottledError
	switch {
	case errors.As(err, &throttled):
		return http.StatusTooManyRequests, map[string]string{"code": v.throttled(throttled)}, nil
	case errors.Is(err, mfa.ErrTooManyFailures):
		return http.StatusUnprocessableEntity, map[string]string{"code": v.messages.text("mfa.too_many_failures")}, nil
	case errors.As(err, &wrong) && wrong.Left == 1:
		return http.StatusUnprocessableEntity, map[string]string{"code": v.messages.text("mfa.wrong_one_left")}, nil
	case errors.As(err, &wrong):
		return http.StatusUnprocessableEntity, map[string]string{"code": v.messages.text("mfa.wrong")}, nil
	default:
		return 0, nil, err
	}
}

// notHalfway leads on whoever has nothing to do on the page of the second factor:
// signed in already, or too late.
func (v *visit) notHalfway() error {
	next := v.returnTo(v.r.URL.Query().Get("return_to"))
	if v.form != nil {
		next = v.returnTo(v.form["return_to"])
	}
	if v.live != nil {
		return v.done(next)
	}
	if v.wantsJSON() {
		return statusError(http.StatusUnauthorized)
	}
	v.facts.Cookie.Clear(v.w)
	return v.done(v.facts.Base + "/login?expired=1&return_to=" + url.QueryEscape(next))
}
