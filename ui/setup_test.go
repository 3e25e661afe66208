package ui

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
)

func TestSetUpPage(t *testing.T) {
	p := newPortal(t)
	w := p.get("/_auth/setup/secret")
	want(t, w, http.StatusOK, "<title>Create the first account · Sigra</title>", `action="/_auth/setup/secret"`,
		`autocomplete="new-password"`, `autocomplete="name"`, `autocomplete="username"`)
	wantHeader(t, w, "Referrer-Policy", "no-referrer")
	if !slices.Equal(p.accounts.calls, []string{"CheckSetUp secret"}) {
		t.Errorf("looking did %v", p.accounts.calls)
	}
}

func TestSetUpLinkThatDoesNotWork(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"used":     {authcore.ErrNotFound, http.StatusNotFound},
		"too late": {authcore.ErrConflict, http.StatusConflict},
		"away":     {authcore.ErrUnavailable, http.StatusServiceUnavailable},
		"broken":   {errBroken, http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPortal(t)
			p.accounts.err = c.err
			for _, w := range []interface {
				Header() http.Header
			}{p.get("/_auth/setup/s3cret-link"), p.post("/_auth/setup/s3cret-link", url.Values{})} {
				if w.Header().Get("Referrer-Policy") != "no-referrer" {
					t.Error("the error page tells its address")
				}
			}
			want(t, p.get("/_auth/setup/s3cret-link"), c.status)
			want(t, p.post("/_auth/setup/s3cret-link", url.Values{}), c.status)
			if strings.Contains(p.log.String(), "s3cret-link") {
				t.Errorf("the secret is in the log: %s", p.log)
			}
		})
	}
}

func TestSetUp(t *testing.T) {
	p := newPortal(t)
	form := url.Values{"email": {"ada@example.com"}, "name": {"Ada"}, "password": {"correct horse"}}
	w := p.post("/_auth/setup/secret", form)
	wantNext(t, w, "/_auth/account")
	wanted := account.SetUp{Secret: "secret", Email: "ada@example.com", Name: "Ada", Password: "correct horse", Client: p.facts.Client}
	if !reflect.DeepEqual(p.accounts.setUp, wanted) {
		t.Errorf("the service was asked %+v", p.accounts.setUp)
	}
	if c := cookie(w, "__Host-sigra"); c == nil || c.Value != freshToken.String() {
		t.Errorf("not signed in: %v", c)
	}
}

func TestSetUpWithBadFields(t *testing.T) {
	p := newPortal(t)
	p.accounts.err = &account.InvalidError{Fields: map[string]account.Problem{
		"email": account.ProblemEmail, "name": account.ProblemNameTooLong, "password": account.ProblemCommon,
	}}
	form := url.Values{"email": {xss}, "name": {xss}, "password": {"s3cret-typed"}}
	w := p.post("/_auth/setup/secret", form)
	want(t, w, http.StatusUnprocessableEntity, "This is not an e-mail address. Enter one such as name@example.com.", "This name is too long.", "most common passwords",
		`<a href="#email">`, `<a href="#name">`, `<a href="#password">`, `id="email-error"`, `aria-describedby="email-error"`,
		`aria-describedby="password-hint password-error"`, `role="alert" tabindex="-1" autofocus`)
	if body := w.Body.String(); strings.Contains(body, "s3cret-typed") || strings.Contains(body, "<script>alert") {
		t.Errorf("the page echoes too much:\n%s", body)
	}
	w = p.post("/_auth/setup/secret", form, "Accept", asJSON)
	want(t, w, http.StatusUnprocessableEntity)
	errors := decode(t, w)["errors"].(map[string]any)
	if len(errors) != 3 || errors["email"] != "This is not an e-mail address. Enter one such as name@example.com." {
		t.Errorf("%v", errors)
	}
}

func TestEveryProblemOfAFieldHasAMessage(t *testing.T) {
	p := newPortal(t)
	for _, problem := range []account.Problem{
		account.ProblemRequired, account.ProblemEmail, account.ProblemTooShort, account.ProblemTooLong, account.ProblemCommon,
		account.ProblemContext, account.ProblemWrongPassword, account.ProblemNameTooLong,
	} {
		if _, ok := p.handler.languages.of("en")["field."+string(problem)]; !ok {
			t.Errorf("%s has no message", problem)
		}
	}
}
