package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// operate sends a request to the operator's side and decodes the answer.
func (g *gateway) operate(t *testing.T, method, path, body string, to any) int {
	t.Helper()
	w := httptest.NewRecorder()
	operations{g.app}.mux().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if to != nil {
		if err := json.Unmarshal(w.Body.Bytes(), to); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return w.Code
}

func TestOperatorManagesUsers(t *testing.T) {
	g := newGateway(t, "", "sigra")
	var ada, bob userView
	if code := g.operate(t, "POST", "/sigra/users", `{"email":"Ada@Example.com","name":"Ada","role":"admin","password":"`+testPassword+`"}`, &ada); code != 200 {
		t.Fatalf("add: %d", code)
	}
	if !ada.Verified || ada.Role != "admin" || ada.Email != "Ada@Example.com" {
		t.Errorf("%+v", ada)
	}
	g.operate(t, "POST", "/sigra/users", `{"email":"bob@example.com","password":"`+testPassword+`","unverified":true}`, &bob)
	if bob.Verified {
		t.Errorf("%+v", bob)
	}
	var list []userView
	g.operate(t, "GET", "/sigra/users", "", &list)
	if len(list) != 2 || list[0].ID != ada.ID {
		t.Errorf("%+v", list)
	}
	g.operate(t, "GET", "/sigra/users?after="+ada.ID, "", &list)
	if len(list) != 1 || list[0].ID != bob.ID {
		t.Errorf("after the first: %+v", list)
	}
	for _, ref := range []string{"ada@example.com", "ADA@EXAMPLE.COM", ada.ID} {
		var view userView
		if code := g.operate(t, "POST", "/sigra/users/"+ref+"/disable", "", &view); code != 200 || view.Disabled == nil {
			t.Errorf("disable %s: %d %+v", ref, code, view)
		}
		view = userView{}
		if code := g.operate(t, "POST", "/sigra/users/"+ref+"/enable", "", &view); code != 200 || view.Disabled != nil {
			t.Errorf("enable %s: %d %+v", ref, code, view)
		}
	}
}

func TestOperatorErrors(t *testing.T) {
	g := newGateway(t, "", "sigra")
	g.signIn(t)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"address taken":       {"POST", "/sigra/users", `{"email":"` + testEmail + `","password":"` + testPassword + `"}`, 409, "there is an account with this address already"},
		"invited member":      {"POST", "/sigra/users/invite", `{"email":"` + testEmail + `"}`, 409, "there is an account with this address already"},
		"nothing to approve":  {"POST", "/sigra/users/" + testEmail + "/approve", "", 409, "does not wait for approval"},
		"owner unknown":       {"POST", "/sigra/orgs", `{"name":"Acme","owner":"no@example.com"}`, 404, "no such user: no@example.com"},
		"user to find":        {"POST", "/sigra/users/find", `{"email":"no@example.com"}`, 404, "no such user: no@example.com"},
		"no address":          {"POST", "/sigra/users", `{"password":"` + testPassword + `"}`, 422, "email: is required"},
		"bad fields":          {"POST", "/sigra/users", `{"email":"x","password":"short"}`, 422, "email: is not an e-mail address; password: is too short, use at least 8 characters"},
		"common password":     {"POST", "/sigra/users", `{"email":"c@example.com","password":"password1"}`, 422, "most common"},
		"unknown role":        {"POST", "/sigra/users", `{"email":"c@example.com","role":"root","password":"` + testPassword + `"}`, 400, "role must be"},
		"unknown field":       {"POST", "/sigra/users", `{"mail":"c@example.com"}`, 400, "unknown field"},
		"not JSON":            {"POST", "/sigra/users", `nonsense`, 400, "reading request"},
		"unknown user":        {"POST", "/sigra/users/nobody@example.com/disable", "", 404, "no such user"},
		"nonsense for a user": {"POST", "/sigra/users/%00/disable", "", 404, "no such user"},
		"unknown session":     {"DELETE", "/sigra/users/" + testEmail + "/sessions/x", "", 404, "no such user or session"},
		"set-up too late":     {"POST", "/sigra/setup", "", 409, "first account exists"},
		"short password":      {"PUT", "/sigra/users/" + testEmail + "/password", `{"password":"x"}`, 422, "too short"},
	} {
		var told map[string]string
		if code := g.operate(t, test.method, test.path, test.body, &told); code != test.status || !strings.Contains(told["error"], test.says) || strings.Contains(told["error"], "conflict") {
			t.Errorf("%s: %d %q, want %d %q", name, code, told["error"], test.status, test.says)
		}
	}
	if code := g.operate(t, "GET", "/sigra/nothing", "", nil); code != 404 {
		t.Errorf("unknown path: %d", code)
	}
	if code := g.operate(t, "DELETE", "/sigra/users", "", nil); code != 405 {
		t.Errorf("wrong method: %d", code)
	}
}

