package ui

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

// see asks for a page as the signed-in visitor.
func (p *portal) see(path string, headers ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.get("/_auth"+path, append(headers, "Cookie", cookieLine())...)
}

// send posts a form as the signed-in visitor; fields are names and values.
func (p *portal) send(path string, fields ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	form := make(url.Values)
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return p.post("/_auth"+path, form, "Cookie", cookieLine())
}

// called checks what the service of organizations was last asked to change.
func (p *portal) called(call string) {
	p.t.Helper()
	if n := len(p.orgs.calls); n == 0 || p.orgs.calls[n-1] != call {
		p.t.Errorf("the service was asked %q, want %q", p.orgs.calls, call)
	}
}

// lacks checks that a body holds none of the texts.
func lacks(t *testing.T, w *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(w.Body.String(), text) {
			t.Errorf("the body has %q:\n%s", text, w.Body)
		}
	}
}

func TestOrgsPage(t *testing.T) {
	p := newPortal(t)
	p.sessions.live.Identity.Org = p.orgs.mine[0]
	p.orgs.waiting = []org.Waiting{{ID: "invitation-1", Org: org.Org{ID: "org-3", Name: "Waiting Inc"}, Role: "admin"}}
	p.orgs.joinable = &org.Joinable{Org: org.Org{Slug: "joinable", Name: "Joinable"}}
	w := p.see("/orgs")
	want(t, w, http.StatusOK, "<title>Your organizations · Sigra</title>", "Acme &amp; Co", `href="/_auth/orgs/acme"`, "acme · Owner", "other · auditor", ">Active<",
		`aria-label="Switch to Other"`, `name="org" value="other"`, "Waiting Inc", `name="invitation" value="invitation-1"`, `name="join" value="joinable"`,
		"join at once", `href="/_auth/orgs/new"`, "Back to your account")
	lacks(t, w, `value="acme"`, "needs to know")
	p.orgs.mine, p.orgs.waiting, p.orgs.may, p.orgs.joinable.Ask = nil, nil, false, true
	w = p.see("/orgs?asked=1")
	want(t, w, http.StatusOK, "do not belong to an organization yet", "Ask to join", "You have asked to join")
	lacks(t, w, "/orgs/new")
	p.orgs.readErr = authcore.ErrUnavailable
	want(t, p.see("/orgs"), http.StatusServiceUnavailable)
}

func TestPickerLeadsBackToTheApp(t *testing.T) {
	p := newPortal(t)
	p.sessions.live.Identity.Org = p.orgs.mine[0]
	w := p.see("/orgs?return_to=%2Freports%3Fx%3D1")
	want(t, w, http.StatusOK, "Choose an organization", "app.example.com needs to know", `value="/reports?x=1"`, `aria-label="Choose Acme &amp; Co"`,
		`href="/_auth/orgs/new?return_to=%2freports%3fx%3d1"`)
	wantNext(t, p.send("/orgs/switch", "org", "other", "return_to", "/reports?x=1"), "/reports?x=1")
	p.called("Switch other")
	w = p.see("/orgs?return_to=" + url.QueryEscape("https://other.example.com/x"))
	want(t, w, http.StatusOK, "other.example.com needs to know")
	wantHeader(t, w, "Content-Security-Policy", contentPolicy("https://other.example.com"))
	for _, evil := range []string{"https://evil.example/", "//evil.example", "/_auth/logout", `/\evil.example`} {
		w = p.see("/orgs?return_to=" + url.QueryEscape(evil))
		want(t, w, http.StatusOK, "Your organizations")
		lacks(t, w, "evil", "needs to know")
		wantNext(t, p.send("/orgs/switch", "org", "acme", "return_to", evil), "/_auth/orgs")
	}
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs/switch", "org", "foreign"), http.StatusNotFound)
}

