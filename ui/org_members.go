package ui

import (
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore/org"
)

// membersView is a page of the members of an organization, and those who ask to
// become one.
type membersView struct {
	Org      orgRef
	Count    string
	Query    string
	After    string
	Members  []memberItem
	Requests []requestItem
	// More is the address of the next page, First of the first where this is not it.
	More, First string
	// MoreRequests and FirstRequests are the same of the requests.
	MoreRequests, FirstRequests string
	// Done is what was done before; may be empty.
	Done   string
	Errors map[string]string
}

// memberItem is a member.
type memberItem struct {
	ID, Email, Name, Role string
	TwoStep, Me           bool
	Joined                string
	// Active is when the organization was last the active one; may be empty.
	Active string
	// Roles are what the visitor can make of them; none means that they cannot.
	Roles []optionView
	// Transfer is where the visitor makes them owner in their own place.
	Transfer string
}

// Label names the member.
func (m memberItem) Label() string {
	if m.Name != "" {
		return m.Name
	}
	return m.Email
}

// requestItem is somebody who asks to join.
type requestItem struct {
	ID, Email, Name, When string
	Roles                 []optionView
}

func (v *visit) showMembers() error {
	query := v.r.URL.Query()
	list, err := v.listMembers(query.Get("q"), query.Get("after"))
	if err != nil {
		return err
	}
	requests, err := v.listRequests(query.Get("requests_after"))
	if err != nil {
		return err
	}
	view := v.membersView(list, requests, query.Get("q"), query.Get("after"))
	if query.Get("requests_after") != "" {
		view.FirstRequests = v.orgPath("/members")
	}
	if v.wantsJSON() {
		return v.membersJSON(list, requests.Requests, view)
	}
	view.Done = v.wasDone()
	return v.show("org_members", view)
}

// listMembers returns a page of members.
func (v *visit) listMembers(text, after string) (org.List, error) {
	if after != "" && uuid.Validate(after) != nil {
		return org.List{}, statusError(http.StatusBadRequest)
	}
	return v.Orgs.ListMembers(v.r.Context(), v.actor(), v.orgSlug(), clip(text), after)
}

// listRequests returns a page of those who ask to join.
func (v *visit) listRequests(after string) (org.RequestList, error) {
	if after != "" && uuid.Validate(after) != nil {
		return org.RequestList{}, statusError(http.StatusBadRequest)
	}
	return v.Orgs.Requests(v.r.Context(), v.actor(), v.orgSlug(), after)
}

func (v *visit) membersView(list org.List, requests org.RequestList, text, after string) membersView {
	ref := v.viewOrg(list.Standing)
	view := membersView{Org: ref, Query: clip(text), After: after, Count: v.counted("org.members_count", list.All)}
	for _, m := range list.Members {
		view.Members = append(view.Members, v.viewMember(ref, m))
	}
	for _, r := range requests.Requests {
		view.Requests = append(view.Requests, requestItem{r.UserID, r.Email, r.Name, r.At.UTC().Format(time.DateOnly), v.roleOptions(ref.standing, v.Roles.Default)})
	}
	if list.Next != "" {
		view.More = v.membersPage(text, list.Next)
	}
	if requests.Next != "" {
		view.MoreRequests = v.orgPath("/members?requests_after=" + requests.Next)
	}
	if after != "" {
		view.First = v.membersPage(text, "")
	}
	return view
}

// membersPage is the address of a page of members.
func (v *visit) membersPage(text, after string) string {
	query := make(url.Values)
	for name, value := range map[string]string{"q": text, "after": after} {
		if value != "" {
			query.Set(name, value)
		}
	}
	page := v.orgPath("/members")
	if len(query) > 0 {
		page += "?" + query.Encode()
	}
	return page
}

