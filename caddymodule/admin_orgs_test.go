package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
)

// newOrgs starts a gateway with an organization, acme, of the test's user, who has
// signed in.
func newOrgs(t *testing.T, global string) (g *gateway, cookie string) {
	t.Helper()
	g = newGateway(t, global, "sigra")
	cookie = g.signIn(t)
	g.mustOperate(t, "POST", "/sigra/orgs", `{"name":"Acme Inc","slug":"acme","owner":"`+testEmail+`"}`, nil)
	return g, cookie
}

func (g *gateway) mustOperate(t *testing.T, method, path, body string, to any) {
	t.Helper()
	if code := g.operate(t, method, path, body, to); code != http.StatusOK {
		t.Fatalf("%s %s: %d", method, path, code)
	}
}

// addAccount makes an account and returns its id.
func (g *gateway) addAccount(t *testing.T, email string) string {
	t.Helper()
	user, err := g.app.accounts.Add(t.Context(), account.NewUser{Email: email, Password: testPassword, Verified: true})
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}

// groups are what the app is told of a session.
func (g *gateway) groups(t *testing.T, cookie string) (groups string) {
	t.Helper()
	g.upstream = func(_ http.ResponseWriter, r *http.Request) { groups = r.Header.Get("Remote-Groups") }
	g.do(t, get("/", "Cookie", cookie))
	return groups
}

func TestOperatorManagesOrgs(t *testing.T) {
	g, cookie := newOrgs(t, "")
	bob := g.addAccount(t, "bob@example.com")
	if got := g.groups(t, cookie); got != "acme:owner" {
		t.Errorf("the next request says %q", got)
	}
	g.mustOperate(t, "POST", "/sigra/orgs/acme/members", `{"user":"`+bob+`","role":"owner"}`, nil)
	var members []memberView
	g.mustOperate(t, "POST", "/sigra/orgs/acme/members/search", `{}`, &members)
	if len(members) != 2 || members[1].ID != bob || members[1].Role != "owner" {
		t.Fatalf("%+v", members)
	}
	g.mustOperate(t, "POST", "/sigra/orgs/acme/members/search", `{"after":"`+members[0].ID+`"}`, &members)
	if len(members) != 1 || members[0].ID != bob {
		t.Errorf("after the first: %+v", members)
	}
	ada, err := g.app.accounts.Find(t.Context(), testEmail)
	if err != nil {
		t.Fatal(err)
	}
	g.mustOperate(t, "PUT", "/sigra/orgs/acme/members/"+ada.ID, `{"role":"admin"}`, nil)
	if got := g.groups(t, cookie); got != "acme:admin" {
		t.Errorf("the next request says %q", got)
	}
	g.mustOperate(t, "PUT", "/sigra/orgs/acme/slug", `{"slug":"initech"}`, nil)
	var details orgDetails
	g.mustOperate(t, "PATCH", "/sigra/orgs/initech/rules", `{"max_age":"2d"}`, nil)
	if got := g.groups(t, cookie); got != "initech:admin" {
		t.Errorf("after another slug and other rules, the next request says %q", got)
	}
	g.mustOperate(t, "GET", "/sigra/orgs/initech", "", &details)
	if details.Name != "Acme Inc" || details.Members != 2 || details.WithoutTwoStep != 2 || details.MaxAge != "48h0m0s" || details.TwoStep {
		t.Errorf("%+v", details)
	}
	g.mustOperate(t, "DELETE", "/sigra/orgs/initech/members/"+ada.ID, "", nil)
	if got := g.groups(t, cookie); got != "" {
		t.Errorf("removed, the next request says %q", got)
	}
	var orgs []orgView
	g.mustOperate(t, "GET", "/sigra/orgs", "", &orgs)
	if len(orgs) != 1 || orgs[0].Slug != "initech" {
		t.Errorf("%+v", orgs)
	}
	g.mustOperate(t, "GET", "/sigra/orgs?after="+orgs[0].ID, "", &orgs)
	if len(orgs) != 0 {
		t.Errorf("after the last: %+v", orgs)
	}
}