func TestOrgsAsJSON(t *testing.T) {
	p := newPortal(t)
	p.sessions.live.Identity.Org = p.orgs.mine[1]
	p.orgs.waiting = []org.Waiting{{ID: "invitation-1", Org: org.Org{ID: "org-3", Name: "Waiting Inc"}, Role: "admin"}}
	p.orgs.joinable = &org.Joinable{Org: org.Org{Slug: "joinable", Name: "Joinable"}, Ask: true}
	answer := decode(t, p.see("/orgs", "Accept", asJSON))
	list := answer["orgs"].([]any)
	first, second := list[0].(map[string]any), list[1].(map[string]any)
	if first["slug"] != "acme" || first["active"] != false || first["role"] != "owner" || second["active"] != true || second["role"] != "auditor" ||
		len(answer["invitations"].([]any)) != 1 || answer["joinable"].(map[string]any)["ask"] != true || answer["may_create"] != true {
		t.Errorf("%v", answer)
	}
	w := p.post("/_auth/orgs/switch", url.Values{"org": {"other"}}, "Cookie", cookieLine(), "Accept", asJSON)
	if answer := decode(t, w); answer["status"] != "ok" || answer["next"] != "/_auth/orgs" {
		t.Errorf("%v", answer)
	}
}

func TestJoinFromTheList(t *testing.T) {
	p := newPortal(t)
	wantNext(t, p.send("/orgs", "invitation", "invitation-1"), "/_auth/orgs/acme")
	p.called("AcceptByID invitation-1")
	wantNext(t, p.send("/orgs", "invitation", "invitation-1", "return_to", "/app"), "/app")
	p.orgs.joinable = &org.Joinable{Org: org.Org{Slug: "joinable"}}
	wantNext(t, p.send("/orgs", "join", "joinable"), "/_auth/orgs/joinable")
	p.called("Join joinable")
	p.orgs.joinable.Ask = true
	wantNext(t, p.send("/orgs", "join", "joinable"), "/_auth/orgs?asked=1")
	wantNext(t, p.send("/orgs", "join", "joinable", "return_to", "/app"), "/_auth/orgs?asked=1&return_to=%2Fapp")
	p.orgs.err = org.ErrLimit
	want(t, p.send("/orgs", "invitation", "invitation-1"), http.StatusUnprocessableEntity, "as many organizations as one can")
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs", "invitation", "of-others"), http.StatusNotFound)
	p.orgs.err = authcore.ErrConflict
	want(t, p.send("/orgs", "join", "joinable"), http.StatusConflict)
}

func TestCreateOrg(t *testing.T) {
	p := newPortal(t)
	want(t, p.see("/orgs/new?return_to=%2Fapp"), http.StatusOK, `autocomplete="organization"`, `name="slug"`, `value="/app"`)
	wantNext(t, p.send("/orgs/new", "name", "Acme & Co", "slug", "acme"), "/_auth/orgs/acme")
	p.called("Create Acme & Co acme")
	wantNext(t, p.send("/orgs/new", "name", "Acme", "return_to", "/app"), "/app")
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"name": account.ProblemRequired, "slug": org.ProblemSlugUsed}}
	want(t, p.send("/orgs/new", "name", "<b>", "slug", "taken", "return_to", "/app"), http.StatusUnprocessableEntity,
		"Please fill this in.", "This one is taken.", `value="&lt;b&gt;"`, `value="taken"`, `value="/app"`)
	p.orgs.err = org.ErrLimit
	want(t, p.send("/orgs/new", "name", "Acme"), http.StatusUnprocessableEntity, "as many organizations as you may")
	p.orgs.err = authcore.ErrUnavailable
	want(t, p.send("/orgs/new", "name", "Acme"), http.StatusServiceUnavailable)
	p.orgs.may = false
	want(t, p.see("/orgs/new"), http.StatusNotFound)
	want(t, p.send("/orgs/new", "name", "Acme"), http.StatusNotFound)
}

func TestAccountLeadsToOrgs(t *testing.T) {
	p := newPortal(t)
	p.orgs.may = false
	const link = `href="/_auth/orgs"`
	lacks(t, p.see("/account"), link)
	p.orgs.readErr = authcore.ErrUnavailable
	want(t, p.see("/account"), http.StatusOK) // it is there while the database is away
	p.orgs.readErr, p.orgs.waiting = nil, []org.Waiting{{ID: "1"}}
	want(t, p.see("/account"), http.StatusOK, link)
	p.orgs.waiting, p.orgs.joinable = nil, new(org.Joinable)
	want(t, p.see("/account"), http.StatusOK, link)
	p.orgs.joinable, p.orgs.may = nil, true
	want(t, p.see("/account"), http.StatusOK, link, "Who you work with")
	p.orgs.may, p.sessions.live.Identity.Orgs, p.sessions.live.Identity.Org = false, p.orgs.mine, p.orgs.mine[0]
	want(t, p.see("/account"), http.StatusOK, link, "Active: Acme &amp; Co")
}

