package ui

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/passkey"
)

// options are enough to build the pages.
func TestOperatorsTemplate(t *testing.T) {
	dir := writeFile(t, "logout.html", `{{define "title"}}Bye{{end}}{{define "main"}}<p>Bye, {{.View.Email}}</p>{{end}}`)
	p := newPortal(t, func(o *Options) { o.TemplateDir = dir })
	want(t, p.get("/_auth/logout", "Cookie", cookieLine()), 200, "<title>Bye · Sigra</title>", "<p>Bye, ada@example.com</p>")
	want(t, p.get("/_auth/login"), 200, "<h1>Sign in</h1>")
}

func TestBrokenTemplates(t *testing.T) {
	const page = "{{define \"title\"}}x{{end}}\n{{define \"main\"}}%{{end}}"
	for name, c := range map[string]struct{ text, message string }{
		"syntax":       {"{{define \"title\"}}\n{{if}}", "login.html:2"},
		"function":     {strings.ReplaceAll(page, "%", "{{shout .}}"), "login.html:2"},
		"field":        {strings.ReplaceAll(page, "%", "\n{{.View.Mail}}"), "login.html:3"},
		"only in use":  {strings.ReplaceAll(page, "%", "{{if .View.Error}}{{.View.Mail}}{{end}}"), "login.html:2"},
		"message":      {strings.ReplaceAll(page, "%", "{{t \"login.titel\"}}"), `there is no message "login.titel"`},
		"asset":        {strings.ReplaceAll(page, "%", "{{asset \"x.css\"}}"), `there is no asset "x.css"`},
		"no such part": {"{{define \"title\"}}x{{end}}{{define \"mane\"}}{{end}}", "page login"},
		"unescapable":  {strings.ReplaceAll(page, "%", "<script>`${ {{.View.Email}}"), "page login"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{}
			o.TemplateDir = writeFile(t, "login.html", c.text)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v, want %s", err, c.message)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	h, err := New(Options{})
	if err != nil || h.Brand.Name != "Sigra" || h.Logger == nil || h.Clock == nil {
		t.Errorf("%v %v", h, err)
	}
}

func TestBrandOnEveryPage(t *testing.T) {
	p := newPortal(t, func(o *Options) {
		o.Brand = Brand{Name: "Acme & Co", Links: []Link{{"Imprint", "https://acme.example/imprint"}, {"Bad", "javascript:alert(1)"}}}
	})
	for _, path := range []string{"/_auth/login", "/_auth/none", "/_auth/account"} {
		w := p.get(path, "Cookie", cookieLine())
		if path == "/_auth/login" {
			w = p.get(path)
		}
		want(t, w, w.Code, "· Acme &amp; Co</title>", "<span>Acme &amp; Co</span>", `<a href="https://acme.example/imprint">Imprint</a>`)
		if strings.Contains(w.Body.String(), `href="javascript:`) {
			t.Errorf("%s has a link that runs", path)
		}
	}
}

func TestTitlesAreUnique(t *testing.T) {
	p := newPortal(t)
	titles := make(map[string]string)
	for _, path := range []string{"/_auth/account", "/_auth/account/sessions", "/_auth/logout", "/_auth/step-up", "/_auth/setup/x", "/_auth/none"} {
		_, rest, _ := strings.Cut(p.get(path, "Cookie", cookieLine()).Body.String(), "<title>")
		title, _, _ := strings.Cut(rest, "</title>")
		if other, ok := titles[title]; ok || title == "" {
			t.Errorf("%s and %s are both called %q", path, other, title)
		}
		titles[title] = path
	}
}

func TestPageThatAnswersAFormNamesItsPage(t *testing.T) {
	p := newPortal(t)
	p.accounts.err = account.ErrInvalidCredentials
	want(t, p.post("/_auth/login", credentials()), http.StatusUnprocessableEntity, `data-again="/_auth/login"`)
	p.passkeys.err = passkey.ErrLast
	want(t, p.post("/_auth/account/passkeys/delete", url.Values{"passkey": {"a"}}, "Cookie", cookieLine()), http.StatusUnprocessableEntity, `data-again="/_auth/account/passkeys"`)
	if body := p.get("/_auth/login").Body.String(); strings.Contains(body, "data-again") {
		t.Errorf("the form itself is an answer: %s", body)
	}
}
