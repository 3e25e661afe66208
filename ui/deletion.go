package ui

import (
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/deletion"
)

// deleteView is the page that deletes the account.
type deleteView struct {
	Email string
	// Until is the day until which it can be kept after all; empty when it is
	// deleted at once.
	Until       string
	HasPassword bool
	// Owned are the organizations that nobody else owns.
	Owned  []orgItem
	Errors map[string]string
}

// reactivateView is the page of a user whose account will be deleted.
type reactivateView struct {
	Email string
	// When is the day on which it will be.
	When string
}

func (v *visit) showDelete() error {
	view, err := v.deleteView()
	if err != nil {
		return err
	}
	return v.show("delete", view)
}

func (v *visit) deleteView() (view deleteView, err error) {
	if !v.Deletions.Allowed() {
		return view, statusError(http.StatusNotFound)
	}
	view.Email = v.live.Identity.Email
	if grace := v.Deletions.Grace(); grace > 0 {
		view.Until = v.Clock().Add(grace).UTC().Format(time.DateOnly)
	}
	view.HasPassword, err = v.Accounts.MayChange(v.r.Context(), v.live)
	return view, err
}

func (v *visit) deleteAccount() error {
	if v.form["confirm"] != "yes" { // a program must not take it for done either
		view, err := v.deleteView()
		if err != nil {
			return err
		}
		view.Errors = map[string]string{"confirm": v.messages.text("delete.tick")}
		if view.HasPassword {
			maps.Copy(view.Errors, v.missing("current"))
		}
		return v.again(http.StatusUnprocessableEntity, "delete", view, view.Errors)
	}
	err := v.Deletions.Schedule(v.r.Context(), v.live, v.form["current"], v.facts.Client)
	if err == nil {
		v.forget()
		return v.done(v.facts.Base + "/login?deleted=1")
	}
	var sole *deletion.SoleOwnerError
	var status int
	var problems map[string]string
	if errors.As(err, &sole) {
		status, problems = http.StatusConflict, map[string]string{"form": v.messages.text("delete.sole_owner")}
	} else if status, problems, err = v.refused(err, "current"); problems == nil {
		return err
	}
	view, err := v.deleteView()
	if err != nil {
		return err
	}
	if view.Errors = problems; sole != nil {
		view.Owned = v.viewOrgs(sole.Orgs)
	}
	return v.again(status, "delete", view, problems)
}

func (v *visit) showReactivate() error {
	when, err := v.Deletions.When(v.r.Context(), v.live)
	if err != nil {
		return err
	}
	if when.IsZero() {
		return v.done(v.facts.Base + "/account")
	}
	return v.show("reactivate", reactivateView{Email: v.live.Identity.Email, When: when.UTC().Format(time.DateOnly)})
}

func (v *visit) reactivate() error {
	if err := v.Deletions.Cancel(v.r.Context(), v.live, v.facts.Client); err != nil {
		return err
	}
	return v.done(v.facts.Base + "/account?changed=kept")
}
