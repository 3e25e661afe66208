package ui

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/recovery"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/token"
)

// askView is a page that asks for an address to send a link to. Once it has
// been asked, the page says the same for every address.
type askView struct {
	Email    string
	ReturnTo string
	// Sent says that it has been asked, and Again that it was more than once.
	Sent, Again bool
	Errors      map[string]string
}

// askedLife is how long the browser remembers which address it has asked for a link
// to: as long as the link is waited for.
const askedLife = 10 * time.Minute

// askedName is the cookie of that address. In the address of the page it would get into
// histories and logs.
func (v *visit) askedName() string {
	return session.CookieFor(v.facts.Cookie.Secure, "").Name + "-asked"
}

func (v *visit) setAsked(email string) {
	http.SetCookie(v.w, &http.Cookie{
		Name: v.askedName(), Value: base64.RawURLEncoding.EncodeToString([]byte(clip(email))), Path: "/", MaxAge: int(askedLife.Seconds()),
		Secure: v.facts.Cookie.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// asked returns the address that the browser has asked for a link to, or nothing.
func (v *visit) asked() string {
	values := v.cookies(v.askedName())
	if len(values) != 1 {
		return ""
	}
	email, err := base64.RawURLEncoding.DecodeString(values[0])
	if err != nil || !utf8.Valid(email) {
		return ""
	}
	return clip(string(email))
}

// linkView is a page that a link in a mail opens. Opening it does nothing:
// scanners of mail open links too, so a button acts.
type linkView struct {
	Action string
	// Email is whose account it opens: a visitor who was lured to the link of
	// somebody else sees so.
	Email    string
	ReturnTo string
	Errors   map[string]string
}

func (v *visit) showMagic() error { return v.showAsk("magic") }
func (v *visit) showReset() error { return v.showAsk("reset") }

func (v *visit) showAsk(page string) error {
	query := v.r.URL.Query()
	view := askView{ReturnTo: v.wished(query.Get("return_to")), Sent: query.Has("sent"), Again: query.Get("sent") == "again"}
	switch {
	case view.Sent:
		view.Email = v.asked()
	case v.live != nil:
		view.Email = v.live.Identity.Email
	}
	return v.show(page, view)
}

func (v *visit) askMagic() error { return v.ask("magic", v.Recovery.AskSignInLink) }
func (v *visit) askReset() error { return v.ask("reset", v.Recovery.AskReset) }

func (v *visit) ask(page string, send func(ctx context.Context, a recovery.Ask) error) error {
	view := askView{Email: clip(v.form["email"]), ReturnTo: v.wished(v.form["return_to"])}
	err := send(v.r.Context(), recovery.Ask{Email: v.form["email"], ReturnTo: view.ReturnTo, Devices: v.devices(), Client: v.facts.Client})
	var invalid *account.InvalidError
	var throttled *account.ThrottledError
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		v.setAsked(v.form["email"])
		sent := "1"
		if v.form.checked("again") {
			sent = "again"
		}
		return v.done(withReturn(v.facts.Base+"/"+page+"?sent="+sent, view.ReturnTo))
	case errors.As(err, &invalid):
		view.Errors = v.explain(invalid)
	case errors.As(err, &throttled):
		status, view.Errors = http.StatusTooManyRequests, map[string]string{"email": v.throttled(throttled)}
	default:
		return err
	}
	return v.again(status, page, view, view.Errors)
}

// wished is the address to return to if one was asked for that is safe; unlike
// returnTo it says when there is none.
func (v *visit) wished(raw string) string {
	if raw == "" || v.returnTo(raw) != raw {
		return ""
	}
	return raw
}

func (v *visit) linkSecret() string {
	return v.path[strings.LastIndexByte(v.path, '/')+1:]
}

func (v *visit) showMagicLink() error { return v.showLink("magic_link", token.SignIn) }
func (v *visit) showResetLink() error { return v.showLink("reset_link", token.Reset) }

func (v *visit) showLink(page string, purpose token.Purpose) error {
	email, err := v.Recovery.Check(v.r.Context(), purpose, v.linkSecret())
	if err != nil {
		return err
	}
	next := v.wished(v.r.URL.Query().Get("return_to"))
	v.allowFormTo(next)
	return v.show(page, linkView{Action: v.facts.Base + v.path, Email: email, ReturnTo: next})
}

func (v *visit) useMagicLink() error {
	signedIn, err := v.Recovery.SignIn(v.r.Context(), v.linkSecret(), v.form.checked("remember"), v.facts.Client)
	if err != nil {
		return err
	}
	return v.signedIn(signedIn, v.returnTo(v.form["return_to"]))
}

func (v *visit) useResetLink() error {
	next := v.wished(v.form["return_to"])
	err := v.Recovery.Reset(v.r.Context(), v.linkSecret(), v.form["password"], v.facts.Client)
	var invalid *account.InvalidError
	if errors.As(err, &invalid) {
		view := linkView{Action: v.facts.Base + v.path, ReturnTo: next, Errors: v.explain(invalid)}
		return v.again(http.StatusUnprocessableEntity, "reset_link", view, view.Errors)
	}
	if err != nil {
		return err
	}
	v.facts.Cookie.Clear(v.w)
	return v.done(withReturn(v.facts.Base+"/login?changed=1", next))
}
