package ui

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/org"
)

// orgsView is the list of a user's organizations: the switcher too, and the picker
// of an app that has to know one.
type orgsView struct {
	Orgs    []orgItem
	Waiting []waitingItem
	// Join is what the user's address lets them into; nil when that is nothing.
	Join *joinView
	// Asked says that a request to join has been sent.
	Asked bool
	// Done is what was done before; may be empty.
	Done      string
	MayCreate bool
	// App is what waits for a choice, which leads to ReturnTo.
	App, ReturnTo string
	Errors        map[string]string
}

// orgItem is one of the organizations. Role is shown, Plain is its name.
type orgItem struct {
	ID, Slug, Name, Role, Plain, Path string
	Active, Personal                  bool
}

// waitingItem is an invitation.
type waitingItem struct{ ID, Org, Role string }

// joinView is an organization that the user may join, or ask to.
type joinView struct {
	Slug, Name string
	Ask, Asked bool
}

func (v *visit) showOrgs() error {
	query := v.r.URL.Query()
	view, err := v.orgsView(v.wished(query.Get("return_to")))
	if err != nil {
		return err
	}
	if view.Asked = query.Has("asked"); v.wantsJSON() {
		return v.orgsJSON(view)
	}
	view.Done = v.wasDone()
	v.allowFormTo(view.ReturnTo)
	return v.show("orgs", view)
}

func (v *visit) orgsView(next string) (orgsView, error) {
	ctx := v.r.Context()
	view := orgsView{ReturnTo: next, App: v.appOf(next), MayCreate: v.Orgs.MayCreate(&v.live.Identity)}
	mine, err := v.Orgs.Mine(ctx, v.live)
	if err != nil {
		return view, err
	}
	view.Orgs = v.viewOrgs(mine)
	waiting, err := v.Orgs.Waiting(ctx, v.live)
	if err != nil {
		return view, err
	}
	for _, w := range waiting {
		view.Waiting = append(view.Waiting, waitingItem{w.ID, w.Org.Name, v.messages.role(w.Role)})
	}
	join, err := v.Orgs.Joinable(ctx, v.live)
	invited := func(w org.Waiting) bool { return w.Org.ID == join.Org.ID }
	if join != nil && !slices.ContainsFunc(waiting, invited) {
		view.Join = &joinView{join.Org.Slug, join.Org.Name, join.Ask, join.Asked}
	}
	return view, err
}

func (v *visit) viewOrgs(list []authcore.Org) []orgItem {
	items := make([]orgItem, len(list))
	for i, o := range list {
		items[i] = orgItem{
			ID: o.ID, Slug: o.Slug, Name: o.Name, Role: v.messages.role(o.Role), Plain: o.Role, Path: v.orgHome(o.Slug),
			Active: o.ID == v.live.Identity.Org.ID, Personal: o.Personal,
		}
	}
	return items
}

// appOf names the app that an address leads to.
func (v *visit) appOf(next string) string {
	u, err := url.Parse(next)
	switch {
	case next == "" || err != nil:
		return ""
	case u.Host == "":
		u, _ = url.Parse(v.facts.Origin) // the server's own
	}
	return u.Host
}

// orgsJSON lists the organizations for the switcher of an app.
func (v *visit) orgsJSON(view orgsView) error {
	type item struct {
		ID       string `json:"id"`
		Slug     string `json:"slug"`
		Name     string `json:"name"`
		Role     string `json:"role"`
		Active   bool   `json:"active"`
		Personal bool   `json:"personal"`
	}
	type waiting struct {
		ID   string `json:"id"`
		Org  string `json:"org"`
		Role string `json:"role"`
	}
	items, invitations := make([]item, len(view.Orgs)), make([]waiting, len(view.Waiting))
	for i, o := range view.Orgs {
		items[i] = item{o.ID, o.Slug, o.Name, o.Plain, o.Active, o.Personal}
	}
	for i, w := range view.Waiting {
		invitations[i] = waiting(w)
	}
	body := map[string]any{"status": "ok", "orgs": items, "invitations": invitations, "may_create": view.MayCreate}
	if j := view.Join; j != nil {
		body["joinable"] = map[string]any{"slug": j.Slug, "name": j.Name, "ask": j.Ask, "asked": j.Asked}
	}
	return v.json(http.StatusOK, body)
}

func (v *visit) switchOrg() error {
	if _, err := v.Orgs.Switch(v.r.Context(), v.live, v.form["org"], v.facts.Client); err != nil {
		return err
	}
	return v.done(v.onward(v.facts.Base + "/orgs"))
}

// onward is where the form leads that was sent, or another page.
func (v *visit) onward(other string) string {
	if next := v.wished(v.form["return_to"]); next != "" {
		return next
	}
	return other
}

// joinOrg accepts an invitation that waits, or joins because of the address.
func (v *visit) joinOrg() error {
	next, err := v.join()
	if err == nil {
		return v.done(next)
	}
	status, problems, err := v.orgRefused(err, because{field: "form", limit: v.messages.text("orgs.too_many")})
	if problems == nil {
		return err
	}
	view, err := v.orgsView(v.wished(v.form["return_to"]))
	if err != nil {
		return err
	}
	view.Errors = problems
	v.allowFormTo(view.ReturnTo)
	return v.again(status, "orgs", view, problems)
}

func (v *visit) join() (next string, err error) {
	if id := v.form["invitation"]; id != "" {
		var o org.Org
		o, err = v.Orgs.AcceptByID(v.r.Context(), v.actor(), id)
		return v.onward(v.orgHome(o.Slug)), err
	}
	joined, err := v.Orgs.Join(v.r.Context(), v.actor(), v.form["join"])
	if joined {
		return v.onward(v.orgHome(v.form["join"])), err
	}
	next = v.facts.Base + "/orgs?asked=1"
	if back := v.wished(v.form["return_to"]); back != "" {
		next += "&return_to=" + url.QueryEscape(back)
	}
	return next, err
}

// hasOrgs reports whether organizations are anything to the visitor. The account
// page asks, which is there while the database is away: the answer is no then.
func (v *visit) hasOrgs() bool {
	if len(v.live.Identity.Orgs) > 0 || v.Orgs.MayCreate(&v.live.Identity) {
		return true
	}
	waiting, err := v.Orgs.Waiting(v.r.Context(), v.live)
	if err != nil || len(waiting) > 0 {
		return err == nil
	}
	join, err := v.Orgs.Joinable(v.r.Context(), v.live)
	return err == nil && join != nil
}
