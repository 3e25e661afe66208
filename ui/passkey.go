package ui

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/session"
)

// The endpoints below are for the script of the pages: a browser speaks WebAuthn
// by a script alone.

// passkeyView is a button that uses a passkey.
type passkeyView struct {
	// Ask is where the script gets a challenge, Answer where it sends what the
	// authenticator says.
	Ask, Answer string
	For         purpose
}

// purpose is what a passkey is asked for.
type purpose string

const (
	forProof  purpose = "proof"
	forLogin  purpose = "login"
	forCreate purpose = "create"
)

// passkeyView returns the button of a page below the portal, which leads on from
// there; nil where there cannot be passkeys.
func (v *visit) passkeyView(page, next string, why purpose) *passkeyView {
	if v.facts.RelyingParty.ID == "" {
		return nil
	}
	page = v.facts.Base + page
	return &passkeyView{withReturn(page+"/options", next), withReturn(page, next), why}
}

// options sends the options of a ceremony, or what is wrong.
func (v *visit) options(options any, err error) error {
	if err != nil {
		return v.passkeyFailed(err)
	}
	return v.json(http.StatusOK, map[string]any{"status": "ok", "publicKey": options})
}

func (v *visit) askToSignInByPasskey() error {
	if v.facts.RelyingParty.ID == "" {
		return statusError(http.StatusNotFound)
	}
	return v.options(v.Passkeys.SignIn(v.r.Context(), v.facts.RelyingParty, v.facts.Client))
}

// prover is whose passkey is asked for: who is signed in, or half-way.
func (v *visit) prover() *session.Live {
	if v.route.who == halfway {
		return v.pending
	}
	return v.live
}

func (v *visit) askForPasskey() error {
	return v.options(v.Passkeys.Prove(v.r.Context(), v.prover(), v.facts.RelyingParty))
}

// attempt reads an answer and the wishes that the script puts beside it.
func (v *visit) attempt() passkey.Attempt {
	var wishes struct {
		Remember bool `json:"remember"`
		Trust    bool `json:"trust"`
	}
	_ = json.Unmarshal(v.body, &wishes) // whoever reads the answer says what is wrong with it
	return passkey.Attempt{Response: v.body, Remember: wishes.Remember, Trust: wishes.Trust, Devices: v.devices(), Client: v.facts.Client}
}

func (v *visit) signInByPasskey() error {
	signedIn, err := v.Passkeys.FinishSignIn(v.r.Context(), v.facts.RelyingParty, v.attempt())
	if err != nil {
		return v.passkeyFailed(err)
	}
	return v.signedIn(signedIn, v.returnTo(v.r.URL.Query().Get("return_to")))
}

func (v *visit) proveByPasskey() error {
	signedIn, err := v.Passkeys.FinishProof(v.r.Context(), v.prover(), v.facts.RelyingParty, v.attempt())
	if err != nil {
		return v.passkeyFailed(err)
	}
	v.setCookies(signedIn)
	return v.goOn(signedIn, v.returnTo(v.r.URL.Query().Get("return_to")))
}

// passkeyProblem returns the message for what is wrong with a passkey; empty for
// an error of another kind.
func (v *visit) passkeyProblem(err error) (message string) {
	switch {
	case errors.Is(err, passkey.ErrExpired):
		return v.messages.text("passkey.expired")
	case errors.Is(err, passkey.ErrWrongSite):
		return v.messages.text("passkey.wrong_site")
	case errors.Is(err, passkey.ErrUnknown):
		return v.messages.text("passkey.unknown")
	case errors.Is(err, passkey.ErrRefused):
		return v.messages.text("passkey.failed")
	case errors.Is(err, passkey.ErrCopied):
		return v.messages.text("passkey.copied")
	case errors.Is(err, passkey.ErrExists):
		return v.messages.text("passkey.exists")
	case errors.Is(err, passkey.ErrTooMany):
		return v.messages.text("passkey.too_many")
	default:
		return ""
	}
}

// passkeyFailed tells the script what is wrong.
func (v *visit) passkeyFailed(err error) error {
	var throttled *account.ThrottledError
	switch message := v.passkeyProblem(err); {
	case message != "":
		// The browser can be told to forget a passkey that is not known (any more).
		return v.json(http.StatusUnprocessableEntity, map[string]any{
			"status": "error", "errors": map[string]string{"passkey": message}, "unknown": errors.Is(err, passkey.ErrUnknown),
		})
	case errors.As(err, &throttled):
		return v.json(http.StatusTooManyRequests, answer{Status: "error", Errors: map[string]string{"passkey": v.throttled(throttled)}})
	case errors.Is(err, authcore.ErrConflict): // the account has changed, which ends the session
		return statusError(http.StatusUnauthorized)
	default:
		return err
	}
}

// wantsPasskey reports whether a form asks for a passkey in the place of a password.
func (v *visit) wantsPasskey() bool {
	return v.form.checked("passkey") && v.facts.RelyingParty.ID != ""
}
