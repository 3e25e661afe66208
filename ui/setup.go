package ui

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sigra-auth/sigra/authcore/account"
)

// setUpView is the page that creates the first account.
type setUpView struct {
	Action string
	Email  string
	Name   string
	// Errors are messages by field.
	Errors map[string]string
}

func (v *visit) setUpSecret() string { return strings.TrimPrefix(v.path, setUpPrefix) }

func (v *visit) showSetUp() error {
	if err := v.Accounts.CheckSetUp(v.r.Context(), v.setUpSecret()); err != nil {
		return err
	}
	return v.show("setup", setUpView{Action: v.facts.Base + v.path})
}

func (v *visit) setUp() error {
	in := account.SetUp{
		Secret: v.setUpSecret(), Email: v.form["email"], Name: v.form["name"], Password: v.form["password"], Client: v.facts.Client,
	}
	signedIn, err := v.Accounts.CompleteSetUp(v.r.Context(), in)
	var invalid *account.InvalidError
	switch {
	case err == nil:
		return v.signedIn(signedIn, v.facts.Base+"/account")
	case errors.Is(err, account.ErrNotSignedIn):
		return v.done(v.facts.Base + "/login")
	case errors.As(err, &invalid):
		view := setUpView{Action: v.facts.Base + v.path, Email: clip(in.Email), Name: clip(in.Name), Errors: v.explain(invalid)}
		return v.again(http.StatusUnprocessableEntity, "setup", view, view.Errors)
	default:
		return err
	}
}

// explain returns the messages of what is wrong with a form.
func (v *visit) explain(invalid *account.InvalidError) map[string]string {
	problems := make(map[string]string, len(invalid.Fields))
	for field, problem := range invalid.Fields {
		problems[field] = v.messages.text("field." + string(problem))
	}
	return problems
}
