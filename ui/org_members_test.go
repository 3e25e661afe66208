package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

func TestMembersPage(t *testing.T) {
	p := newPortal(t)
	w := p.see("/orgs/acme/members")
	want(t, w, http.StatusOK, "<title>Members · Acme &amp; Co · Sigra</title>", "Members: 12", `<span class="badge">Two-step sign-in</span>`, "since 2026-11-23", "last active 2026-11-23",
		"bob@example.com", "No two-step sign-in", `<option value="member" selected>Member</option>`, `<option value="owner">`, `action="/_auth/orgs/acme/members/remove"`,
		`href="/_auth/orgs/acme/settings/transfer?q=bob%40example.com"`, `role="search" method="get"`, ">You<")
	lacks(t, w, "More<", "beginning", "Requests")
	w = p.see("/orgs/acme/members?q=bob")
	want(t, w, http.StatusOK, `value="bob"`, "bob@example.com")
	lacks(t, w, "ada@example.com")
	want(t, p.see("/orgs/acme/members?q=nobody"), http.StatusOK, "No member found.")
	p.orgs.next = bobID
	want(t, p.see("/orgs/acme/members?q=b&after="+adaID), http.StatusOK,
		`href="/_auth/orgs/acme/members?after=`+bobID+`&amp;q=b"`, `href="/_auth/orgs/acme/members?q=b"`, `name="after" value="`+adaID+`"`)
	want(t, p.see("/orgs/acme/members?after=x%00"), http.StatusBadRequest)
	p.orgs.readErr = authcore.ErrUnavailable
	want(t, p.see("/orgs/acme/members"), http.StatusServiceUnavailable)
}

func TestManagersBelowOwnersChangeNoOwners(t *testing.T) {
	p := newPortal(t)
	p.orgs.role, p.orgs.members[0].UserID = "admin", adaID
	w := p.see("/orgs/acme/members")
	want(t, w, http.StatusOK, `name="user" value="`+bobID+`"`, `<option value="admin">`)
	lacks(t, w, `value="`+adaID+`"`, `<option value="owner"`, "/settings/transfer")
	lacks(t, p.see("/orgs/acme/invitations"), `<option value="owner"`)
}

func TestWhosePersonalWorkspaceItIs(t *testing.T) {
	p := newPortal(t)
	want(t, p.see("/orgs/acme/members"), http.StatusOK, `name="user" value="user-1"`)
	p.orgs.personal = true
	w := p.see("/orgs/acme/members")
	want(t, w, http.StatusOK, `name="user" value="`+bobID+`"`)
	lacks(t, w, `name="user" value="user-1"`)
	lacks(t, p.see("/orgs/acme"), "/leave")
	p.sessions.live.Identity.UserID = bobID // a guest
	want(t, p.see("/orgs/acme"), http.StatusOK, "/leave")
}

func TestRequestsToJoin(t *testing.T) {
	p := newPortal(t)
	p.orgs.requests = []org.Request{{UserID: bobID, Email: "eve@example.com", Name: "Eve", At: testNow}}
	want(t, p.see("/orgs/acme/members"), http.StatusOK, "Requests to join", "Eve", "Asked on 2026-11-23", `action="/_auth/orgs/acme/members/admit"`)
	lacks(t, p.see("/orgs/acme/members"), "requests_after")
	p.orgs.requestsNext = bobID
	want(t, p.see("/orgs/acme"), http.StatusOK, "Requests to join: 1&#43;")
	w := p.see("/orgs/acme/members?requests_after=" + adaID)
	want(t, w, http.StatusOK, `href="/_auth/orgs/acme/members?requests_after=`+bobID+`"`, `href="/_auth/orgs/acme/members"`)
	if p.orgs.requestsAfter != adaID {
		t.Errorf("asked for what is after %q", p.orgs.requestsAfter)
	}
	want(t, p.see("/orgs/acme/members?requests_after=x%00"), http.StatusBadRequest)
	if answer := decode(t, p.see("/orgs/acme/members", "Accept", asJSON)); answer["more_requests"] != "/_auth/orgs/acme/members?requests_after="+bobID {
		t.Errorf("%v", answer)
	}
	wantNext(t, p.send("/orgs/acme/members/admit", "user", bobID, "role", "admin"), "/_auth/orgs/acme/members")
	p.called("Admit acme " + bobID + " admin")
	wantNext(t, p.send("/orgs/acme/members/refuse", "user", bobID), "/_auth/orgs/acme/members")
	p.called("Refuse acme " + bobID)
	p.orgs.err = org.ErrLimit
	want(t, p.send("/orgs/acme/members/admit", "user", bobID), http.StatusUnprocessableEntity, "as many organizations as one can", "Eve")
	p.orgs.err = authcore.ErrConflict
	want(t, p.send("/orgs/acme/members/admit", "user", bobID), http.StatusConflict, "a member already")
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs/acme/members/refuse", "user", adaID), http.StatusNotFound)
}

