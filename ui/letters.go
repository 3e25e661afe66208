package ui

import (
	"bytes"
	"fmt"
	htmltemplate "html/template"
	"io"
	"slices"
	"strings"
	texttemplate "text/template"

	"github.com/sigra-auth/sigra/authcore/mail"
)

// letters are the two templates that every mail is written with; what differs
// from one to the other are its messages.
type letters struct {
	html, text interface{ Execute(io.Writer, any) error }
	handler    *Handler
}

// letterView is what the templates of mails are given.
type letterView struct {
	Language string
	Product  string
	Subject  string
	// Text are paragraphs.
	Text []string
	// Code is one to type, or to pass on; it may be empty.
	Code string
	// Link and Button are empty in a mail that leads nowhere.
	Link, Button string
	// After are paragraphs that follow the button.
	After []string
	// Accent is the colour of the button, OnAccent that of its text.
	Accent, OnAccent string
	// Site is the address that the mail is about.
	Site string
}

func loadLetters(dir string, h *Handler) (*letters, error) {
	shown, text, err := templateText(dir, "mail.html")
	if err != nil {
		return nil, err
	}
	html, err := htmltemplate.New(shown).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	if shown, text, err = templateText(dir, "mail.txt"); err != nil {
		return nil, err
	}
	plain, err := texttemplate.New(shown).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &letters{html: html, text: plain, handler: h}, nil
}

// rehearse writes every mail once.
func (l *letters) rehearse() error {
	for _, tag := range l.handler.languages.tags {
		for _, kind := range mail.Kinds {
			for _, path := range []string{"", "/x"} {
				if _, err := l.write(mail.Letter{Kind: kind, Language: tag, Portal: "https://example.com/_auth", Path: path}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Write implements mail.Writer.
func (h *Handler) Write(l mail.Letter) (mail.Message, error) { return h.letters.write(l) }

func (l *letters) write(letter mail.Letter) (mail.Message, error) {
	view, err := l.view(letter)
	if err != nil {
		return mail.Message{}, err
	}
	var html, text bytes.Buffer
	if err := l.html.Execute(&html, view); err != nil {
		return mail.Message{}, fmt.Errorf("mail %s: %w", letter.Kind, err)
	}
	if err := l.text.Execute(&text, view); err != nil {
		return mail.Message{}, fmt.Errorf("mail %s: %w", letter.Kind, err)
	}
	return mail.Message{Subject: view.Subject, Text: text.String(), HTML: html.String()}, nil
}

func (l *letters) view(letter mail.Letter) (letterView, error) {
	h := l.handler
	m := h.languages.of(letter.Language)
	site, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(letter.Portal, "https://"), "http://"), "/")
	pairs := []string{"product", h.Brand.Name, "site", site}
	quoted := slices.Clone(pairs)
	for name, value := range letter.Values {
		if name == "user_agent" {
			name = "device"
			value, _ = deviceName(value, m)
		}
		if name == "role" {
			value = m.role(value)
		}
		pairs = append(pairs, name, oneLine(value))
		quoted = append(quoted, name, quotable.Replace(oneLine(value)))
	}
	key := "mail." + string(letter.Kind)
	subject, err := m.require(key+".subject", quoted...)
	if err != nil {
		return letterView{}, err
	}
	text, err := m.require(key+".text", pairs...)
	if err != nil {
		return letterView{}, err
	}
	accent, _ := parseColour(h.Brand.Accent)
	view := letterView{
		Language: m.text("layout.lang"), Product: h.Brand.Name, Subject: subject, Text: paragraphs(text), Code: letter.Values["code"], Site: site,
		Accent: accent.String(), OnAccent: accent.text().String(),
	}
	if after, err := m.require(key+".after", pairs...); err == nil {
		view.After = paragraphs(after)
	}
	if letter.Path != "" {
		view.Link = letter.Portal + letter.Path
		view.Button = m.text(key + ".button")
	}
	return view, nil
}

// quotable keeps a name from ending the quotes that it stands in, and saying more.
var quotable = strings.NewReplacer(`"`, `'`, `“`, `'`, `”`, `'`, `„`, `'`, `«`, `'`, `»`, `'`)

func paragraphs(text string) []string { return strings.Split(text, "\n\n") }

// oneLine keeps a value from looking like text of ours: a name could else hold
// paragraphs of its own.
func oneLine(value string) string { return strings.Join(strings.Fields(value), " ") }
