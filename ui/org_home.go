package ui

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/sigra-auth/sigra/authcore/account"
)

// orgView is the home of an organization.
type orgView struct {
	Org    orgRef
	Active bool
	// Members and Requests count them, as text; empty for those who do not manage
	// members or owe a proof first, or when nobody asks.
	Members, Requests string
	// Leaving shows the form that leaves, which has gone wrong.
	Leaving bool
	// Done is what was done before; may be empty.
	Done   string
	Errors map[string]string
}

func (v *visit) showOrg() error {
	if v.wantsJSON() {
		return v.showOrgJSON()
	}
	view, err := v.orgView()
	if err != nil {
		return err
	}
	view.Done = v.wasDone()
	return v.show("org", view)
}

func (v *visit) orgView() (orgView, error) {
	ref, err := v.standing()
	view := orgView{Org: ref, Active: v.live.Identity.Org.Slug == ref.Slug}
	if err != nil || !ref.Manages {
		return view, err
	}
	list, err := v.Orgs.ListMembers(v.r.Context(), v.actor(), ref.Slug, "", "")
	if stale := new(account.StaleError); errors.As(err, &stale) {
		return view, nil // the pages for managers ask for it
	}
	if err != nil {
		return view, err
	}
	view.Members = v.counted("org.members_count", list.All)
	requests, err := v.Orgs.Requests(v.r.Context(), v.actor(), ref.Slug, "")
	if n := len(requests.Requests); n > 0 {
		count := strconv.Itoa(n)
		if requests.Next != "" {
			count += "+"
		}
		view.Requests = v.messages.text("org.requests_count", "n", count)
	}
	return view, err
}

// showOrgJSON is the home of an organization for programs.
func (v *visit) showOrgJSON() error {
	st, err := v.Orgs.Get(v.r.Context(), v.actor(), v.orgSlug())
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, map[string]any{
		"status": "ok", "id": st.ID, "slug": st.Slug, "name": st.Name, "role": st.Role, "personal": st.PersonalOf != "",
		"active": v.live.Identity.Org.ID == st.ID, "rules": rulesJSON(st.Rules),
	})
}

func (v *visit) leaveOrg() error {
	err := v.Orgs.Leave(v.r.Context(), v.actor(), v.orgSlug())
	if err == nil {
		return v.done(v.facts.Base + "/orgs")
	}
	status, problems, err := v.orgRefused(err, because{field: "form"})
	if problems == nil {
		return err
	}
	view, err := v.orgView()
	if err != nil {
		return err
	}
	view.Leaving, view.Errors = true, problems
	return v.again(status, "org", view, problems)
}