func TestChangeMembers(t *testing.T) {
	p := newPortal(t)
	back := []string{"user", bobID, "role", "admin", "q", "b&b", "after", adaID}
	const page = "/_auth/orgs/acme/members?after=" + adaID + "&q=b%26b"
	wantNext(t, p.send("/orgs/acme/members/role", back...), page+"&done=role_set")
	p.called("SetRole acme " + bobID + " admin")
	wantNext(t, p.send("/orgs/acme/members/remove", back...), page+"&done=member_removed")
	p.called("Remove acme " + bobID)
	for _, lost := range [][]string{{"/remove"}, {"/role", "role", "member"}} { // of oneself
		wantNext(t, p.send("/orgs/acme/members"+lost[0], append([]string{"user", "user-1"}, lost[1:]...)...), "/_auth/orgs")
	}
	wantNext(t, p.send("/orgs/acme/members/role", "user", "user-1", "role", "admin"), "/_auth/orgs/acme/members?done=role_set")
	p.orgs.err = fmt.Errorf("changing role: %w", org.ErrLastOwner)
	for _, action := range []string{"role", "remove"} {
		want(t, p.send("/orgs/acme/members/"+action, "user", bobID, "q", "bob"), http.StatusConflict, "needs an owner", `value="bob"`)
		w := p.post("/_auth/orgs/acme/members/"+action, url.Values{}, "Cookie", cookieLine(), "Accept", asJSON)
		if want(t, w, http.StatusConflict); decode(t, w)["errors"].(map[string]any)["form"] == "" {
			t.Errorf("%s", w.Body)
		}
	}
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"role": org.ProblemRole}}
	want(t, p.send("/orgs/acme/members/role", "user", bobID, "role", "king"), http.StatusUnprocessableEntity, "Choose one of the roles.")
	want(t, p.send("/orgs/acme/members/role", "user", bobID, "after", "nonsense"), http.StatusBadRequest)
	for err, status := range map[error]int{authcore.ErrNotFound: 404, authcore.ErrUnavailable: 503, errBroken: 500, org.ErrForbidden: 403} {
		p.orgs.err = err
		want(t, p.send("/orgs/acme/members/role", "user", bobID), status)
		want(t, p.send("/orgs/acme/members/remove", "user", bobID), status)
	}
}

func TestMembersAsJSON(t *testing.T) {
	p := newPortal(t)
	p.orgs.next, p.orgs.requests = bobID, []org.Request{{UserID: bobID, Email: "eve@example.com", At: testNow}}
	answer := decode(t, p.see("/orgs/acme/members", "Accept", asJSON))
	first, second := answer["members"].([]any)[0].(map[string]any), answer["members"].([]any)[1].(map[string]any)
	if first["role"] != "owner" || first["two_step"] != true || second["id"] != bobID || second["active_at"] != nil || answer["all"] != 12.0 ||
		answer["without_two_step"] != 3.0 || answer["more"] != "/_auth/orgs/acme/members?after="+bobID || len(answer["requests"].([]any)) != 1 || len(answer["roles"].([]any)) != 3 {
		t.Errorf("%v", answer)
	}
}

func TestInvitationsPage(t *testing.T) {
	p := newPortal(t)
	p.orgs.invitations = []org.Invitation{
		{ID: "1", Email: "eve@example.com", Role: "admin", State: org.Pending, CreatedAt: testNow, ExpiresAt: testNow.Add(7 * 24 * time.Hour)},
		{ID: "2", Email: "old@example.com", Role: "auditor", State: org.Expired, ExpiresAt: testNow},
	}
	w := p.see("/orgs/acme/invitations?sent=1")
	want(t, w, http.StatusOK, "on its way", "eve@example.com", "Admin · until 2026-11-30", "auditor · expired on 2026-11-23", ">Expired<",
		`aria-label="Send again to old@example.com"`, `aria-label="Revoke the invitation of eve@example.com"`, `<option value="member" selected>`, `<option value="owner">`)
	lacks(t, w, "Revoke the invitation of old@")
	list := decode(t, p.see("/orgs/acme/invitations", "Accept", asJSON))["invitations"].([]any)
	if second := list[1].(map[string]any); len(list) != 2 || second["state"] != "expired" || second["role"] != "auditor" {
		t.Errorf("%v", list)
	}
}

func TestInvite(t *testing.T) {
	p := newPortal(t)
	const page = "/_auth/orgs/acme/invitations"
	wantNext(t, p.send("/orgs/acme/invitations", "email", "eve@example.com", "role", "admin"), page+"?sent=1")
	p.called("Invite acme eve@example.com admin")
	wantNext(t, p.send("/orgs/acme/invitations/resend", "invitation", "1"), page+"?sent=1")
	p.called("Resend acme 1")
	wantNext(t, p.send("/orgs/acme/invitations/revoke", "invitation", "1"), page)
	p.called("RevokeInvitation acme 1")
	for text, err := range map[string]error{
		"not an e-mail address": &account.InvalidError{Fields: map[string]account.Problem{"email": account.ProblemEmail}},
		"one of the roles":      &account.InvalidError{Fields: map[string]account.Problem{"role": org.ProblemRole}},
		"last 24 hours":         fmt.Errorf("storing invitation: %w", org.ErrLimit),
	} {
		p.orgs.err = err
		want(t, p.send("/orgs/acme/invitations", "email", "eve@<b>", "role", "admin"), http.StatusUnprocessableEntity,
			text, `value="eve@&lt;b&gt;"`, `<option value="admin" selected>`)
	}
	p.orgs.err = authcore.ErrConflict
	want(t, p.send("/orgs/acme/invitations", "email", "bob@example.com"), http.StatusConflict, "a member already")
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs/acme/invitations/revoke", "invitation", "of-others"), http.StatusNotFound)
	want(t, p.send("/orgs/acme/invitations/resend", "invitation", "of-others"), http.StatusNotFound)
	p.orgs.err = org.ErrForbidden
	p.orgs.role = "admin"
	want(t, p.send("/orgs/acme/invitations", "email", "eve@example.com", "role", "owner"), http.StatusForbidden, "the role Owner in the organization.")
}
