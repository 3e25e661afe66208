package ui

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

var testOffer = org.Offer{
	State: org.Pending, Email: "grace@example.com", Org: org.Org{Slug: "acme", Name: "Acme & Co"}, Role: "admin", Inviter: "bob@example.com",
}

var offerPath = "/_auth/invitations/" + testSecret

// offered is a portal with an invitation to an organization.
func offered(t *testing.T) *portal {
	p := newPortal(t)
	p.orgs.offer, p.orgs.offerErr = testOffer, nil
	return p
}

func TestOfferToAPersonWithoutAccount(t *testing.T) {
	p := offered(t)
	w := p.get(offerPath)
	want(t, w, http.StatusOK, "Join Acme &amp; Co?", "bob@example.com invites you", "Your role: Admin", "grace@example.com", `autocomplete="new-password"`, `action="`+offerPath+`"`)
	wantHeader(t, w, "Referrer-Policy", "no-referrer")
	if len(p.orgs.calls) > 0 {
		t.Errorf("opening the page did %v", p.orgs.calls)
	}
	form := url.Values{"name": {"Grace"}, "password": {"a fine password"}, "email": {"evil@example.com"}}
	w = p.post(offerPath, form)
	wantNext(t, w, "/_auth/orgs/acme")
	if p.called("AcceptNew " + testSecret); p.orgs.member.Name != "Grace" || p.orgs.member.Password != "a fine password" {
		t.Errorf("%+v", p.orgs.member)
	}
	if c := cookie(w, testCookie.Name); c == nil || c.Value != freshToken.String() {
		t.Errorf("the session: %v", c)
	}
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"password": account.ProblemTooShort}}
	w = p.post(offerPath, form)
	want(t, w, http.StatusUnprocessableEntity, "too short", `value="Grace"`, "Join Acme")
	lacks(t, w, "a fine password")
	p.orgs.err = authcore.ErrNotFound // somebody was faster
	want(t, p.post(offerPath, form), http.StatusNotFound)
	p.orgs.err = authcore.ErrConflict
	want(t, p.post(offerPath, form), http.StatusConflict)
}

func TestOfferToTheOwnerOfAnAccount(t *testing.T) {
	p := offered(t)
	p.orgs.offer.Known, p.orgs.offer.Inviter = true, ""
	back := "/_auth/login?return_to=" + url.QueryEscape(offerPath)
	w := p.get(offerPath)
	want(t, w, http.StatusOK, "Sign in as grace@example.com to accept", `href="`+back+`"`, "You are invited to join")
	lacks(t, w, "new-password")
	want(t, p.get(back), http.StatusOK, `value="`+offerPath+`"`)
	wantNext(t, p.post("/_auth/login", credentials("return_to", offerPath)), offerPath)
	want(t, p.post(offerPath, url.Values{"password": {"x"}}), http.StatusConflict, "Sign in as")
	if len(p.orgs.calls) > 0 {
		t.Errorf("%v", p.orgs.calls)
	}
}

func TestOfferToTheRightPerson(t *testing.T) {
	p := offered(t)
	w := p.get(offerPath, "Cookie", cookieLine())
	want(t, w, http.StatusOK, "Join Acme", "You are signed in as <strong>ada@example.com</strong>", ">Accept<")
	lacks(t, w, "password")
	wantNext(t, p.post(offerPath, nil, "Cookie", cookieLine()), "/_auth/orgs/acme")
	p.called("Accept " + testSecret)
	p.orgs.err = org.ErrLimit
	want(t, p.post(offerPath, nil, "Cookie", cookieLine()), http.StatusUnprocessableEntity, "as many organizations as one can", "Join Acme")
	p.orgs.err = authcore.ErrNotFound
	want(t, p.post(offerPath, nil, "Cookie", cookieLine()), http.StatusNotFound)
	p.orgs.err = org.ErrOtherAddress
	want(t, p.post(offerPath, nil, "Cookie", cookieLine()), http.StatusForbidden)
	p.orgs.err = nil
	answer := decode(t, p.get(offerPath, "Cookie", cookieLine(), "Accept", asJSON))
	if answer["signed_in"] != true || answer["role"] != "admin" || answer["org"].(map[string]any)["slug"] != "acme" {
		t.Errorf("%v", answer)
	}
}

// TestOfferToSomebodyElse tells them nothing about it.
func TestOfferToSomebodyElse(t *testing.T) {
	p := offered(t)
	p.orgs.offer, p.orgs.offerErr = org.Offer{}, org.ErrOtherAddress
	for _, w := range []*httptest.ResponseRecorder{p.get(offerPath, "Cookie", cookieLine()), p.post(offerPath, nil, "Cookie", cookieLine())} {
		want(t, w, http.StatusForbidden, "for another address than yours", "ada@example.com", `name="sign_out"`)
		lacks(t, w, "Acme", "grace@", "bob@", "Accept")
	}
	if len(p.orgs.calls) > 0 {
		t.Errorf("%v", p.orgs.calls)
	}
	w := p.post(offerPath, url.Values{"sign_out": {"on"}}, "Cookie", cookieLine())
	wantNext(t, w, offerPath)
	if c := cookie(w, testCookie.Name); c == nil || c.MaxAge >= 0 || p.accounts.calls[0] != "SignOut this" {
		t.Errorf("still signed in: %v, %v", c, p.accounts.calls)
	}
	w = p.get(offerPath, "Cookie", cookieLine(), "Accept", asJSON)
	if want(t, w, http.StatusForbidden); decode(t, w)["status"] != "error" {
		t.Errorf("%s", w.Body)
	}
}

