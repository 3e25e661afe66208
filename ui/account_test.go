package ui

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

func TestAccountPage(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/_auth", "/_auth/", "/_auth/account"} {
		w := p.get(path, "Cookie", cookieLine())
		want(t, w, http.StatusOK, "<title>Your account · Sigra</title>", "<h1>Ada</h1>", "ada@example.com", "Administrator",
			"Firefox on Linux", "203.0.113.8", "2026-11-23 11:00 UTC", `href="/_auth/account/sessions"`, `action="/_auth/logout"`)
	}
}

func TestAccountPageOfAPlainUser(t *testing.T) {
	p := newPortal(t)
	p.sessions.live.Identity.Name, p.sessions.live.Identity.Role = "", ""
	w := p.get("/_auth/account", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "<h1>Your account</h1>")
	if strings.Contains(w.Body.String(), "Administrator") {
		t.Error("everybody is an administrator")
	}
}

func TestAccountPageEscapes(t *testing.T) {
	p := newPortal(t)
	s := p.sessions.live.Session
	s.Identity.Name, s.Identity.Email, s.UserAgent, s.Seen.IP = xss, xss, xss, xss
	p.accounts.list = []session.Session{*s}
	p.accounts.list[0].ID = xss
	for _, path := range []string{"/_auth/account", "/_auth/account/sessions", "/_auth/logout", "/_auth/step-up"} {
		w := p.get(path, "Cookie", cookieLine())
		if want(t, w, http.StatusOK); strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s:\n%s", path, w.Body)
		}
	}
}

func TestSignedOutVisitorsAreLedToSignIn(t *testing.T) {
	p := newPortal(t)
	for path, query := range map[string]string{"/_auth/": "/_auth/", "/_auth/account": "/_auth/account", "/_auth/account/sessions": "/_auth/account/sessions"} {
		wantNext(t, p.get(path), "/_auth/login?return_to="+url.QueryEscape(query))
		wantNext(t, p.get(path, "Cookie", testCookie.Name+"="+freshToken.String()), "/_auth/login?return_to="+url.QueryEscape(query))
	}
	w := p.get("/_auth/account", "Accept", asJSON)
	want(t, w, http.StatusUnauthorized)
	wantHeader(t, w, "Content-Type", "application/problem+json")
	if decode(t, w)["login_url"] != testOrigin+"/_auth/login" {
		t.Errorf("%s", w.Body)
	}
}

func twoSessions() []session.Session {
	phone := *testSession("phone")
	phone.UserAgent, phone.Seen = safari, session.Seen{At: testNow.Add(-72 * time.Hour)}
	return []session.Session{*testSession("this"), phone}
}

func TestSessionsPage(t *testing.T) {
	p := newPortal(t)
	p.accounts.list = twoSessions()
	w := p.get("/_auth/account/sessions", "Cookie", cookieLine())
	want(t, w, http.StatusOK, "<title>Where you are signed in · Sigra</title>", "Firefox on Linux", "Safari on iOS",
		`<time datetime="2026-11-23T11:50:00Z">Active now</time>`, "Active 3 days ago", "203.0.113.7",
		`name="session" value="phone"`, `aria-label="Sign out Safari on iOS, 203.0.113.7"`, "revoke-others")
	if n := strings.Count(w.Body.String(), "This device"); n != 1 {
		t.Errorf("%d sessions are this one", n)
	}
	p.accounts.list = p.accounts.list[:1]
	if w := p.get("/_auth/account/sessions", "Cookie", cookieLine()); strings.Contains(w.Body.String(), "revoke-others") {
		t.Error("there is nobody else to sign out")
	}
}

func TestSessionsAsJSON(t *testing.T) {
	p := newPortal(t)
	p.accounts.list = twoSessions()
	w := p.get("/_auth/account/sessions", "Cookie", cookieLine(), "Accept", asJSON)
	want(t, w, http.StatusOK)
	list := decode(t, w)["sessions"].([]any)
	first, second := list[0].(map[string]any), list[1].(map[string]any)
	if len(list) != 2 || first["id"] != "this" || first["current"] != true || second["current"] != false ||
		second["device"] != "Safari on iOS" || first["last_active_at"] != "2026-11-23T11:50:00Z" {
		t.Errorf("%v", list)
	}
}

