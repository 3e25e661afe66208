package ui

import (
	"errors"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/org"
)

// newOrgView is the page that makes an organization.
type newOrgView struct {
	Name, Slug, ReturnTo string
	Errors               map[string]string
}

func (v *visit) showNewOrg() error {
	if !v.Orgs.MayCreate(&v.live.Identity) {
		return authcore.ErrNotFound
	}
	view := newOrgView{ReturnTo: v.wished(v.r.URL.Query().Get("return_to"))}
	v.allowFormTo(view.ReturnTo)
	return v.show("org_new", view)
}

func (v *visit) createOrg() error {
	o, err := v.Orgs.Create(v.r.Context(), v.actor(), org.NewOrg{Name: v.form["name"], Slug: v.form["slug"]})
	switch {
	case err == nil:
		return v.done(v.onward(v.orgHome(o.Slug)))
	case errors.Is(err, org.ErrForbidden):
		return authcore.ErrNotFound // there is no such page for them
	}
	status, problems, err := v.orgRefused(err, because{field: "name", limit: v.messages.text("org_new.too_many")})
	if problems == nil {
		return err
	}
	view := newOrgView{clip(v.form["name"]), clip(v.form["slug"]), v.wished(v.form["return_to"]), problems}
	v.allowFormTo(view.ReturnTo)
	return v.again(status, "org_new", view, problems)
}
