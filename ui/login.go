package ui

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
)

// loginView is the sign-in page.
type loginView struct {
	Email    string
	Remember bool
	ReturnTo string
	// Error is the one message above the form, Errors are about empty fields.
	Error  string
	Errors map[string]string
	// SignUp says that visitors can make an account.
	SignUp bool
	// Passkey is where one is used; nil where there cannot be any.
	Passkey *passkeyView
	// Notice is a message about what has just been done; may be empty.
	Notice string
}

func (v *visit) showLogin() error {
	next := v.returnTo(v.r.URL.Query().Get("return_to"))
	if v.hold() != "" {
		return v.await(next)
	}
	if v.live != nil {
		return v.done(next)
	}
	v.allowFormTo(next)
	return v.show("login", loginView{ReturnTo: next, SignUp: v.SignUps.Opened(), Passkey: v.passkeyView("/passkey/login", next, forLogin), Notice: v.loginNotice()})
}

// loginNotice returns the message about what has led the visitor here.
func (v *visit) loginNotice() string {
	switch query := v.r.URL.Query(); {
	case query.Has("expired"):
		return v.messages.text("login.expired")
	case query.Has("ended"):
		return v.messages.text("login.ended")
	case query.Has("changed"):
		return v.messages.text("login.changed")
	case query.Has("unawaited"):
		return v.messages.text("login.unawaited")
	case query.Has("deleted"):
		return v.deletedNotice()
	default:
		return v.wasDone()
	}
}

// deletedNotice says until when an account that was just deleted can be kept.
func (v *visit) deletedNotice() string {
	grace := v.Deletions.Grace()
	if grace <= 0 {
		return v.messages.text("login.deleted_at_once")
	}
	return v.messages.text("login.deleted", "date", v.Clock().Add(grace).UTC().Format(time.DateOnly))
}

func (v *visit) login() error {
	next := v.returnTo(v.form["return_to"])
	in := account.SignIn{
		Email: v.form["email"], Password: v.form["password"], Remember: v.form.checked("remember"),
		Devices: v.devices(), Client: v.facts.Client,
	}
	view := loginView{SignUp: v.SignUps.Opened(), Email: clip(in.Email), Remember: in.Remember, ReturnTo: next, Passkey: v.passkeyView("/passkey/login", next, forLogin)}
	if view.Errors = v.missing("email", "password"); view.Errors != nil {
		v.allowFormTo(next)
		return v.again(http.StatusUnprocessableEntity, "login", view, view.Errors)
	}
	signedIn, err := v.Accounts.SignIn(v.r.Context(), in)
	var throttled *account.ThrottledError
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		return v.signedIn(signedIn, next)
	case errors.Is(err, account.ErrInvalidCredentials) && v.SignUps.Awaits(v.waiting().Cookie, in.Email, in.Password):
		return v.done(v.confirmPage(v.wished(v.form["return_to"])))
	case errors.Is(err, account.ErrInvalidCredentials):
		view.Error = v.messages.text("login.invalid")
	case errors.As(err, &throttled):
		status, view.Error = http.StatusTooManyRequests, v.throttled(throttled)
	default:
		return err
	}
	v.allowFormTo(next)
	return v.again(status, "login", view, map[string]string{"form": view.Error})
}

// missing says which fields of the form are empty; nil when none is.
func (v *visit) missing(fields ...string) map[string]string {
	var problems map[string]string
	for _, field := range fields {
		if v.form[field] != "" {
			continue
		}
		if problems == nil {
			problems = make(map[string]string)
		}
		problems[field] = v.messages.text("field.required")
	}
	return problems
}

// throttled says when to try again.
func (v *visit) throttled(t *account.ThrottledError) string {
	v.w.Header().Set("Retry-After", wholeSeconds(t.RetryAfter))
	return v.messages.text("login.throttled")
}

// signedIn gives the browser its session and marks it as known. All sessions
// that it had before are ended, so that none is left that nobody knows of, and
// none that a sibling host has planted; when that fails, the new one is not
// handed out, and the browser is where it was.
func (v *visit) signedIn(s account.SignedIn, next string) error {
	if err := v.endPresented(); err != nil {
		return err
	}
	v.setCookies(s)
	return v.goOn(s, next)
}

// goOn leads whoever has just signed in to where they were going, or to what they
// have to do first.
func (v *visit) goOn(s account.SignedIn, next string) error {
	v.live = liveOf(s)
	switch v.hold() {
	case "":
		return v.done(next)
	case authcore.HoldConfirm:
		return v.awaitProof(next)
	default:
		return v.await(next)
	}
}

// endPresented ends every session that the browser has sent a token of.
func (v *visit) endPresented() error {
	for _, token := range v.facts.Cookie.Presented(v.r.Header["Cookie"]) {
		live, err := v.Sessions.Resume(v.r.Context(), token)
		if err == nil {
			err = v.Accounts.SignOut(v.r.Context(), live, v.facts.Client)
		}
		if err != nil && !errors.Is(err, authcore.ErrNotFound) {
			return err
		}
	}
	return nil
}

// allowFormTo lets a form's answer redirect to another configured origin,
// which browsers else refuse by form-action.
func (v *visit) allowFormTo(next string) {
	if u, err := url.Parse(next); err == nil && u.Host != "" {
		v.w.Header().Set("Content-Security-Policy", contentPolicy(u.Scheme+"://"+u.Host))
	}
}
