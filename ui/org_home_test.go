package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

func TestOrgHome(t *testing.T) {
	p := newPortal(t)
	p.orgs.requests = []org.Request{{UserID: bobID}}
	w := p.see("/orgs/acme")
	want(t, w, http.StatusOK, "<h1>Acme &amp; Co</h1>", "Owner", "Members: 12 · Requests to join: 1", `href="/_auth/orgs/acme/members"`,
		`href="/_auth/orgs/acme/invitations"`, `href="/_auth/orgs/acme/settings"`, `href="/_auth/orgs/acme/activity"`, `action="/_auth/orgs/acme/leave"`, "Switch to")
	p.orgs.role = "admin"
	p.sessions.live.Identity.Org.Slug = "acme"
	w = p.see("/orgs/acme")
	want(t, w, http.StatusOK, "/members", "/activity", ">Active<")
	lacks(t, w, "/settings", "Switch to")
	p.orgs.role = "member"
	w = p.see("/orgs/acme")
	want(t, w, http.StatusOK, "Member", "/leave")
	lacks(t, w, "/members", "/invitations", "/settings", "/activity", "Members: ")
	p.orgs.personal = true
	lacks(t, p.see("/orgs/acme"), "/leave")
	answer := decode(t, p.see("/orgs/acme", "Accept", asJSON))
	if answer["slug"] != "acme" || answer["role"] != "member" || answer["personal"] != true || answer["rules"] == nil {
		t.Errorf("%v", answer)
	}
}

func TestLeaveOrg(t *testing.T) {
	p := newPortal(t)
	wantNext(t, p.send("/orgs/acme/leave"), "/_auth/orgs")
	p.called("Leave acme")
	p.orgs.err = fmt.Errorf("removing member: %w", org.ErrLastOwner)
	want(t, p.send("/orgs/acme/leave"), http.StatusConflict, "needs an owner", "<details class=\"part\" open>")
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs/acme/leave"), http.StatusNotFound)
}

// orgPages are those below an organization that can be opened.
func orgPages() (pages []string) {
	for path, r := range orgRoutes {
		if r.get != nil {
			pages = append(pages, path)
		}
	}
	slices.Sort(pages)
	return pages
}

// TestRulesGuardThePages: who does not meet the rules of an organization is led to the
// proof, and back to the page. Its home stays, and the way out.
func TestRulesGuardThePages(t *testing.T) {
	p := newPortal(t)
	p.orgs.unmet = &account.StaleError{Wanted: authcore.SecondFactors}
	for _, below := range orgPages() {
		page := "/orgs/acme" + below
		w := p.see(page)
		if below == "" {
			want(t, w, http.StatusOK, "/members", "/leave")
			lacks(t, w, "Members: ")
			continue
		}
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/_auth/step-up?return_to="+url.QueryEscape("/_auth"+page)+"&need=totp") {
			t.Errorf("%s: %d to %s", page, w.Code, to)
		}
		if answer := decode(t, p.see(page, "Accept", asJSON)); answer["status"] != "step_up" {
			t.Errorf("%s: %v", page, answer)
		}
	}
}

// TestForeignOrgsAreAsUnknownOnes: whoever does not belong must not learn what
// there is.
func TestForeignOrgsAreAsUnknownOnes(t *testing.T) {
	p := newPortal(t)
	nothing := p.see("/nothing").Body.String()
	for _, page := range orgPages() {
		for _, slug := range []string{"foreign", "no-such-org", "x", "Acme", "..", "%00", "%ff", "new/x", "admin"} {
			w := p.see("/orgs/" + slug + page)
			if want(t, w, http.StatusNotFound); w.Body.String() != nothing {
				t.Errorf("%s%s tells more than that there is nothing:\n%s", slug, page, w.Body)
			}
		}
	}
	for _, path := range []string{"/orgs/", "/orgs/acme/", "/orgs/acme/nothing", "/orgs//members", "/orgs/acme/members/"} {
		want(t, p.see(path), http.StatusNotFound)
	}
}

func TestFormerSlugLeadsToTheNewOne(t *testing.T) {
	p := newPortal(t)
	for _, page := range orgPages() {
		w := p.see("/orgs/former" + page + "?q=x%26y")
		want(t, w, http.StatusSeeOther)
		wantHeader(t, w, "Location", "/_auth/orgs/acme"+page+"?q=x%26y")
		wantHeader(t, w, "Cache-Control", "no-store")
	}
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs/former/members/role"), http.StatusNotFound)
	wantNext(t, p.get("/_auth/orgs/former"), "/_auth/login?return_to=%2F_auth%2Forgs%2Fformer")
}

// TestRolesThatPagesNeed opens every page in every role.
func TestRolesThatPagesNeed(t *testing.T) {
	p := newPortal(t)
	for role, needs := range map[string]map[bool]string{
		"admin": {true: "the role Owner in the organization."}, "member": {true: "the role Owner in the organization.", false: "in the organization: Owner, Admin."},
	} {
		p.orgs.role = role
		for _, page := range orgPages() {
			need := needs[orgRoutes[page].owners]
			w := p.see("/orgs/acme" + page)
			if need == "" || page == "" {
				want(t, w, http.StatusOK)
				continue
			}
			want(t, w, http.StatusForbidden, need, "ada@example.com")
		}
	}
	p.orgs.role, p.orgs.err = "admin", org.ErrForbidden
	want(t, p.send("/orgs/acme/members/remove", "user", adaID), http.StatusForbidden, "the role Owner in the organization.")
	p.orgs.role = "owner" // of a personal workspace, say
	w := p.send("/orgs/acme/settings/delete", "typed", "x")
	want(t, w, http.StatusForbidden)
	lacks(t, w, "You need")
}