func TestOperatorEndsSessions(t *testing.T) {
	g := newGateway(t, "", "sigra")
	first, second := g.signIn(t), g.signIn(t)
	passes := func(cookie string) bool { return g.do(t, get("/", "Cookie", cookie)).Code == http.StatusOK }
	if !passes(first) || !passes(second) {
		t.Fatal("a new session does not pass")
	}
	var list []sessionView
	g.operate(t, "GET", "/sigra/users/"+testEmail+"/sessions", "", &list)
	if len(list) != 2 || list[0].IP != "192.0.2.1" {
		t.Fatalf("%+v", list)
	}
	var revoked map[string]int
	g.operate(t, "DELETE", "/sigra/users/"+testEmail+"/sessions/"+list[1].ID, "", &revoked)
	if revoked["revoked"] != 1 || passes(first) || !passes(second) {
		t.Errorf("after revoking the older session: %v, first passes %v, second %v", revoked, passes(first), passes(second))
	}
	g.operate(t, "DELETE", "/sigra/users/"+testEmail+"/sessions", "", &revoked)
	if revoked["revoked"] != 1 || passes(second) {
		t.Errorf("after revoking all: %v", revoked)
	}
}

func TestDisablingAndNewPasswordEndSessions(t *testing.T) {
	for name, act := range map[string]struct{ method, path, body string }{
		"disable":  {"POST", "/disable", ""},
		"password": {"PUT", "/password", `{"password":"another fine password"}`},
	} {
		g := newGateway(t, "", "sigra")
		cookie := g.signIn(t)
		if code := g.operate(t, act.method, "/sigra/users/"+testEmail+act.path, act.body, nil); code != 200 {
			t.Fatalf("%s: %d", name, code)
		}
		if w := g.do(t, get("/", "Cookie", cookie)); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: the next request got %d", name, w.Code)
		}
	}
}

func TestOperatorRotatesKeys(t *testing.T) {
	g := newGateway(t, "", "sigra")
	var keys []keyView
	g.operate(t, "GET", "/sigra/keys", "", &keys)
	if len(keys) != 1 || keys[0].State != "active" || keys[0].Algorithm != "ES256" {
		t.Fatalf("%+v", keys)
	}
	var rotated map[string]string
	if code := g.operate(t, "POST", "/sigra/keys/rotate", "", &rotated); code != 200 || rotated["kid"] == "" {
		t.Fatalf("%d %v", code, rotated)
	}
	g.operate(t, "GET", "/sigra/keys", "", &keys)
	if len(keys) != 2 || keys[0].State != "next" || keys[0].ID != rotated["kid"] {
		t.Errorf("%+v", keys)
	}
	var told map[string]string
	if code := g.operate(t, "POST", "/sigra/keys/rotate", "", &told); code != 409 || !strings.Contains(told["error"], "published already") || strings.Contains(told["error"], "conflict") {
		t.Errorf("rotating again before the new key signs: %d %v", code, told)
	}
}

func TestStatus(t *testing.T) {
	g := newGateway(t, "", "sigra")
	var status statusView
	g.operate(t, "GET", "/sigra/status", "", &status)
	if !status.Ready || status.Database != "ok" || status.SessionStore != "ok" || status.Accounts == nil || *status.Accounts || status.Portal != "http://localhost:8080/_auth" {
		t.Errorf("%+v", status)
	}
	var link map[string]string
	g.operate(t, "POST", "/sigra/setup", "", &link)
	if !strings.HasPrefix(link["link"], "http://localhost:8080/_auth/setup/") {
		t.Errorf("%v", link)
	}
	if code := g.operate(t, "POST", "/sigra/migrate", "", nil); code != 200 {
		t.Errorf("migrate: %d", code)
	}
}

func TestStatusWhileStoresAreAway(t *testing.T) {
	g := newGateway(t, "", "sigra")
	g.app.engine.backend.Ping = func(context.Context) error { return errors.New("no answer") }
	var status statusView
	g.operate(t, "GET", "/sigra/status", "", &status)
	if status.Ready || status.SessionStore != "unavailable" || status.Trouble != "no answer" || status.Database != "ok" || status.Accounts == nil {
		t.Errorf("without the session store: %+v", status)
	}
	if err := g.app.engine.db.Close(); err != nil {
		t.Fatal(err)
	}
	g.app.checkup.at = time.Time{}
	status = statusView{}
	g.operate(t, "GET", "/sigra/status", "", &status)
	if status.Ready || status.Database != "unavailable" || !strings.HasPrefix(status.Trouble, "no answer; ") || status.Accounts != nil {
		t.Errorf("without both: %+v", status)
	}
}

// TestLengthOfPasswords: operators and visitors are told how long a password must be
// here.
func TestLengthOfPasswords(t *testing.T) {
	g := newGateway(t, "signup open\npassword {\nmin_length 15\n}", "sigra")
	var told map[string]string
	g.operate(t, "POST", "/sigra/users", `{"email":"c@example.com","password":"seven7 letters"}`, &told)
	if told["error"] != "password: is too short, use at least 15 characters" {
		t.Errorf("%v", told)
	}
	if w := g.do(t, get("/_auth/register", "Accept", "text/html")); !strings.Contains(w.Body.String(), "At least 15 characters") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestLinksNeedAnAddress: where only a wildcard leads to the pages, nobody is sent a
// link, which would lead nowhere.
func TestLinksNeedAnAddress(t *testing.T) {
	g := newGatewayAt(t, "http://*.wild.test", "", "sigra")
	for path, body := range map[string]string{"/sigra/users/invite": `{"email":"eve@example.com"}`, "/sigra/setup": ""} {
		var told map[string]string
		if code := g.operate(t, "POST", path, body, &told); code != 400 || !strings.Contains(told["error"], "name it by the option origin") {
			t.Errorf("%s: %d %v", path, code, told)
		}
	}
	var status statusView
	if g.operate(t, "GET", "/sigra/status", "", &status); !status.Ready || status.Portal != "" {
		t.Errorf("%+v", status)
	}
}
