package ui

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/profile"
)

// profileView is the page of what the user says of themselves.
type profileView struct {
	Name string
	// Language is the chosen one; empty for that of the browser.
	Language  string
	Profile   map[string]string
	Languages []optionView
	Fields    []fieldView
	// Anew says that the user has signed up in another browser, and was asked before.
	Anew     bool
	ReturnTo string
	Errors   map[string]string
}

// fieldView is one of the fields that the operator asks for.
type fieldView struct {
	Name, Label, Type, Value string
	Max                      int
	Required                 bool
	Options                  []optionView
	Error                    string
}

// optionView is one of several values.
type optionView struct {
	Value, Label string
	Selected     bool
}

// viewFields returns the operator's fields with their values and what is wrong
// with them.
func (v *visit) viewFields(values, problems map[string]string) []fieldView {
	views := make([]fieldView, len(v.Fields))
	for i, f := range v.Fields {
		view := fieldView{
			Name: f.Name, Label: cmp.Or(f.Label, f.Name), Type: string(f.Type), Value: f.Clip(values[f.Name]),
			Max: f.Limit(), Required: f.Required, Error: problems[f.Name],
		}
		for _, option := range f.Options {
			view.Options = append(view.Options, optionView{option, option, option == view.Value})
		}
		views[i] = view
	}
	return views
}

// viewLanguages returns the languages of the pages, each by its own name.
func (v *visit) viewLanguages(chosen string) []optionView {
	var views []optionView
	for _, tag := range v.languages.tags {
		views = append(views, optionView{tag, v.languages.of(tag).text("layout.language"), tag == chosen})
	}
	return views
}

func (v *visit) showProfile() error {
	user, err := v.Profiles.Profile(v.r.Context(), v.live)
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	view := profileView{
		Name: user.Name, Language: user.Language, Profile: user.Profile, Languages: v.viewLanguages(user.Language), Fields: v.viewFields(user.Profile, nil),
		Anew: query.Has("anew"), ReturnTo: v.wished(query.Get("return_to")),
	}
	v.allowFormTo(view.ReturnTo)
	return v.show("profile", view)
}

func (v *visit) saveProfile() error {
	change := profile.Change{Name: v.form["name"], Language: v.form["language"], Profile: v.form}
	if change.Language != "" && !slices.Contains(v.languages.tags, change.Language) {
		return statusError(http.StatusBadRequest) // no form of ours sends it
	}
	next := v.wished(v.form["return_to"])
	err := v.Profiles.Save(v.r.Context(), v.live, change, v.facts.Client)
	var invalid *account.InvalidError
	switch {
	case err == nil:
		return v.done(cmp.Or(next, v.facts.Base+"/account?changed=profile"))
	case errors.As(err, &invalid):
		problems := v.explain(invalid)
		view := profileView{
			Name: clip(change.Name), Languages: v.viewLanguages(change.Language), Fields: v.viewFields(v.form, problems),
			Anew: v.form.checked("anew"), ReturnTo: next, Errors: problems,
		}
		v.allowFormTo(next)
		return v.again(http.StatusUnprocessableEntity, "profile", view, problems)
	default:
		return err
	}
}

// waitingView is the page of a user whom an operator has not accepted yet.
type waitingView struct {
	Email string
}

func (v *visit) showWaiting() error {
	if v.hold() == "" {
		return v.done(v.returnTo(v.r.URL.Query().Get("return_to")))
	}
	return v.show("waiting", waitingView{Email: v.live.Identity.Email})
}