func (v *visit) viewMember(ref orgRef, m org.Member) memberItem {
	item := memberItem{
		ID: m.UserID, Email: m.Email, Name: m.Name, Role: v.messages.role(m.Role), TwoStep: m.TwoStep, Me: m.UserID == v.live.Identity.UserID,
		Joined: m.JoinedAt.UTC().Format(time.DateOnly),
	}
	if !m.ActiveAt.IsZero() {
		item.Active = m.ActiveAt.UTC().Format(time.DateOnly)
	}
	if m.UserID != ref.standing.PersonalOf && ref.Manages && ref.standing.MayGrant(v.Roles.Owner(), m.Role) {
		item.Roles = v.roleOptions(ref.standing, m.Role)
	}
	if ref.Owner && !ref.Personal && !item.Me {
		item.Transfer = ref.Path + "/settings/transfer?q=" + url.QueryEscape(m.Email)
	}
	return item
}

func (v *visit) membersJSON(list org.List, requests []org.Request, view membersView) error {
	type member struct {
		ID       string `json:"id"`
		Email    string `json:"email"`
		Name     string `json:"name,omitempty"`
		Role     string `json:"role"`
		TwoStep  bool   `json:"two_step"`
		JoinedAt string `json:"joined_at"`
		ActiveAt string `json:"active_at,omitempty"`
	}
	type request struct {
		ID    string `json:"id"`
		Email string `json:"email"`
		Name  string `json:"name,omitempty"`
		At    string `json:"at"`
	}
	members, asking := make([]member, len(list.Members)), make([]request, len(requests))
	for i, m := range list.Members {
		members[i] = member{m.UserID, m.Email, m.Name, m.Role, m.TwoStep, stamp(m.JoinedAt), stamp(m.ActiveAt)}
	}
	for i, r := range requests {
		asking[i] = request{r.UserID, r.Email, r.Name, stamp(r.At)}
	}
	return v.json(http.StatusOK, map[string]any{
		"status": "ok", "members": members, "requests": asking, "more": view.More, "more_requests": view.MoreRequests, "all": list.All,
		"without_two_step": list.WithoutTwoStep, "roles": v.Roles.All,
	})
}

// stamp is a time for machines; empty when there was none.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func (v *visit) setMemberRole() error {
	err := v.Orgs.SetRole(v.r.Context(), v.actor(), v.orgSlug(), v.form["user"], v.form["role"])
	if err == nil && v.form["user"] == v.live.Identity.UserID && !v.Roles.Manages(v.form["role"]) {
		return v.done(v.facts.Base + "/orgs") // the list is nothing for them any more
	}
	return v.membersDone(err, "role_set")
}

func (v *visit) removeMember() error {
	err := v.Orgs.Remove(v.r.Context(), v.actor(), v.orgSlug(), v.form["user"])
	if err == nil && v.form["user"] == v.live.Identity.UserID {
		return v.done(v.facts.Base + "/orgs")
	}
	return v.membersDone(err, "member_removed")
}

func (v *visit) admitMember() error {
	return v.membersDone(v.Orgs.Admit(v.r.Context(), v.actor(), v.orgSlug(), v.form["user"], v.form["role"]), "")
}

func (v *visit) refuseMember() error {
	return v.membersDone(v.Orgs.Refuse(v.r.Context(), v.actor(), v.orgSlug(), v.form["user"]), "")
}

// membersDone goes back to where the list was, with what was done or is wrong.
func (v *visit) membersDone(err error, what string) error {
	text, after := v.form["q"], v.form["after"]
	if err == nil && what == "" {
		return v.done(v.membersPage(text, after))
	}
	if err == nil {
		return v.acknowledge(v.membersPage(text, after), what)
	}
	status, problems, err := v.orgRefused(err, because{
		field: "form", limit: v.messages.text("org_members.too_many"), conflict: v.messages.text("org_invitations.member"),
	})
	if problems == nil {
		return err
	}
	list, err := v.listMembers(text, after)
	if err != nil {
		return err
	}
	requests, err := v.listRequests("")
	if err != nil {
		return err
	}
	view := v.membersView(list, requests, text, after)
	if view.Errors = problems; problems["form"] == "" {
		view.Errors = map[string]string{"form": problems["role"]} // no list of ours has such a role
	}
	return v.again(status, "org_members", view, problems)
}
