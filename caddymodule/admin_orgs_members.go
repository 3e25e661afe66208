package caddymodule

import (
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore/org"
)

// memberView is a member of an organization as operators see it.
type memberView struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	Name       string    `json:"name,omitempty"`
	Role       string    `json:"role"`
	TwoStep    bool      `json:"two_step"`
	JoinedAt   time.Time `json:"joined_at"`
	LastActive time.Time `json:"last_active_at,omitzero"`
}

func viewOfMember(m org.Member) memberView {
	return memberView{m.UserID, m.Email, m.Name, m.Role, m.TwoStep, m.JoinedAt, m.ActiveAt}
}

// memberSearch is in a body, since a text to search for may be an address.
type memberSearch struct {
	Search string `json:"search,omitempty"`
	After  string `json:"after,omitempty"`
}

func (o operations) listMembers(r *http.Request, st org.Standing) (any, error) {
	var body memberSearch
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	list, err := o.app.orgs.ListMembers(r.Context(), org.Actor{}, st.Slug, body.Search, body.After)
	return viewsOf(list.Members, viewOfMember), err
}

// sender is the operator, when what they do is told by mail.
func (o operations) sender() (org.Actor, error) {
	client, err := o.operator()
	return org.Actor{Client: client}, err
}

func (o operations) addMember(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		User string `json:"user"`
		Role string `json:"role,omitempty"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	user, err := o.findAccount(r.Context(), body.User)
	if err != nil {
		return nil, err
	}
	a, err := o.sender()
	if err != nil {
		return nil, err
	}
	if err := o.app.orgs.Add(r.Context(), a, st.Slug, user.ID, body.Role); err != nil {
		return nil, err
	}
	return map[string]string{"added": user.ID}, nil
}

func (o operations) setMemberRole(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Role string `json:"role"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	var a org.Actor
	if body.Role == o.app.orgs.Config.Roles.Owner() { // the others are told
		var err error
		if a, err = o.sender(); err != nil {
			return nil, err
		}
	}
	id := r.PathValue("user")
	if err := o.app.orgs.SetRole(r.Context(), a, st.Slug, id, body.Role); err != nil {
		return nil, err
	}
	return map[string]string{"id": id, "role": body.Role}, nil
}

func (o operations) transferOrg(r *http.Request, st org.Standing) (any, error) {
	a, err := o.sender()
	if err != nil {
		return nil, err
	}
	id := r.PathValue("user")
	if err := o.app.orgs.Transfer(r.Context(), a, st.Slug, id); err != nil {
		return nil, err
	}
	return map[string]string{"id": id, "role": o.app.orgs.Config.Roles.Owner()}, nil
}

func (o operations) removeMember(r *http.Request, st org.Standing) (any, error) {
	a, err := o.sender()
	if err != nil {
		return nil, err
	}
	id := r.PathValue("user")
	if err := o.app.orgs.Remove(r.Context(), a, st.Slug, id); err != nil {
		return nil, err
	}
	return map[string]string{"removed": id}, nil
}

// invitationView is an invitation as operators see it: never its link.
type invitationView struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	State     string    `json:"state"`
	InvitedBy string    `json:"invited_by,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func viewOfInvitation(in org.Invitation) invitationView {
	return invitationView{in.ID, in.Email, in.Role, string(in.State), in.InvitedBy, in.CreatedAt, in.ExpiresAt}
}

func (o operations) listInvitations(r *http.Request, st org.Standing) (any, error) {
	_, list, err := o.app.orgs.ListInvitations(r.Context(), org.Actor{}, st.Slug)
	return viewsOf(list, viewOfInvitation), err
}

func (o operations) inviteMember(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Email    string `json:"email"`
		Role     string `json:"role,omitempty"`
		Language string `json:"language,omitempty"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	a, err := o.sender()
	if err != nil {
		return nil, err
	}
	a.Client.Language = body.Language
	if err := o.app.orgs.Invite(r.Context(), a, st.Slug, body.Email, body.Role); err != nil {
		return nil, err
	}
	return map[string]string{"invited": body.Email}, nil
}

func (o operations) resendInvitation(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Language string `json:"language,omitempty"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	a, err := o.sender()
	if err != nil {
		return nil, err
	}
	a.Client.Language = body.Language
	id := r.PathValue("id")
	return map[string]string{"sent": id}, o.app.orgs.Resend(r.Context(), a, st.Slug, id)
}

func (o operations) revokeInvitation(r *http.Request, st org.Standing) (any, error) {
	id := r.PathValue("id")
	return map[string]string{"revoked": id}, o.app.orgs.RevokeInvitation(r.Context(), org.Actor{}, st.Slug, id)
}

// requestView is a request to join as operators see it.
type requestView struct {
	ID    string    `json:"id"`
	Email string    `json:"email"`
	Name  string    `json:"name,omitempty"`
	At    time.Time `json:"at"`
}

func viewOfRequest(r org.Request) requestView { return requestView{r.UserID, r.Email, r.Name, r.At} }

func (o operations) listRequests(r *http.Request, st org.Standing) (any, error) {
	list, err := o.app.orgs.Requests(r.Context(), org.Actor{}, st.Slug, r.URL.Query().Get("after"))
	return viewsOf(list.Requests, viewOfRequest), err
}

func (o operations) admitMember(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Role string `json:"role,omitempty"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	a, err := o.sender()
	if err != nil {
		return nil, err
	}
	id := r.PathValue("user")
	return map[string]string{"added": id}, o.app.orgs.Admit(r.Context(), a, st.Slug, id, body.Role)
}

func (o operations) refuseMember(r *http.Request, st org.Standing) (any, error) {
	id := r.PathValue("user")
	return map[string]string{"refused": id}, o.app.orgs.Refuse(r.Context(), org.Actor{}, st.Slug, id)
}
