package ui

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/signup"
)

// confirmView is the page that waits for the proof of an address.
type confirmView struct {
	Email    string
	ReturnTo string
	Resent   bool
	// Again says that the visitor can sign up with another address.
	Again  bool
	Errors map[string]string
}

// confirmLinkView is the page that the link in the mail opens.
type confirmLinkView struct {
	Action   string
	Email    string
	ReturnTo string
	// Same says that this browser is the one that signed up.
	Same bool
}

// ticketName is the cookie of a sign-up. It is the host's alone, also where sessions
// are shared by a domain: a sibling host could plant one and have its password count
// as the visitor's.
func (v *visit) ticketName() string {
	return session.CookieFor(v.facts.Cookie.Secure, "").Name + "-signup"
}

// ticketLife is how long the browser remembers its sign-up.
const ticketLife = 48 * time.Hour

func (v *visit) ticketCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: v.ticketName(), Value: value, Path: "/", MaxAge: maxAge, Secure: v.facts.Cookie.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func (v *visit) setTicket(ticket string) {
	http.SetCookie(v.w, v.ticketCookie(ticket, int(ticketLife.Seconds())))
}

// waiting is what waits for a proof in this browser.
func (v *visit) waiting() signup.Waiting {
	var w signup.Waiting
	if tickets := v.cookies(v.ticketName()); len(tickets) == 1 {
		w.Cookie = tickets[0]
	}
	if v.hold() == authcore.HoldConfirm {
		w.Live = v.live
	}
	return w
}

// confirmPage is the address of the page that waits.
func (v *visit) confirmPage(next string) string {
	return withReturn(v.facts.Base+"/confirm", next)
}

// awaitProof leads a user whose address is not proven to the page that waits,
// with a new mail on its way. That there is one too many is no error here.
func (v *visit) awaitProof(next string) error {
	err := v.SignUps.Resend(v.r.Context(), v.waiting(), v.facts.Client)
	var throttled *account.ThrottledError
	if err != nil && !errors.As(err, &throttled) {
		return err
	}
	return v.await(next)
}

// unawaited returns where a visitor goes for whom nothing waits for a proof: signed
// in meanwhile, as in another tab, or in a browser that knows of no sign-up.
func (v *visit) unawaited(next string) (to string, ok bool) {
	switch {
	case v.live != nil && v.hold() != authcore.HoldConfirm:
		return v.returnTo(next), true
	case v.SignUps.Address(v.waiting()) == "":
		return withReturn(v.facts.Base+"/login?unawaited=1", next), true
	default:
		return "", false
	}
}

func (v *visit) confirmView(next string) confirmView {
	return confirmView{Email: v.SignUps.Address(v.waiting()), ReturnTo: next, Again: v.live == nil && v.SignUps.Opened()}
}

func (v *visit) showConfirm() error {
	query := v.r.URL.Query()
	next := v.wished(query.Get("return_to"))
	if to, ok := v.unawaited(next); ok {
		return v.done(to)
	}
	view := v.confirmView(next)
	view.Resent = query.Has("resent")
	return v.show("confirm", view)
}

func (v *visit) confirmCode() error {
	next := v.wished(v.form["return_to"])
	if to, ok := v.unawaited(next); ok && !v.wantsJSON() { // a program is told that nothing was confirmed
		return v.done(to)
	}
	confirmed, err := v.SignUps.ConfirmCode(v.r.Context(), v.form["code"], v.waiting(), v.facts.Client)
	view := v.confirmView(next)
	status := http.StatusUnprocessableEntity
	var invalid *account.InvalidError
	var throttled *account.ThrottledError
	switch {
	case err == nil:
		return v.confirmed(confirmed)
	case errors.As(err, &invalid):
		view.Errors = v.explain(invalid)
	case errors.As(err, &throttled):
		status, view.Errors = http.StatusTooManyRequests, map[string]string{"code": v.throttled(throttled)}
	default:
		return err
	}
	return v.again(status, "confirm", view, view.Errors)
}

func (v *visit) resend() error {
	next := v.wished(v.form["return_to"])
	if to, ok := v.unawaited(next); ok && !v.wantsJSON() {
		return v.done(to)
	}
	if err := v.SignUps.Resend(v.r.Context(), v.waiting(), v.facts.Client); err != nil {
		return err
	}
	u, err := url.Parse(v.confirmPage(next))
	if err != nil {
		return err
	}
	query := u.Query()
	query.Set("resent", "1")
	u.RawQuery = query.Encode()
	return v.done(u.String())
}

func (v *visit) showConfirmLink() error {
	email, same, err := v.SignUps.Check(v.r.Context(), v.linkSecret(), v.waiting())
	if err != nil {
		return v.confirmedBefore(err)
	}
	return v.show("confirm_link", confirmLinkView{Action: v.facts.Base + v.path, Email: email, ReturnTo: v.wished(v.r.URL.Query().Get("return_to")), Same: same})
}

func (v *visit) confirmLink() error {
	confirmed, err := v.SignUps.ConfirmLink(v.r.Context(), v.linkSecret(), v.waiting(), v.facts.Client)
	if err != nil {
		return v.confirmedBefore(err)
	}
	return v.confirmed(confirmed)
}

// confirmedBefore leads on whoever opens a link, or presses its button, once more in
// the browser that it has signed in.
func (v *visit) confirmedBefore(err error) error {
	if errors.Is(err, authcore.ErrNotFound) && v.live != nil && v.hold() != authcore.HoldConfirm {
		return v.done(v.returnTo(v.nextSent()))
	}
	return err
}

// confirmed signs in whoever has proven an address. In another browser than the one
// that signed up, they choose a password first, and say again who they are.
func (v *visit) confirmed(c signup.Confirmed) error {
	http.SetCookie(v.w, v.ticketCookie("", -1))
	next := v.wished(v.form["return_to"])
	if c.Passkey {
		next = v.facts.Base + "/account/passkeys?welcome=1"
	}
	if c.Anew {
		next = withReturn(v.facts.Base+"/account/profile?anew=1", next)
	}
	if !c.HasPassword && !c.Passkey {
		next = withReturn(v.facts.Base+"/account/password", next)
	}
	return v.signedIn(c.SignedIn, cmp.Or(next, v.returnTo("")))
}
