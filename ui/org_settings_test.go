package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/org"
)

func TestOrgSettings(t *testing.T) {
	p := newPortal(t)
	want(t, p.see("/orgs/acme/settings?saved=1"), http.StatusOK, "It is saved.", `value="Acme &amp; Co"`, "/settings/rules", "/settings/domains", "/settings/slug",
		"/settings/transfer", "/settings/delete")
	wantNext(t, p.send("/orgs/acme/settings", "name", "New & Co"), "/_auth/orgs/acme/settings?saved=1")
	p.called("Rename acme New & Co")
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"name": account.ProblemNameTooLong}}
	want(t, p.send("/orgs/acme/settings", "name", "<b>"), http.StatusUnprocessableEntity, "too long", `value="&lt;b&gt;"`)
	p.orgs.err = fmt.Errorf("changing: %w", &org.LimitError{Until: testNow.Add(90 * time.Minute)})
	w := p.send("/orgs/acme/settings", "name", "x")
	want(t, w, http.StatusTooManyRequests, "changed again from 2026-11-23 13:30 UTC on")
	wantHeader(t, w, "Retry-After", "5400")
	p.orgs.err = authcore.ErrUnavailable
	want(t, p.send("/orgs/acme/settings", "name", "x"), http.StatusServiceUnavailable)
	p.orgs.personal = true
	lacks(t, p.see("/orgs/acme/settings"), "/settings/transfer", "/settings/delete")
}

func TestChangeSlug(t *testing.T) {
	p := newPortal(t)
	want(t, p.see("/orgs/acme/settings/slug"), http.StatusOK, "type the current one: acme", "7 days")
	wantNext(t, p.send("/orgs/acme/settings/slug", "slug", "new-acme", "typed", "acme"), "/_auth/orgs/new-acme/settings?saved=1")
	p.called("ChangeSlug acme new-acme acme")
	wantNext(t, p.send("/orgs/acme/settings/slug", "slug", " new-acme ", "typed", "acme"), "/_auth/orgs/new-acme/settings?saved=1")
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"slug": org.ProblemSlug, "typed": org.ProblemTyped}}
	want(t, p.send("/orgs/acme/settings/slug", "slug", "<b>", "typed", "x"), http.StatusUnprocessableEntity, "3 to 63", "not the same", `value="&lt;b&gt;"`)
	p.orgs.err = &org.LimitError{Until: testNow.Add(time.Hour)}
	want(t, p.send("/orgs/acme/settings/slug", "slug", "new-acme", "typed", "acme"), http.StatusTooManyRequests, `id="slug-error" role="alert">This has been changed too often`)
}

func TestDeleteOrg(t *testing.T) {
	p := newPortal(t)
	want(t, p.see("/orgs/acme/settings/delete"), http.StatusOK, "type its name: Acme &amp; Co")
	wantNext(t, p.send("/orgs/acme/settings/delete", "typed", "Acme & Co"), "/_auth/orgs?done=org_deleted")
	p.called("Delete acme Acme & Co")
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"typed": org.ProblemTyped}}
	want(t, p.send("/orgs/acme/settings/delete", "typed", "x"), http.StatusUnprocessableEntity, "not the same")
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs/acme/settings/delete", "typed", "x"), http.StatusNotFound)
}

func TestTransferOrg(t *testing.T) {
	p := newPortal(t)
	w := p.see("/orgs/acme/settings/transfer?q=b")
	want(t, w, http.StatusOK, `type="radio" name="to" value="`+bobID+`"`, `name="q" value="b"`)
	want(t, w, http.StatusOK, "You become: Admin.")
	lacks(t, w, `value="user-1"`, "There are more")
	p.orgs.next = bobID
	want(t, p.see("/orgs/acme/settings/transfer"), http.StatusOK, "There are more")
	want(t, p.see("/orgs/acme/settings/transfer?q=nobody"), http.StatusOK, "No member found.")
	want(t, p.send("/orgs/acme/settings/transfer", "q", "bob"), http.StatusUnprocessableEntity, "Choose a member.", `value="bob"`)
	if len(p.orgs.calls) > 0 {
		t.Errorf("transferred to nobody: %v", p.orgs.calls)
	}
	wantNext(t, p.send("/orgs/acme/settings/transfer", "to", bobID), "/_auth/orgs/acme?done=transferred")
	p.called("Transfer acme " + bobID)
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send("/orgs/acme/settings/transfer", "to", adaID), http.StatusNotFound)
	p.orgs.err = fmt.Errorf("transferring organization: %w", org.ErrLimit)
	want(t, p.send("/orgs/acme/settings/transfer", "to", bobID), http.StatusUnprocessableEntity, "own as many", bobID)
}

