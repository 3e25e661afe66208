package ui

import (
	"net/http"
	"net/url"
	"strings"
)

// orgSettingsView is the settings of an organization: its name, and links to the
// rest.
type orgSettingsView struct {
	Org  orgRef
	Name string
	// Saved says that something has just been changed.
	Saved  bool
	Errors map[string]string
}

func (v *visit) showOrgSettings() error {
	st, err := v.Orgs.Owned(v.r.Context(), v.actor(), v.orgSlug())
	if err != nil {
		return err
	}
	return v.show("org_settings", orgSettingsView{Org: v.viewOrg(st), Name: st.Name, Saved: v.r.URL.Query().Has("saved")})
}

func (v *visit) renameOrg() error {
	err := v.Orgs.Rename(v.r.Context(), v.actor(), v.orgSlug(), v.form["name"])
	if err == nil {
		return v.done(v.orgPath("/settings?saved=1"))
	}
	status, problems, err := v.refused(err, "name")
	if problems == nil {
		return err
	}
	ref, err := v.standing()
	if err != nil {
		return err
	}
	view := orgSettingsView{Org: ref, Name: clip(v.form["name"]), Errors: problems}
	return v.again(status, "org_settings", view, problems)
}

// typedView is a page on which an owner types something to show that they mean it.
type typedView struct {
	Org orgRef
	// Slug is the new one, where there is one.
	Slug   string
	Errors map[string]string
}

func (v *visit) showOrgSlug() error   { return v.showTyped("org_slug") }
func (v *visit) showOrgDelete() error { return v.showTyped("org_delete") }

func (v *visit) showTyped(page string) error {
	ref, err := v.settled()
	if err != nil {
		return err
	}
	return v.show(page, typedView{Org: ref})
}

func (v *visit) changeSlug() error {
	to := strings.TrimSpace(v.form["slug"])
	err := v.Orgs.ChangeSlug(v.r.Context(), v.actor(), v.orgSlug(), to, v.form["typed"])
	return v.typedDone("org_slug", "slug", v.orgHome(url.PathEscape(to))+"/settings?saved=1", err)
}

func (v *visit) deleteOrg() error {
	err := v.Orgs.Delete(v.r.Context(), v.actor(), v.orgSlug(), v.form["typed"])
	if err == nil {
		return v.acknowledge(v.facts.Base+"/orgs", "org_deleted")
	}
	return v.typedDone("org_delete", "typed", "", err)
}

func (v *visit) typedDone(page, field, next string, err error) error {
	if err == nil {
		return v.done(next)
	}
	status, problems, err := v.refused(err, field)
	if problems == nil {
		return err
	}
	ref, err := v.standing()
	if err != nil {
		return err
	}
	return v.again(status, page, typedView{ref, clip(v.form["slug"]), problems}, problems)
}

// transferView is the page that passes an organization on.
type transferView struct {
	Org     orgRef
	Query   string
	Members []memberItem
	// Becomes is the role that the visitor gets, Alone says that there is nobody else.
	Becomes string
	Alone   bool
	// Cut says that there are more members than are shown.
	Cut    bool
	Errors map[string]string
}

func (v *visit) showTransfer() error {
	ref, err := v.settled()
	if err != nil {
		return err
	}
	view, err := v.transferView(ref, v.r.URL.Query().Get("q"))
	if err != nil {
		return err
	}
	return v.show("org_transfer", view)
}

func (v *visit) transferView(ref orgRef, text string) (transferView, error) {
	list, err := v.listMembers(text, "")
	view := transferView{Org: ref, Query: clip(text), Cut: list.Next != "", Becomes: v.messages.role(v.Roles.BelowOwner())}
	for _, m := range list.Members {
		if item := v.viewMember(ref, m); !item.Me {
			view.Members = append(view.Members, item)
		}
	}
	view.Alone = text == "" && len(view.Members) == 0
	return view, err
}

func (v *visit) transferOrg() error {
	to := v.form["to"]
	if to == "" {
		ref, err := v.settled()
		if err != nil {
			return err
		}
		return v.transferAgain(ref, http.StatusUnprocessableEntity, map[string]string{"to": v.messages.text("org_transfer.choose")})
	}
	err := v.Orgs.Transfer(v.r.Context(), v.actor(), v.orgSlug(), to)
	if err == nil {
		return v.acknowledge(v.orgPath(""), "transferred")
	}
	status, problems, err := v.orgRefused(err, because{field: "to", limit: v.messages.text("org_members.too_many")})
	if problems == nil {
		return err
	}
	ref, err := v.settled()
	if err != nil {
		return err
	}
	return v.transferAgain(ref, status, problems)
}

// transferAgain asks for another member, or for one at all.
func (v *visit) transferAgain(ref orgRef, status int, problems map[string]string) error {
	view, err := v.transferView(ref, v.form["q"])
	if err != nil {
		return err
	}
	view.Errors = problems
	return v.again(status, "org_transfer", view, problems)
}
