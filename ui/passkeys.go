package ui

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/passkey"
)

// passkeysView is the page of a user's passkeys.
type passkeysView struct {
	Passkeys []passkeyItem
	// Add is the button that adds one; nil where there cannot be any.
	Add *passkeyView
	// Full says that there are as many as there may be.
	Full bool
	// Known tells the browser which there are, so that it forgets others; empty
	// where there cannot be any.
	Known string
	// Welcome invites a user who wants no password to add the first.
	Welcome  bool
	ReturnTo string
	// Done is what was done before; may be empty.
	Done string
	// Error is about what was just tried.
	Error string
}

// passkeyItem is one of them.
type passkeyItem struct {
	Ref, Name, Model, Added, Used string
	// Elsewhere says that it is for another site.
	Elsewhere        bool
	Synced, BackedUp bool
	// Discoverable says that it signs in by itself; others do after a password.
	Discoverable bool
}

func (v *visit) showPasskeys() error {
	view, err := v.passkeysView()
	if err != nil {
		return err
	}
	view.Done = v.wasDone()
	return v.show("passkeys", view)
}

func (v *visit) passkeysView() (passkeysView, error) {
	list, err := v.Passkeys.List(v.r.Context(), v.live)
	if err != nil {
		return passkeysView{}, err
	}
	next := v.wished(v.r.URL.Query().Get("return_to"))
	view := passkeysView{Full: len(list) >= passkey.MaxPerUser, Welcome: v.r.URL.Query().Has("welcome") && len(list) == 0, ReturnTo: next}
	rp := v.facts.RelyingParty.ID
	known := []string{}
	for _, p := range list {
		item := passkeyItem{
			Ref: p.Ref(), Name: p.Name, Model: p.Model(), Added: p.CreatedAt.UTC().Format(time.DateOnly), Elsewhere: p.RPID != rp,
			Synced: p.Synced(), BackedUp: p.BackedUp, Discoverable: p.Discoverable,
		}
		if !p.UsedAt.IsZero() {
			item.Used = p.UsedAt.UTC().Format(time.DateOnly)
		}
		if !item.Elsewhere {
			known = append(known, item.Ref)
		}
		view.Passkeys = append(view.Passkeys, item)
	}
	if rp == "" {
		return view, nil
	}
	if !view.Full {
		view.Add = v.passkeyView("/account/passkeys", next, forCreate)
	}
	handle := base64.RawURLEncoding.EncodeToString([]byte(v.live.Identity.UserID))
	signal, err := json.Marshal(map[string]any{"rpId": rp, "userId": handle, "allAcceptedCredentialIds": known})
	view.Known = string(signal)
	return view, err
}

func (v *visit) askToAdd() error {
	if v.facts.RelyingParty.ID == "" {
		return statusError(http.StatusNotFound)
	}
	return v.options(v.Passkeys.Register(v.r.Context(), v.live, v.facts.RelyingParty))
}

func (v *visit) addPasskey() error {
	if v.facts.RelyingParty.ID == "" {
		return statusError(http.StatusNotFound)
	}
	signedIn, err := v.Passkeys.FinishRegistration(v.r.Context(), v.live, v.facts.RelyingParty, v.body, v.facts.Client)
	if err != nil {
		return v.passkeyFailed(err)
	}
	v.setCookies(signedIn)
	next := v.wished(v.r.URL.Query().Get("return_to"))
	if next == "" {
		next = withDone(v.facts.Base+"/account/passkeys", "passkey_added")
	}
	return v.json(http.StatusOK, answer{Status: "ok", Next: next})
}

func (v *visit) renamePasskey() error {
	err := v.Passkeys.Rename(v.r.Context(), v.live, v.form["passkey"], v.form["nickname"], v.facts.Client)
	var invalid *account.InvalidError
	if errors.As(err, &invalid) {
		return v.passkeysAgain(v.explain(invalid)["nickname"])
	}
	if err != nil {
		return err
	}
	return v.done(v.facts.Base + "/account/passkeys")
}

func (v *visit) removePasskey() error {
	err := v.Passkeys.Remove(v.r.Context(), v.live, v.form["passkey"], v.facts.Client)
	if errors.Is(err, passkey.ErrLast) {
		return v.lastPasskey()
	}
	if message := v.passkeyProblem(err); message != "" {
		return v.passkeysAgain(message)
	}
	if err != nil {
		return changed(err)
	}
	return v.done(v.facts.Base + "/account/passkeys")
}

// lastPasskey says what would take the place of a passkey: as the way in, or as
// the second factor after a password.
func (v *visit) lastPasskey() error {
	factors, err := v.TwoStep.Factors(v.r.Context(), v.live, v.facts.RelyingParty.ID)
	if err != nil {
		return err
	}
	if factors.Password {
		return v.passkeysAgain(v.messages.text("passkey.last_factor"))
	}
	return v.passkeysAgain(v.messages.text("passkey.last"))
}

// passkeysAgain shows the page with what is wrong.
func (v *visit) passkeysAgain(message string) error {
	view, err := v.passkeysView()
	if err != nil {
		return err
	}
	view.Error = message
	return v.again(http.StatusUnprocessableEntity, "passkeys", view, map[string]string{"passkey": message})
}

// usePasskeys makes passkeys the second factor.
func (v *visit) usePasskeys() error {
	if v.hasMadeCodes() {
		return v.done(withReturn(v.facts.Base+"/account/mfa", v.wished(v.form["return_to"])))
	}
	enrolled, err := v.TwoStep.UsePasskeys(v.r.Context(), v.live, v.facts.Client)
	if errors.Is(err, mfa.ErrNoPasskey) {
		return statusError(http.StatusConflict)
	}
	if err != nil {
		return changed(err)
	}
	return v.showCodes(enrolled, v.wished(v.form["return_to"]))
}