func TestOfferThatIsOver(t *testing.T) {
	p := offered(t)
	for state, text := range map[org.InvitationState]string{
		org.Expired: "has expired", org.Revoked: "was withdrawn", org.Accepted: "accepted already",
	} {
		p.orgs.offer = org.Offer{State: state, Email: "grace@example.com"}
		for _, line := range []string{"", cookieLine()} {
			for _, w := range []*httptest.ResponseRecorder{p.get(offerPath, "Cookie", line), p.post(offerPath, nil, "Cookie", line)} {
				want(t, w, http.StatusGone, text)
				lacks(t, w, "Acme", "<form", "grace@")
			}
		}
	}
	p.orgs.offerErr = authcore.ErrUnavailable
	want(t, p.get(offerPath), http.StatusServiceUnavailable)
	want(t, p.post(offerPath, nil), http.StatusServiceUnavailable)
}

// TestOfferToWhoeverIsHeld: the address has to be proven first.
func TestOfferToWhoeverIsHeld(t *testing.T) {
	p := offered(t)
	p.sessions.live.Identity.EmailVerified = false
	p.orgs.offerErr = org.ErrOtherAddress
	to := "/_auth/confirm?return_to=" + url.QueryEscape(offerPath)
	wantNext(t, p.get(offerPath, "Cookie", cookieLine()), to)
	wantNext(t, p.post(offerPath, nil, "Cookie", cookieLine()), to)
}

// TestOtherInvitationsStillWork are those to make an account.
func TestOtherInvitationsStillWork(t *testing.T) {
	p := newPortal(t)
	want(t, p.get(offerPath), http.StatusOK, "Create your account", "grace@example.com")
	wantNext(t, p.post(offerPath, url.Values{"password": {"x"}}), "/_auth/account")
	p.signups.invitedErr, p.signups.err = authcore.ErrNotFound, authcore.ErrNotFound
	want(t, p.get(offerPath), http.StatusNotFound)
	want(t, p.post(offerPath, nil), http.StatusNotFound)
}

func TestOrgActivity(t *testing.T) {
	p := newPortal(t)
	want(t, p.see("/orgs/acme/activity"), http.StatusOK, "Nothing yet.")
	event := func(action audit.Action, kind audit.ActorType, actor, user string) audit.Event {
		return audit.New(testNow, action, authcore.Client{IP: "203.0.113.7"}).By(kind, actor).Of(user)
	}
	p.orgs.events = []audit.Event{
		event(audit.OrgRoleChange, audit.ActorUser, "user-1", bobID).With("old", "member").With("new", "auditor"),
		event(audit.OrgMemberAdd, audit.ActorOperator, "", bobID).With("role", "admin"),
		event(audit.OrgDomainAdd, audit.ActorUser, "deleted", "").With("domain", "acme.example"),
		event(audit.OrgMemberRemove, audit.ActorSystem, "", "deleted"),
		event(audit.OrgRulesChange, audit.ActorUser, "user-1", "").With("old", "").With("new", "two_step max_age=8h0m0s passkey"),
		event(audit.OrgInviteRefuse, audit.ActorUnknown, "", "").With("email", "grace@example.com").With("reason", "expired"),
	}
	w := p.see("/orgs/acme/activity")
	want(t, w, http.StatusOK, "About bob@example.com", "From Member to auditor", "by ada@example.com", "by an operator", "Role: Admin", "acme.example",
		"by a deleted account", "by the system", "grace@example.com", "It had expired.", "2026-11-23 12:00 UTC", "From – to Two-step sign-in, How long a sign-in counts: 8h0m0s, Passkey")
	lacks(t, w, "Older", "About ada@")
	last := p.orgs.events[0].ID
	p.orgs.eventsNext = last
	want(t, p.see("/orgs/acme/activity?before="+last), http.StatusOK, `href="/_auth/orgs/acme/activity?before=`+last+`"`)
	if p.orgs.before != last {
		t.Errorf("asked for what was before %q", p.orgs.before)
	}
	want(t, p.see("/orgs/acme/activity?before=x%00"), http.StatusBadRequest)
	answer := decode(t, p.see("/orgs/acme/activity", "Accept", asJSON))
	first := answer["events"].([]any)[0].(map[string]any)
	if first["actor"] != "ada@example.com" || first["user"] != "bob@example.com" || first["action"] != "organization.member_role_change" || answer["older"] == "" {
		t.Errorf("%v", answer)
	}
	// Another organization of theirs is nobody's business here.
	p.orgs.events = []audit.Event{event(audit.OrgReassign, audit.ActorSystem, "", bobID).With("from", "1").With("to", "another").With("role", "member")}
	answer = decode(t, p.see("/orgs/acme/activity", "Accept", asJSON))
	if told := answer["events"].([]any)[0].(map[string]any)["details"]; !reflect.DeepEqual(told, map[string]any{"role": "member"}) {
		t.Errorf("details %v", told)
	}
}
