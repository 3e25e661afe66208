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

// stepUpView is the page that asks for a fresh proof, by whatever the user has of
// what is asked for.
type stepUpView struct {
	Email    string
	ReturnTo string
	// Need is what is asked for, as it came.
	Need string
	// Methods are what is offered. Password, App, Code and Link say so to the page,
	// and Passkey where to use one. A code is of the app or a backup code.
	Methods                   []authcore.FactorKind
	Password, App, Code, Link bool
	Passkey                   *passkeyView
	// SetUp says that the user has nothing that would do, and SetUpKey that a
	// passkey would be needed.
	SetUp, SetUpKey bool
	// Elsewhere are where the user's passkeys work, of which none works here, when
	// nothing else would do and nothing may be set up without one.
	Elsewhere []string
	Errors    map[string]string
}

// StepUpPage returns the page, below the portal, that asks for one of the kinds of
// proof, or for any when none is named, and leads on from there.
func StepUpPage(kinds []authcore.FactorKind, returnTo string) string {
	page := "/step-up?return_to=" + url.QueryEscape(returnTo)
	if len(kinds) == 0 {
		return page
	}
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return page + "&need=" + url.QueryEscape(strings.Join(names, ","))
}

// askForProof leads to a fresh proof, and back to the page that needs it.
func (v *visit) askForProof(kinds []authcore.FactorKind) error {
	back := v.r.URL.RequestURI()
	if v.r.Method == http.MethodPost {
		back = v.backToForm()
	}
	to := v.facts.Base + StepUpPage(kinds, back)
	if v.wantsJSON() {
		return v.json(http.StatusForbidden, answer{Status: "step_up", Next: to})
	}
	v.redirect(to)
	return nil
}

// backToForm is the address of the page whose form was posted, and that leads on from
// there.
func (v *visit) backToForm() string { return withReturn(v.formPage, v.wished(v.nextSent())) }

func (v *visit) showStepUp() error {
	query := v.r.URL.Query()
	view, err := v.stepUpView(v.returnTo(query.Get("return_to")), query.Get("need"))
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		said := map[string]any{"status": "step_up", "methods": view.Methods}
		if view.Elsewhere != nil {
			said["elsewhere"] = view.Elsewhere
		}
		return v.json(http.StatusOK, said)
	}
	v.allowFormTo(view.ReturnTo)
	return v.show("stepup", view)
}

// stepUpView finds out what to offer.
func (v *visit) stepUpView(next, need string) (stepUpView, error) {
	view := stepUpView{Email: v.live.Identity.Email, ReturnTo: next, Need: need}
	factors, err := v.TwoStep.Factors(v.r.Context(), v.live, v.facts.RelyingParty.ID)
	if err != nil {
		return view, err
	}
	wanted := wantedKinds(need)
	wants := func(kind authcore.FactorKind) bool { return len(wanted) == 0 || slices.Contains(wanted, kind) }
	view.Methods = v.methods(factors, wants)
	offers := func(kind authcore.FactorKind) bool { return slices.Contains(view.Methods, kind) }
	view.Password = offers(authcore.FactorPassword)
	view.App = offers(authcore.FactorTOTP)
	view.Code = view.App || offers(authcore.FactorBackupCode)
	if offers(authcore.FactorPasskey) {
		view.Passkey = v.passkeyView("/step-up/passkey", next, forProof)
	}
	if len(view.Methods) == 0 && wants(authcore.FactorLink) {
		view.Methods, view.Link = []authcore.FactorKind{authcore.FactorLink}, true
	} else if len(view.Methods) == 0 {
		if view.Elsewhere, err = v.guardedElsewhere(factors); err != nil {
			return view, err
		}
		view.SetUp = view.Elsewhere == nil
		view.SetUpKey = view.SetUp && !wants(authcore.FactorTOTP)
	}
	return view, nil
}

// guardedElsewhere returns where the passkeys of a user work who has no second factor
// that could be used here, and so may not set one up.
func (v *visit) guardedElsewhere(factors mfa.Factors) ([]string, error) {
	if factors.Elsewhere == 0 || factors.Passkeys > 0 || len(factors.Secret) > 0 || factors.Codes > 0 {
		return nil, nil
	}
	return v.Accounts.Guards(v.r.Context(), v.live)
}

// methods are what the user has of what is wanted, and can use at this site.
func (v *visit) methods(factors mfa.Factors, wants func(authcore.FactorKind) bool) []authcore.FactorKind {
	has := map[authcore.FactorKind]bool{
		authcore.FactorPassword: factors.Password, authcore.FactorTOTP: len(factors.Secret) > 0, authcore.FactorBackupCode: factors.Codes > 0,
		authcore.FactorPasskey: factors.Passkeys > 0 && v.facts.RelyingParty.ID != "",
	}
	methods := []authcore.FactorKind{}
	for _, kind := range authcore.FactorKinds {
		if has[kind] && wants(kind) {
			methods = append(methods, kind)
		}
	}
	return methods
}

// wantedKinds reads what is asked for; what it does not know does not count.
func wantedKinds(need string) []authcore.FactorKind {
	var kinds []authcore.FactorKind
	for name := range strings.SplitSeq(need, ",") {
		if kind := authcore.FactorKind(name); slices.Contains(authcore.FactorKinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (v *visit) stepUp() error {
	next, need := v.returnTo(v.form["return_to"]), v.form["need"]
	signedIn, err := v.prove()
	switch {
	case err == nil:
		v.setCookies(signedIn) // the session goes on under its new token
		return v.done(v.warned(signedIn, next))
	case errors.Is(err, authcore.ErrConflict): // the account has changed, which ends the session
		return statusError(http.StatusUnauthorized)
	}
	status, problems, rest := v.refused(err, "password")
	if v.form["code"] != "" {
		status, problems, rest = v.wrongCode(err)
	}
	if problems == nil {
		return rest
	}
	view, err := v.stepUpView(next, need)
	if err != nil {
		return err
	}
	view.Errors = problems
	v.allowFormTo(next)
	return v.again(status, "stepup", view, view.Errors)
}

// prove takes the code or, when there is none, the password.
func (v *visit) prove() (account.SignedIn, error) {
	if code := v.form["code"]; code != "" {
		return v.TwoStep.Prove(v.r.Context(), v.live, mfa.Attempt{Code: code, Client: v.facts.Client})
	}
	return v.Accounts.StepUp(v.r.Context(), v.live, v.form["password"], v.facts.Client)
}
