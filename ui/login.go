package ui

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
)

// loginView is the sign-in page.
type loginView struct {
	Email    string
	Remember bool
	ReturnTo string
	// Error is the one message above the form.
	Error string
}

func (v *visit) showLogin() error {
	next := v.returnTo(v.r.URL.Query().Get("return_to"))
	if v.live != nil {
		return v.done(next)
	}
	v.allowFormTo(next)
	return v.show(http.StatusOK, "login", loginView{ReturnTo: next})
}

// maxEcho bounds the address that is shown again, in bytes.
const maxEcho = 254

func (v *visit) login() error {
	next := v.returnTo(v.form["return_to"])
	in := account.SignIn{
		Email: v.form["email"], Password: v.form["password"], Remember: v.form.checked("remember"),
		Device: v.deviceCookie(), Client: v.facts.Client,
	}
	signedIn, err := v.Accounts.SignIn(v.r.Context(), in)
	if err == nil {
		if err := v.replaceSession(); err != nil {
			return err
		}
		v.setCookies(signedIn)
		return v.done(next)
	}
	view := loginView{Email: clip(in.Email), Remember: in.Remember, ReturnTo: next}
	var throttled *account.ThrottledError
	switch {
	case errors.Is(err, account.ErrInvalidCredentials):
		view.Error = v.messages.text("login.invalid")
	case errors.As(err, &throttled):
		view.Error = v.messages.text("login.throttled")
		p := v.problemOf(err)
		v.w.Header().Set("Retry-After", wholeSeconds(p.RetryAfter))
		return v.again(http.StatusTooManyRequests, "login", view, map[string]string{"form": view.Error})
	default:
		return err
	}
	v.allowFormTo(next)
	return v.again(http.StatusUnprocessableEntity, "login", view, map[string]string{"form": view.Error})
}

// replaceSession ends the session that a visitor had before signing in anew,
// so that none is left behind that nobody knows of.
func (v *visit) replaceSession() error {
	if v.live == nil {
		return nil
	}
	return v.Accounts.SignOut(v.r.Context(), v.live, v.facts.Client)
}

// again shows a form once more with what is wrong, or tells it as JSON.
func (v *visit) again(status int, page string, view any, problems map[string]string) error {
	if v.wantsJSON() {
		return v.json(status, answer{Status: "error", Errors: problems})
	}
	return v.show(status, page, view)
}

// setCookies gives the browser its session and marks it as known.
func (v *visit) setCookies(s account.SignedIn) {
	v.facts.Cookie.Set(v.w, s.Token, s.Session, v.Clock())
	http.SetCookie(v.w, &http.Cookie{
		Name: v.deviceCookieName(), Value: s.Device, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		Domain: v.facts.Cookie.Domain, Secure: v.facts.Cookie.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// deviceCookieName is the session cookie's, extended: the same prefix, so the
// same protection.
func (v *visit) deviceCookieName() string { return v.facts.Cookie.Name + "-device" }

func (v *visit) deviceCookie() string {
	cookies := v.r.CookiesNamed(v.deviceCookieName())
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// allowFormTo lets a form's answer redirect to another configured origin,
// which browsers else refuse by form-action.
func (v *visit) allowFormTo(next string) {
	if u, err := url.Parse(next); err == nil && u.Host != "" {
		policy := "form-action 'self' " + u.Scheme + "://" + u.Host + "; " + contentPolicy
		v.w.Header().Set("Content-Security-Policy", policy) // the first directive of a name counts
	}
}

func clip(s string) string {
	if len(s) > maxEcho {
		return s[:maxEcho]
	}
	return s
}
