package ui

import (
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/mail"
)

// letterValues fill every placeholder of every mail.
var letterValues = map[string]string{"name": "Laptop", "ip": "192.0.2.1", "when": "2026-11-23 12:00 UTC", "code": "123 456",
	"email": "new@example.com", "user_agent": firefox, "date": "2026-12-07", "left": "2",
	"org": "Acme", "inviter": "Ada (ada@example.com)", "role": "admin", "until": "2026-11-30", "domain": "example.com", "member": "bob@example.com"}

func TestEveryLetterCanBeWritten(t *testing.T) {
	p := newPortal(t)
	for _, language := range p.handler.languages.tags {
		t.Run(language, func(t *testing.T) { testLetters(t, p, language) })
	}
}

func testLetters(t *testing.T, p *portal, language string) {
	for _, kind := range mail.Kinds {
		path := "/reset/" + strings.Repeat("A", 43)
		if kind == mail.Locked || kind == mail.EmailChanged || kind == mail.Deleted || kind == mail.OrgDomain {
			path = ""
		}
		m, err := p.handler.Write(mail.Letter{Kind: kind, Language: language, Portal: testOrigin + testBase, Path: path, Values: letterValues})
		if err != nil {
			t.Fatal(err)
		}
		for part, text := range map[string]string{"subject": m.Subject, "text": m.Text, "HTML": m.HTML} {
			if found := placeholder.FindString(text); found != "" || strings.Contains(text, "mail."+string(kind)) || text == "" {
				t.Errorf("%s: the %s shows %q", kind, part, found)
			}
			if part != "subject" && path != "" && !strings.Contains(text, testOrigin+testBase+path) {
				t.Errorf("%s: the %s has no link", kind, part)
			}
		}
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestLettersEscapeWhatPeopleChoose(t *testing.T) {
	p := newPortal(t, func(o *Options) { o.Brand.Name = "A & <b>B</b>" })
	m, err := p.handler.Write(mail.Letter{
		Kind: mail.Locked, Portal: testOrigin + testBase,
		Values: map[string]string{"ip": "<script>alert(1)</script>\n\nPress here: https://evil.example", "when": "now"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.HTML, "<script>") || strings.Contains(m.HTML, "<b>B") {
		t.Errorf("not escaped: %s", m.HTML)
	}
	if strings.Contains(m.Text, "\n\nPress here") {
		t.Errorf("a value makes a paragraph of its own: %s", m.Text)
	}
}

// TestNamesInSubjectsAreQuoted, so that they do not read like words of ours.
func TestNamesInSubjectsAreQuoted(t *testing.T) {
	p := newPortal(t)
	values := map[string]string{"org": `Acme” is closed, see “below`, "inviter": `"Ada" (ada@example.com)`, "role": "admin", "domain": "example.com"}
	for language, want := range map[string]string{
		"en": `“'Ada' (ada@example.com)” invites you to “Acme' is closed, see 'below”`, "de": `„'Ada' (ada@example.com)“ lädt Sie zu „Acme' is closed, see 'below“ ein`,
	} {
		for _, kind := range []mail.Kind{mail.OrgInvitation, mail.OrgJoined, mail.OrgLeft, mail.OrgDomain} {
			m, err := p.handler.Write(mail.Letter{Kind: kind, Language: language, Portal: testOrigin + testBase, Values: values})
			if err != nil {
				t.Fatal(err)
			}
			if kind == mail.OrgInvitation && m.Subject != want || !strings.Contains(m.Subject, "'below") {
				t.Errorf("%s: %s", kind, m.Subject)
			}
			if !strings.Contains(m.Text, values["org"]) {
				t.Errorf("%s: the text changes the name: %s", kind, m.Text)
			}
		}
	}
}

func TestOperatorsLetter(t *testing.T) {
	dir := writeFile(t, "mail.txt", "Dear user: {{range .Text}}{{.}}{{end}}")
	p := newPortal(t, func(o *Options) { o.TemplateDir = dir })
	m, err := p.handler.Write(mail.Letter{Kind: mail.Locked, Portal: testOrigin + testBase, Values: letterValues})
	if err != nil || !strings.HasPrefix(m.Text, "Dear user: Somebody entered") {
		t.Errorf("%q, %v", m.Text, err)
	}
	for file, text := range map[string]string{"mail.txt": "{{.Nothing}}", "mail.html": "{{if}}"} {
		if _, err := New(Options{TemplateDir: writeFile(t, file, text)}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("a broken %s: %v", file, err)
		}
	}
}
