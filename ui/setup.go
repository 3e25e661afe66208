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
	return v.show(http.StatusOK, "setup", setUpView{Action: v.facts.Base + v.path})
}

func (v *visit) setUp() error {
	in := account.SetUp{
		Secret: v.setUpSecret(), Email: v.form["email"], Name: v.form["name"], Password: v.form["password"], Client: v.facts.Client,
	}
	signedIn, err := v.Accounts.CompleteSetUp(v.r.Context(), in)
	var invalid *account.InvalidError
	switch {
	case errors.As(err, &invalid):
		problems := v.explain(invalid)
		view := setUpView{Action: v.facts.Base + v.path, Email: clip(in.Email), Name: clip(in.Name), Errors: problems}
		return v.again(http.StatusUnprocessableEntity, "setup", view, problems)
	case err != nil:
		return err
	}
	v.setCookies(signedIn)
	return v.done(v.facts.Base + "/account")
}

// explain returns the messages of what is wrong with a form.
func (v *visit) explain(invalid *account.InvalidError) map[string]string {
	problems := make(map[string]string, len(invalid.Fields))
	for field, problem := range invalid.Fields {
		problems[field] = v.messages.text("field." + string(problem))
	}
	return problems
}
