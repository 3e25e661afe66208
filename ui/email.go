package ui

import (
	"errors"
	"net/http"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/address"
	"github.com/sigra-auth/sigra/authcore/org"
)

// emailView is the page that changes the address.
type emailView struct {
	Current string
	// Pending is an address that waits for its confirmation.
	Pending string
	Email   string
	// HasPassword says that it must be given.
	HasPassword bool
	Errors      map[string]string
}

// emailLinkView is a page that a link about a change of address opens.
type emailLinkView struct {
	Action string
	// Email is the new address.
	Email string
}

func (v *visit) showEmail() error {
	view, err := v.emailView()
	if err != nil {
		return err
	}
	return v.show("email", view)
}

func (v *visit) emailView() (view emailView, err error) {
	view.Current = v.live.Identity.Email
	if view.Pending, err = v.Addresses.Pending(v.r.Context(), v.live); err != nil {
		return view, err
	}
	view.HasPassword, err = v.Accounts.MayChange(v.r.Context(), v.live)
	return view, err
}

func (v *visit) askEmail() error {
	change := address.Change{Email: v.form["email"], Current: v.form["current"]}
	err := v.Addresses.Ask(v.r.Context(), v.live, change, v.facts.Client)
	if err == nil {
		return v.done(v.facts.Base + "/account/email")
	}
	status, problems, err := v.refused(err, "current")
	if problems == nil {
		return err
	}
	view, err := v.emailView()
	if err != nil {
		return err
	}
	view.Email, view.Errors = clip(change.Email), problems
	return v.again(status, "email", view, problems)
}

// refused turns the error of a change that wants a proof into what is shown
// again: what is wrong by field, a limit as what is wrong with the given field.
// Without fields, the visit is over with the error.
func (v *visit) refused(err error, field string) (status int, problems map[string]string, rest error) {
	var invalid *account.InvalidError
	var throttled *account.ThrottledError
	var limit *org.LimitError
	switch {
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity, v.explain(invalid), nil
	case errors.As(err, &limit):
		return http.StatusTooManyRequests, map[string]string{field: v.limited(limit)}, nil
	case errors.As(err, &throttled):
		return http.StatusTooManyRequests, map[string]string{field: v.throttled(throttled)}, nil
	default:
		return 0, nil, err
	}
}

func (v *visit) withdrawEmail() error {
	if err := v.Addresses.Withdraw(v.r.Context(), v.live, v.facts.Client); err != nil {
		return err
	}
	return v.done(v.facts.Base + "/account/email")
}

func (v *visit) showEmailLink() error {
	email, err := v.Addresses.Check(v.r.Context(), v.live, v.linkSecret())
	if err != nil {
		return otherAccount(err)
	}
	return v.show("email_link", emailLinkView{Action: v.facts.Base + v.path, Email: email})
}

func (v *visit) confirmEmail() error {
	signedIn, err := v.Addresses.Confirm(v.r.Context(), v.live, v.linkSecret(), v.facts.Client)
	if err != nil {
		return otherAccount(err)
	}
	v.setCookies(signedIn)
	return v.done(v.facts.Base + "/account?changed=email")
}

// otherAccount makes a link about another account a page that says who is
// signed in.
func otherAccount(err error) error {
	if errors.Is(err, address.ErrOtherAccount) {
		return statusError(http.StatusForbidden)
	}
	return err
}

func (v *visit) showKeepEmail() error {
	email, err := v.Addresses.CheckKeep(v.r.Context(), v.linkSecret())
	if err != nil {
		return err
	}
	return v.show("keep_email", emailLinkView{Action: v.facts.Base + v.path, Email: email})
}

func (v *visit) keepEmail() error {
	if err := v.Addresses.Keep(v.r.Context(), v.linkSecret(), v.facts.Client); err != nil {
		return err
	}
	// Whoever asked for the change knew the password.
	return v.done(v.facts.Base + "/reset")
}