func TestRulesPage(t *testing.T) {
	p := newPortal(t)
	w := p.see("/orgs/acme/settings/rules")
	want(t, w, http.StatusOK, "Members without it: 1", "bob@example.com", `<option value="" selected>`, `name="method_passkey"`)
	lacks(t, w, "and others", "checked")
	p.orgs.affected, p.orgs.rules = 30, authcore.OrgRules{TwoStep: true, MaxAge: 8 * time.Hour, Methods: []authcore.FactorKind{authcore.FactorPasskey}}
	want(t, p.see("/orgs/acme/settings/rules"), http.StatusOK, "Members without it: 30", "and others", `name="two_step" value="on" checked`,
		`<option value="8h0m0s" selected>`, `name="method_passkey" value="on" checked`)
	p.orgs.affected, p.orgs.rules.MaxAge = 0, 90*time.Minute
	want(t, p.see("/orgs/acme/settings/rules"), http.StatusOK, "All members have it already.", `<option value="1h30m0s" selected>`)
	answer := decode(t, p.see("/orgs/acme/settings/rules", "Accept", asJSON))
	if answer["two_step"] != true || answer["max_age"] != "1h30m0s" || answer["methods"].([]any)[0] != "passkey" || answer["affected_count"] != 0.0 {
		t.Errorf("%v", answer)
	}
}

func TestSetRules(t *testing.T) {
	p := newPortal(t)
	wantNext(t, p.send("/orgs/acme/settings/rules", "two_step", "on", "max_age", "8h0m0s", "method_link", "on", "method_passkey", "true"), "/_auth/orgs/acme/settings?saved=1")
	p.called("SetRules acme")
	if got := p.orgs.asked; !got.TwoStep || got.MaxAge != 8*time.Hour || !slices.Equal(got.Methods, []authcore.FactorKind{authcore.FactorLink, authcore.FactorPasskey}) {
		t.Errorf("%+v", got)
	}
	wantNext(t, p.send("/orgs/acme/settings/rules"), "/_auth/orgs/acme/settings?saved=1")
	if got := p.orgs.asked; got.TwoStep || got.MaxAge != 0 || got.Methods != nil {
		t.Errorf("%+v", got)
	}
	n := len(p.orgs.calls)
	for _, age := range []string{"soon", "0s", "8"} {
		want(t, p.send("/orgs/acme/settings/rules", "max_age", age), http.StatusUnprocessableEntity, "between 15 minutes and a year")
	}
	if len(p.orgs.calls) != n {
		t.Errorf("%v", p.orgs.calls)
	}
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"two_step": org.ProblemLockout, "methods": org.ProblemMethods}}
	want(t, p.send("/orgs/acme/settings/rules", "two_step", "on", "method_link", "on"), http.StatusUnprocessableEntity,
		"lock yourself out", "Choose from the list", `name="two_step" value="on" checked`, `name="method_link" value="on" checked`, "bob@example.com")
}

func TestDomainsPage(t *testing.T) {
	p := newPortal(t)
	w := p.see("/orgs/acme/settings/domains")
	want(t, w, http.StatusOK, `href="/_auth/orgs/acme/settings/domains/new"`)
	p.orgs.domains = []org.Domain{
		{Name: "acme.example", Role: "member", Challenge: "sigra-domain=XYZ", Ask: true}, {Name: "proven.example", Role: "admin", VerifiedAt: testNow},
	}
	w = p.see("/orgs/acme/settings/domains?mailed=acme.example")
	want(t, w, http.StatusOK, "sigra-domain=XYZ", "Not verified yet", "New members need approval, and become: Member", `<option value="postmaster">postmaster@acme.example</option>`,
		"Verified on 2026-11-23", "New members become: Admin", "An e-mail with a code is on its way", "<details open>")
	list := decode(t, p.see("/orgs/acme/settings/domains", "Accept", asJSON))["domains"].([]any)
	if first := list[0].(map[string]any); first["challenge"] != "sigra-domain=XYZ" || first["verified_at"] != nil || first["ask"] != true {
		t.Errorf("%v", list)
	}
}