// TestSettingsAskForAProofFirst: before a form is filled in, and not after.
func TestSettingsAskForAProofFirst(t *testing.T) {
	p := newPortal(t)
	p.orgs.stale = &account.StaleError{}
	for _, page := range []string{"/settings/slug", "/settings/rules", "/settings/transfer", "/settings/delete", "/settings/domains/new"} {
		back := "/_auth/orgs/acme" + page
		wantNext(t, p.see("/orgs/acme"+page), "/_auth/step-up?return_to="+url.QueryEscape(back))
		want(t, p.see("/step-up?return_to="+url.QueryEscape(back)), http.StatusOK, `value="`+back+`"`)
	}
	want(t, p.see("/orgs/acme/settings"), http.StatusOK)
	p.orgs.role = "admin"
	want(t, p.see("/orgs/acme/settings/slug"), http.StatusForbidden)
	want(t, p.see("/orgs/foreign/settings/slug"), http.StatusNotFound)
	p.orgs.err = &account.StaleError{}
	for post, back := range map[string]string{
		"/settings/slug": "/settings/slug", "/settings/domains/check": "/settings/domains", "/settings/domains/new": "/settings/domains/new", "/leave": "",
	} {
		wantNext(t, p.send("/orgs/acme"+post, "typed", "x"), "/_auth/step-up?return_to="+url.QueryEscape("/_auth/orgs/acme"+back))
	}
	w := p.post("/_auth/orgs/acme/settings/delete", url.Values{}, "Cookie", cookieLine(), "Accept", asJSON)
	if want(t, w, http.StatusForbidden); decode(t, w)["status"] != "step_up" {
		t.Errorf("%s", w.Body)
	}
}

func TestOrgPagesEscape(t *testing.T) {
	p := newPortal(t)
	p.orgs.mine[0].Name, p.orgs.members[1].Name, p.orgs.members[1].Email = xss, xss, xss
	p.orgs.waiting = []org.Waiting{{ID: xss, Org: org.Org{Name: xss}, Role: xss}}
	p.orgs.joinable = &org.Joinable{Org: org.Org{Slug: xss, Name: xss}}
	p.orgs.requests = []org.Request{{UserID: bobID, Email: xss, Name: xss}}
	p.orgs.invitations = []org.Invitation{{ID: xss, Email: xss, Role: xss}}
	p.orgs.domains = []org.Domain{{Name: xss, Role: xss, Challenge: xss}}
	for _, page := range append(orgPages(), "/members?q="+url.QueryEscape(xss)) {
		if w := p.see("/orgs/acme" + page); strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s:\n%s", page, w.Body)
		}
	}
	lacks(t, p.see("/orgs"), "<script>alert")
}

func TestAnInvitationComesFirst(t *testing.T) {
	p := newPortal(t)
	p.orgs.mine, p.orgs.waiting = nil, []org.Waiting{{ID: "i1", Org: org.Org{Name: "Acme"}, Role: "member"}}
	w := p.see("/orgs")
	want(t, w, http.StatusOK, `class="quiet primary" type="submit" aria-label="Accept`, `class="button wide" href="/_auth/orgs/new"`)
}

func TestNoDomainYet(t *testing.T) {
	p := newPortal(t)
	p.orgs.domains = nil
	want(t, p.see("/orgs/acme/settings/domains"), http.StatusOK, "There is no domain yet.")
}

func TestOneRoleIsNoList(t *testing.T) {
	m := english(t)
	if got := m.ofMissing(Missing{"missing_role", []string{"admin"}}); got != "You need the role Admin." {
		t.Error(got)
	}
	if got := m.ofMissing(Missing{"missing_org_role", []string{"owner", "admin"}}); got != "You need one of these roles in the organization: Owner, Admin." {
		t.Error(got)
	}
}