func TestOperatorErrorsOfOrgs(t *testing.T) {
	g, _ := newOrgs(t, "orgs anyone {\nroles boss worker\ninvitations 0 1\npersonal\n}")
	bob := g.addAccount(t, "bob@example.com")
	g.mustOperate(t, "POST", "/sigra/orgs", `{"name":"Other","owner":"`+bob+`"}`, nil)
	g.mustOperate(t, "POST", "/sigra/orgs/acme/invitations", `{"email":"x@example.net"}`, nil)
	g.mustOperate(t, "PUT", "/sigra/orgs/other/slug", `{"slug":"another"}`, nil)
	g.mustOperate(t, "POST", "/sigra/orgs/acme/domains", `{"domain":"example.invalid"}`, nil)
	g.signIn(t, func(u *account.NewUser) { u.Email = "bob@example.com" }) // makes the personal workspace
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"unknown organization": {"GET", "/nowhere", "", 404, "caddy sigra org list"},
		"an old slug":          {"GET", "/other", "", 404, "another now"},
		"no owner":             {"POST", "", `{"name":"X"}`, 404, "caddy sigra user list"},
		"no name":              {"POST", "", `{"owner":"` + bob + `"}`, 422, "name: is required"},
		"slug taken":           {"POST", "", `{"name":"X","slug":"acme","owner":"` + bob + `"}`, 422, "slug: is taken"},
		"slug taken lately":    {"PUT", "/acme/slug", `{"slug":"other"}`, 422, "slug: is taken"},
		"bad slug":             {"PUT", "/acme/slug", `{"slug":"a/b"}`, 422, "slug: must have"},
		"a link for a name":    {"PUT", "/acme/name", `{"name":"see www.evil.example"}`, 422, "name: must not contain a link"},
		"unknown role":         {"POST", "/acme/members", `{"user":"` + bob + `","role":"owner"}`, 422, "one of boss, worker"},
		"unknown user":         {"POST", "/acme/members", `{"user":"nobody@example.com"}`, 404, "caddy sigra user list"},
		"unknown field":        {"POST", "/acme/members", `{"email":"x"}`, 400, "unknown field"},
		"a member already":     {"POST", "/another/members", `{"user":"` + bob + `"}`, 409, "caddy sigra org set-role another"},
		"no member":            {"PUT", "/acme/members/" + bob, `{"role":"boss"}`, 404, "caddy sigra org members acme"},
		"pass it to no member": {"POST", "/acme/transfer/" + bob, "", 404, "caddy sigra org members acme"},
		"remove no member":     {"DELETE", "/acme/members/nonsense", "", 404, "caddy sigra org members acme"},
		"the last owner":       {"DELETE", "/another/members/" + bob, "", 409, "caddy sigra org set-role another <email|id> boss"},
		"demote the last":      {"PUT", "/another/members/" + bob, `{"role":"worker"}`, 409, "owner who can sign in"},
		"too many invitations": {"POST", "/acme/invitations", `{"email":"y@example.net"}`, 409, "24 hours"},
		"invite a member":      {"POST", "/acme/invitations", `{"email":"` + testEmail + `"}`, 409, "set-role acme"},
		"no invitation":        {"DELETE", "/acme/invitations/x", "", 404, "caddy sigra org invitations acme"},
		"resend none":          {"POST", "/acme/invitations/x/resend", `{}`, 404, "caddy sigra org invitations acme"},
		"no request":           {"POST", "/acme/requests/" + bob, `{}`, 404, "caddy sigra org requests acme"},
		"refuse none":          {"DELETE", "/acme/requests/" + bob, "", 404, "caddy sigra org requests acme"},
		"no domain":            {"POST", "/acme/domains/x.example/verify", "", 404, "caddy sigra org domains acme"},
		"a domain of owners":   {"POST", "/acme/domains", `{"domain":"x.example","role":"boss"}`, 422, "makes nobody boss"},
		"no such mailbox":      {"POST", "/acme/domains/example.invalid/mail", `{"mailbox":"eve"}`, 422, "mailbox: must be one of postmaster, hostmaster, admin"},
		"mail to no domain":    {"POST", "/acme/domains/x.example/mail", `{"mailbox":"admin"}`, 404, "caddy sigra org domains acme"},
		"a wrong code":         {"POST", "/acme/domains/example.invalid/code", `{"code":"x"}`, 422, "code: is not that of a mail"},
		"not proven":           {"POST", "/acme/domains/example.invalid/verify", "", 409, "publish the TXT record"},
		"bad age":              {"PATCH", "/acme/rules", `{"max_age":"x"}`, 400, "max_age"},
		"personal workspace":   {"DELETE", "/user-" + bob, "", 409, "caddy sigra user delete"},
		"leave it":             {"DELETE", "/user-" + bob + "/members/" + bob, "", 409, "stays as long as its user"},
	} {
		var told map[string]string
		if code := g.operate(t, test.method, "/sigra/orgs"+test.path, test.body, &told); code != test.status || !strings.Contains(told["error"], test.says) {
			t.Errorf("%s: %d %q, want %d %q", name, code, told["error"], test.status, test.says)
		}
	}
}

// TestDeletingAnOwnerTellsHowToPassOn what they own alone.
func TestDeletingAnOwnerTellsHowToPassOn(t *testing.T) {
	g, _ := newOrgs(t, "")
	bob := g.addAccount(t, "bob@example.com")
	g.mustOperate(t, "POST", "/sigra/orgs/acme/members", `{"user":"`+bob+`"}`, nil)
	var told map[string]string
	code := g.operate(t, "DELETE", "/sigra/users/"+testEmail, "", &told)
	if code != http.StatusConflict || !strings.Contains(told["error"], "Acme Inc: caddy sigra org set-role acme <email|id> owner") {
		t.Errorf("%d %q", code, told["error"])
	}
	g.mustOperate(t, "PUT", "/sigra/orgs/acme/members/"+bob, `{"role":"owner"}`, nil)
	g.mustOperate(t, "DELETE", "/sigra/users/"+testEmail, "", nil)
}

// TestOrgsWithoutPages: operators manage organizations in every mode.
func TestOrgsWithoutPages(t *testing.T) {
	for _, mode := range []string{"", "orgs off", "orgs admins", "orgs anyone"} {
		g, cookie := newOrgs(t, mode)
		if got := g.groups(t, cookie); got != "acme:owner" {
			t.Errorf("%q: the app is told %q", mode, got)
		}
		var events []eventView
		g.mustOperate(t, "GET", "/sigra/orgs/acme/audit", "", &events)
		if len(events) != 1 || events[0].Action != "organization.create" || events[0].Actor != "operator" || fmt.Sprint(events[0].Metadata) != "map[name:Acme Inc slug:acme]" {
			t.Errorf("%q: %+v", mode, events)
		}
	}
}