func TestAddDomain(t *testing.T) {
	p := newPortal(t)
	w := p.see("/orgs/acme/settings/domains/new")
	want(t, w, http.StatusOK, `<option value="member" selected>`, `name="ask" value="on" checked`)
	lacks(t, w, `<option value="owner"`)
	wantNext(t, p.send("/orgs/acme/settings/domains/new", "domain", "acme.example", "role", "member", "ask", "on"), "/_auth/orgs/acme/settings/domains")
	p.called("AddDomain acme acme.example member true")
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"domain": org.ProblemDomain, "role": org.ProblemRole}}
	w = p.send("/orgs/acme/settings/domains/new", "domain", "<b>", "role", "admin")
	want(t, w, http.StatusUnprocessableEntity, "not a domain", "one of the roles", `value="&lt;b&gt;"`, `<option value="admin" selected>`)
	lacks(t, w, "checked")
	p.orgs.err = org.ErrLimit
	want(t, p.send("/orgs/acme/settings/domains/new", "domain", "acme.example"), http.StatusUnprocessableEntity, "There are 20 domains")
	p.orgs.err = authcore.ErrConflict
	want(t, p.send("/orgs/acme/settings/domains/new", "domain", "acme.example"), http.StatusConflict, "Another organization has verified")
}

func TestProveDomain(t *testing.T) {
	p := newPortal(t)
	p.orgs.domains = []org.Domain{{Name: "other.example"}, {Name: "acme.example", Role: "member", Challenge: "sigra-domain=XYZ"}}
	const page = "/orgs/acme/settings/domains"
	for action, call := range map[string]string{
		"/check": "VerifyByDNS acme acme.example", "/code": "VerifyByMail acme acme.example code", "/remove": "RemoveDomain acme acme.example",
	} {
		wantNext(t, p.send(page+action, "domain", "acme.example", "code", "code"), "/_auth"+page)
		p.called(call)
	}
	wantNext(t, p.send(page+"/mail", "domain", "acme.example", "mailbox", "admin"), "/_auth"+page+"?mailed=acme.example")
	p.called("MailProof acme acme.example admin")
	p.orgs.err = org.ErrUnproven
	want(t, p.send(page+"/check", "domain", "acme.example"), http.StatusUnprocessableEntity, "The record is not there yet")
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"code": account.ProblemWrongCode}}
	want(t, p.send(page+"/code", "domain", "acme.example", "code", "x"), http.StatusUnprocessableEntity, "not the code", `id="code-error-acme.example"`, "<details open>")
	p.orgs.err = fmt.Errorf("storing: %w", org.ErrLimit)
	want(t, p.send(page+"/mail", "domain", "acme.example", "mailbox", "admin"), http.StatusUnprocessableEntity, "Too many e-mails")
	p.orgs.err = authcore.ErrConflict
	want(t, p.send(page+"/check", "domain", "acme.example"), http.StatusConflict, "Another organization has verified")
	p.orgs.err = authcore.ErrNotFound
	want(t, p.send(page+"/remove", "domain", "unknown.example"), http.StatusNotFound)
}

func TestSoleOwnersCannotDeleteTheirAccount(t *testing.T) {
	p := newPortal(t)
	p.deletions.err = &deletion.SoleOwnerError{Orgs: p.orgs.mine[:1]}
	w := p.post("/_auth/account/delete", url.Values{"confirm": {"yes"}, "current": {"secret"}}, "Cookie", cookieLine())
	want(t, w, http.StatusConflict, "the only owner", `href="/_auth/orgs/acme/settings"`, "Acme &amp; Co")
	if cookie(w, testCookie.Name) != nil {
		t.Error("the visitor was signed out")
	}
}

func TestTransferWithNobodyElse(t *testing.T) {
	p := newPortal(t)
	p.orgs.members = p.orgs.members[:1]
	w := p.see("/orgs/acme/settings/transfer")
	want(t, w, http.StatusOK, "There is no other member yet.", `href="/_auth/orgs/acme/invitations"`)
	lacks(t, w, `role="search"`)
}

func TestErrorsLeadToWhereTheyAreMended(t *testing.T) {
	p := newPortal(t)
	p.orgs.err = org.ErrLastOwner
	want(t, p.send("/orgs/acme/leave"), http.StatusConflict, `href="/_auth/orgs/acme/members">Members</a></div>`)
	p.orgs.err = &account.InvalidError{Fields: map[string]account.Problem{"two_step": org.ProblemLockout}}
	want(t, p.send("/orgs/acme/settings/rules", "two_step", "on"), http.StatusUnprocessableEntity, `href="/_auth/account/mfa">Two-step sign-in</a></p>`)
}
