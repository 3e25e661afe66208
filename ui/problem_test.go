package ui

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/policy"
)

var errBroken = errors.New("dial tcp 10.0.0.1: secret cause")

// problem asks for an error page as the gate in front of an app does.
func (p *portal) problem(r *http.Request, problem Problem) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.handler.Problem(w, r, p.facts, problem)
	return w
}

func TestProblemPages(t *testing.T) {
	p := newPortal(t)
	for status, title := range map[int]string{
		400: "That did not work", 401: "Please sign in", 403: "You cannot open this page", 404: "Nothing here", 405: "That does not work",
		409: "Somebody was faster", 413: "Too much data", 415: "Unknown kind of data", 421: "Wrong address", 422: "Please check your input",
		425: "Please try again", 429: "Too many attempts", 500: "Something went wrong", 502: "Something went wrong", 503: "Back in a moment",
	} {
		w := p.problem(request(http.MethodGet, "/page", ""), Problem{Status: status})
		want(t, w, status, "<title>"+title+" · Sigra</title>", "<h1>"+title+"</h1>")
		wantHeader(t, w, "Cache-Control", "no-store")
		w = p.problem(request(http.MethodGet, "/page", "", "Accept", "*/*"), Problem{Status: status})
		want(t, w, status)
		wantHeader(t, w, "Content-Type", "application/problem+json")
		if got := decode(t, w); got["type"] != "about:blank" || got["title"] != title || got["status"] != float64(status) || got["detail"] == "" {
			t.Errorf("%v", got)
		}
	}
	if w := p.problem(request(http.MethodGet, "/", ""), Problem{Status: 302}); w.Code != 302 || !strings.Contains(w.Body.String(), "Found") {
		t.Errorf("a status without a message: %d", w.Code)
	}
}

func TestForbiddenPageNamesAccountAndReason(t *testing.T) {
	p := newPortal(t)
	problem := Problem{
		Status: http.StatusForbidden, Account: "ada@example.com",
		Missing: []Missing{{Key: "missing_role", Wanted: []string{"owner", "<support>"}}, {Key: "missing_org"}},
	}
	w := p.problem(request(http.MethodGet, "/page?x=1", ""), problem)
	want(t, w, http.StatusForbidden, "ada@example.com", "one of these roles: Owner, &lt;support&gt;.", "a membership in an organization",
		`<form method="post" action="/_auth/logout">`, `name="return_to" value="/page?x=1"`, "Use another account")
	wantHeader(t, w, "Location", "")
	if strings.Contains(w.Body.String(), "/_auth/login") {
		t.Error("the page leads to sign-in, which leads back")
	}
	w = p.problem(request(http.MethodGet, "/page", "", "Accept", asJSON), problem)
	if missing := decode(t, w)["missing"].([]any); len(missing) != 2 {
		t.Errorf("%v", missing)
	}
	w = p.problem(request(http.MethodGet, "/page", ""), Problem{Status: http.StatusForbidden})
	if want(t, w, http.StatusForbidden); strings.Contains(w.Body.String(), "Use another account") {
		t.Error("nobody is signed in, but may switch")
	}
}

func TestEveryMissingConditionHasAMessage(t *testing.T) {
	m := english(t)
	for _, condition := range []policy.Condition{policy.MissingEmailDomain, policy.MissingRole, policy.MissingOrg} {
		key := "missing_" + string(condition)
		if _, ok := m[key]; !ok {
			t.Errorf("%s has no message", key)
		}
	}
}

func TestProblemPagesLeadNowhereElse(t *testing.T) {
	p := newPortal(t)
	link := regexp.MustCompile(`(?:href|action|value)="([^"]*evil[^"]*)"`)
	for _, uri := range []string{"//evil.example/x", `/\evil.example`, "/%2fevil.example", "//evil.example/_auth/account"} {
		r := request(http.MethodGet, "/", "")
		r.URL = &url.URL{Opaque: uri} // what RequestURI returns as it stands
		for _, status := range []int{401, 403, 404, 425, 429, 500, 503} {
			w := p.problem(r, Problem{Status: status, Account: "ada@example.com"})
			if found := link.FindString(w.Body.String()); found != "" {
				t.Errorf("%d for %s has %s", status, uri, found)
			}
		}
	}
}

