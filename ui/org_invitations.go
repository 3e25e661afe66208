package ui

import (
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/org"
)

// invitationsView is who is invited to an organization.
type invitationsView struct {
	Org         orgRef
	Invitations []invitationItem
	Email       string
	Roles       []optionView
	// Sent says that one is on its way.
	Sent   bool
	Errors map[string]string
}

// invitationItem is an invitation that waits, or has expired.
type invitationItem struct {
	ID, Email, Role, Until string
	Expired                bool
}

func (v *visit) showInvitations() error {
	st, list, err := v.Orgs.ListInvitations(v.r.Context(), v.actor(), v.orgSlug())
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.invitationsJSON(list)
	}
	view := v.invitationsView(st, list, v.Roles.Default)
	view.Sent = v.r.URL.Query().Has("sent")
	return v.show("org_invitations", view)
}

func (v *visit) invitationsView(st org.Standing, list []org.Invitation, role string) invitationsView {
	ref := v.viewOrg(st)
	view := invitationsView{Org: ref, Roles: v.roleOptions(ref.standing, role)}
	for _, in := range list {
		view.Invitations = append(view.Invitations, invitationItem{
			ID: in.ID, Email: in.Email, Role: v.messages.role(in.Role), Until: in.ExpiresAt.UTC().Format(time.DateOnly), Expired: in.State == org.Expired,
		})
	}
	return view
}

func (v *visit) invitationsJSON(list []org.Invitation) error {
	type item struct {
		ID        string              `json:"id"`
		Email     string              `json:"email"`
		Role      string              `json:"role"`
		State     org.InvitationState `json:"state"`
		CreatedAt string              `json:"created_at"`
		ExpiresAt string              `json:"expires_at"`
	}
	items := make([]item, len(list))
	for i, in := range list {
		items[i] = item{in.ID, in.Email, in.Role, in.State, stamp(in.CreatedAt), stamp(in.ExpiresAt)}
	}
	return v.json(http.StatusOK, map[string]any{"status": "ok", "invitations": items, "roles": v.Roles.All})
}

func (v *visit) invite() error {
	return v.invitationsDone("?sent=1", v.Orgs.Invite(v.r.Context(), v.actor(), v.orgSlug(), v.form["email"], v.form["role"]))
}

func (v *visit) revokeInvitation() error {
	return v.invitationsDone("", v.Orgs.RevokeInvitation(v.r.Context(), v.actor(), v.orgSlug(), v.form["invitation"]))
}

func (v *visit) resendInvitation() error {
	return v.invitationsDone("?sent=1", v.Orgs.Resend(v.r.Context(), v.actor(), v.orgSlug(), v.form["invitation"]))
}

func (v *visit) invitationsDone(query string, err error) error {
	if err == nil {
		return v.done(v.orgPath("/invitations" + query))
	}
	status, problems, err := v.orgRefused(err, because{
		field: "email", limit: v.messages.text("org_invitations.too_many"), conflict: v.messages.text("org_invitations.member"),
	})
	if problems == nil {
		return err
	}
	st, list, err := v.Orgs.ListInvitations(v.r.Context(), v.actor(), v.orgSlug())
	if err != nil {
		return err
	}
	view := v.invitationsView(st, list, v.form["role"])
	view.Email, view.Errors = clip(v.form["email"]), problems
	return v.again(status, "org_invitations", view, problems)
}