func TestRevokeASession(t *testing.T) {
	p := newPortal(t)
	w := p.post("/_auth/account/sessions/revoke", url.Values{"session": {"phone"}}, "Cookie", cookieLine())
	wantNext(t, w, "/_auth/account/sessions?done=device_out")
	if p.accounts.revoked != "phone" || len(w.Result().Cookies()) > 0 {
		t.Errorf("revoked %q, cookies %v", p.accounts.revoked, w.Result().Cookies())
	}
	w = p.post("/_auth/account/sessions/revoke", url.Values{"session": {"this"}}, "Cookie", cookieLine())
	wantNext(t, w, "/_auth/login?done=signed_out")
	wantHeader(t, w, "Clear-Site-Data", `"cache", "storage"`)
	if c := cookie(w, "__Host-sigra"); c == nil || c.MaxAge >= 0 {
		t.Errorf("the own cookie stays: %v", c)
	}
}

func TestRevokeOthers(t *testing.T) {
	p := newPortal(t)
	wantNext(t, p.post("/_auth/account/sessions/revoke-others", nil, "Cookie", cookieLine()), "/_auth/account/sessions?done=others_out")
	if len(p.accounts.calls) != 1 || p.accounts.calls[0] != "RevokeOthers" {
		t.Errorf("calls: %v", p.accounts.calls)
	}
}

func TestSessionActionsFail(t *testing.T) {
	for err, status := range map[error]int{
		authcore.ErrNotFound: http.StatusNotFound, authcore.ErrUnavailable: http.StatusServiceUnavailable, errBroken: http.StatusInternalServerError,
	} {
		p := newPortal(t)
		p.accounts.err, p.accounts.listErr = err, err
		want(t, p.post("/_auth/account/sessions/revoke", url.Values{"session": {"foreign"}}, "Cookie", cookieLine()), status)
		want(t, p.post("/_auth/account/sessions/revoke-others", nil, "Cookie", cookieLine()), status)
		want(t, p.get("/_auth/account/sessions", "Cookie", cookieLine()), status)
	}
}

func TestSessionActionsNeedASession(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/_auth/account/sessions/revoke", "/_auth/account/sessions/revoke-others"} {
		want(t, p.post(path, url.Values{"session": {"phone"}}), http.StatusUnauthorized)
		want(t, p.post(path, nil, "Cookie", cookieLine(), "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
		want(t, p.get(path, "Cookie", cookieLine()), http.StatusMethodNotAllowed)
	}
	if len(p.accounts.calls) > 0 {
		t.Errorf("calls: %v", p.accounts.calls)
	}
}

func TestPagesLeadToTheApp(t *testing.T) {
	p := newPortal(t)
	want(t, p.get("/_auth/login"), http.StatusOK, `<a class="brand" href="/">`)
	for _, path := range []string{"/_auth/account", "/_auth/orgs/acme"} {
		want(t, p.get(path, "Cookie", cookieLine()), http.StatusOK, `href="/">Continue to Sigra</a>`)
	}
}

func TestThisDeviceIsActiveNow(t *testing.T) {
	p := newPortal(t)
	p.accounts.list = []session.Session{*testSession("this"), *testSession("other")}
	body := p.get("/_auth/account/sessions", "Cookie", cookieLine()).Body.String()
	if strings.Count(body, "Active now") != 1 || strings.Count(body, "Active 10 minutes ago") != 1 {
		t.Errorf("%s", body)
	}
}

func TestDeletedAccountCanBeKept(t *testing.T) {
	p := newPortal(t)
	want(t, p.get("/_auth/login?deleted=1"), http.StatusOK, "Until 2026-12-07, you can sign in to keep it.")
	p.deletions.grace = 0
	want(t, p.get("/_auth/login?deleted=1"), http.StatusOK, "Your account is deleted.")
}

func TestPagesSayWhatWasDone(t *testing.T) {
	p := newPortal(t)
	for path, text := range map[string]string{
		"/account/sessions?done=device_out": "The device has been signed out.", "/account/passkeys?done=passkey_added": "The passkey has been added.",
		"/account/mfa?done=distrusted": "asked for again there", "/orgs/acme/members?done=member_removed": "The member has been removed.",
		"/orgs/acme?done=transferred": "has been transferred", "/orgs?done=org_deleted": "The organization has been deleted.",
	} {
		want(t, p.get("/_auth"+path, "Cookie", cookieLine()), http.StatusOK, `role="status" tabindex="-1" autofocus>`, text)
	}
	want(t, p.get("/_auth/login?done=signed_out"), http.StatusOK, "You have been signed out.")
	if body := p.get("/_auth/account/sessions?done=nonsense", "Cookie", cookieLine()).Body.String(); strings.Contains(body, `role="status"`) {
		t.Errorf("nothing was done: %s", body)
	}
}