func TestProblemPagesEscape(t *testing.T) {
	p := newPortal(t)
	r := request(http.MethodGet, "/page?x="+url.QueryEscape(xss), "")
	for _, status := range []int{401, 403, 404, 503} {
		w := p.problem(r, Problem{Status: status, Account: xss, Missing: []Missing{{Key: "missing_role", Wanted: []string{xss}}}, ID: xss})
		if strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%d:\n%s", status, w.Body)
		}
	}
}

func TestProblemOffersWhatHelps(t *testing.T) {
	p := newPortal(t)
	w := p.problem(request(http.MethodGet, "/page?x=1", ""), Problem{Status: 401})
	want(t, w, 401, `href="/_auth/login?return_to=%2Fpage%3Fx%3D1"`)
	wantHeader(t, w, "Www-Authenticate", `Bearer realm="sigra"`)
	w = p.problem(request(http.MethodGet, "/page", ""), Problem{Status: 503, RetryAfter: 1500 * time.Millisecond})
	want(t, w, 503, `href="/page"`, "Try again")
	wantHeader(t, w, "Retry-After", "2")
	w = p.problem(request(http.MethodPost, "/page", ""), Problem{Status: 503})
	if want(t, w, 503); strings.Contains(w.Body.String(), "Try again") {
		t.Error("a link cannot send a form again")
	}
}

func TestAFormWhoseSessionHadEndedIsComeBackTo(t *testing.T) {
	p := newPortal(t)
	for path, page := range map[string]string{
		"/_auth/account/profile": "%2F_auth%2Faccount%2Fprofile", "/_auth/account/sessions/revoke": "%2F_auth%2Faccount%2Fsessions", "/_auth/orgs/acme/members/role": "%2F_auth%2Forgs%2Facme%2Fmembers",
		"/_auth/step-up": "%2Fthere",
	} {
		w := p.post(path, url.Values{"return_to": {"/there"}})
		if page != "%2Fthere" {
			page += "%3Freturn_to%3D%252Fthere"
		}
		want(t, w, http.StatusUnauthorized, `href="/_auth/login?ended=1&amp;return_to=`+page+`"`)
	}
	want(t, p.post("/_auth/account/profile", url.Values{"return_to": {"//evil.example"}}), http.StatusUnauthorized, `href="/_auth/login?ended=1&amp;return_to=%2F_auth%2Faccount%2Fprofile"`)
	want(t, p.get("/_auth/login?ended=1"), http.StatusOK, "Your session had ended.")
}

func TestAChallengeOfTheGateIsKept(t *testing.T) {
	p := newPortal(t)
	w := httptest.NewRecorder()
	w.Header().Set("Www-Authenticate", "Bearer realm=\"app\"")
	p.handler.Problem(w, request(http.MethodGet, "/", ""), p.facts, Problem{Status: 401})
	wantHeader(t, w, "Www-Authenticate", "Bearer realm=\"app\"")
}

func TestInternalErrorsStayInTheLog(t *testing.T) {
	p := newPortal(t)
	p.accounts.err = errBroken
	w := p.post("/_auth/login", credentials())
	want(t, w, http.StatusInternalServerError, "Error number")
	id := regexp.MustCompile(`<code>([A-Z2-7]{10})</code>`).FindStringSubmatch(w.Body.String())
	if id == nil {
		t.Fatalf("no error id:\n%s", w.Body)
	}
	if strings.Contains(w.Body.String(), "secret cause") {
		t.Error("the page tells the cause")
	}
	if log := p.log.String(); !strings.Contains(log, "secret cause") || !strings.Contains(log, id[1]) {
		t.Errorf("the log lacks cause or id: %s", log)
	}
	if strings.Contains(p.log.String(), "correct horse") {
		t.Error("the log holds the password")
	}
	w = p.post("/_auth/login", credentials(), "Accept", asJSON)
	if want(t, w, http.StatusInternalServerError); decode(t, w)["error_id"] == "" || strings.Contains(w.Body.String(), "secret cause") {
		t.Errorf("%s", w.Body)
	}
}
