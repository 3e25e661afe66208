package ui

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
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
	// Methods are what can be asked for. Password, App and Codes say so to the page,
	// and Passkey where to use one.
	Methods              []authcore.FactorKind
	Password, App, Codes bool
	Passkey              *passkeyView
	Trust                bool
	Errors               map[string]string
}

func (v *visit) showChallenge() error {
	view, err := v.challengeView(v.r.URL.Query().Get("return_to"))
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.json(http.StatusOK, map[string]any{"status": "second_factor", "methods": view.Methods})
	}
	v.allowFormTo(view.ReturnTo)
	return v.show("challenge", view)
}

func (v *visit) challengeView(next string) (challengeView, error) {
	view := challengeView{
		Email: masked(v.pending.Identity.Email), ReturnTo: v.returnTo(next), Action: v.facts.Base + v.path, Backup: v.path == "/mfa/backup",
	}
	factors, err := v.TwoStep.Factors(v.r.Context(), v.pending, v.facts.RelyingParty.ID)
	if err != nil {
		return view, err
	}
	if view.Methods = factors.Completing(&v.pending.Identity); view.Methods == nil {
		view.Methods = []authcore.FactorKind{}
	}
	view.Password = slices.Contains(view.Methods, authcore.FactorPassword)
	view.App = slices.Contains(view.Methods, authcore.FactorTOTP)
	view.Codes = slices.Contains(view.Methods, authcore.FactorBackupCode)
	if slices.Contains(view.Methods, authcore.FactorPasskey) {
		view.Passkey = v.passkeyView("/mfa/passkey", view.ReturnTo, forProof)
	}
	return view, nil
}

// masked shows the beginning of an address and its domain.
func masked(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	for _, first := range local {
		return string(first) + "***@" + domain
	}
	return "***@" + domain
}

func (v *visit) answerChallenge() error {
	signedIn, err := v.complete()
	next := v.returnTo(v.form["return_to"])
	switch {
	case err == nil:
		v.setCookies(signedIn)
		return v.goOn(signedIn, v.warned(signedIn, next))
	case errors.Is(err, authcore.ErrNotFound), errors.Is(err, authcore.ErrConflict):
		// The sign-in has ended, or the account has changed since it began.
		return v.notHalfway()
	}
	status, problems, rest := v.wrongCode(err)
	if v.form["password"] != "" {
		status, problems, rest = v.refused(err, "password")
	}
	if problems == nil {
		return rest
	}
	view, err := v.challengeView(next)
	if err != nil {
		return err
	}
	view.Trust, view.Errors = v.form.checked("trust"), problems
	v.allowFormTo(next)
	return v.again(status, "challenge", view, problems)
}

// complete takes the code or, after a key, the password.
func (v *visit) complete() (account.SignedIn, error) {
	if password := v.form["password"]; password != "" {
		signedIn, err := v.Accounts.CompleteByPassword(v.r.Context(), v.pending, password, account.Proving{Devices: v.devices(), Client: v.facts.Client})
		if errors.Is(err, account.ErrNoSecondFactor) {
			err = statusError(http.StatusUnprocessableEntity)
		}
		return signedIn, err
	}
	return v.TwoStep.Prove(v.r.Context(), v.pending, mfa.Attempt{
		Code: v.form["code"], Trust: v.form.checked("trust"), Devices: v.devices(), Client: v.facts.Client,
	})
}

// warned is the way on, by the page that makes new backup codes when one was used
// and few are left.
func (v *visit) warned(s account.SignedIn, next string) string {
	if s.CodesLeft == nil || *s.CodesLeft > fewCodes {
		return next
	}
	return withReturn(v.facts.Base+"/account/mfa", next)
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
	next := v.returnTo(v.nextSent())
	if v.live != nil {
		return v.done(next)
	}
	if v.wantsJSON() {
		return statusError(http.StatusUnauthorized)
	}
	v.facts.Cookie.Clear(v.w)
	return v.done(v.facts.Base + "/login?expired=1&return_to=" + url.QueryEscape(next))
}
