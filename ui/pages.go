package ui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
)

//go:embed templates
var templateFiles embed.FS

// pageNames are the pages; each is a template of that name in the layout.
var pageNames = []string{"login", "register", "confirm", "confirm_link", "password", "profile", "waiting", "email", "email_link", "keep_email", "activity", "data", "delete", "reactivate", "invitation", "kept", "mailbox", "magic", "magic_link", "reset", "reset_link", "logout", "setup", "stepup", "account", "sessions", "problem"}

// pages are the parsed templates.
type pages struct {
	// templates are the pages by language and name.
	templates map[string]map[string]*template.Template
	handler   *Handler
}

// loadPages parses the templates, each replaced by an operator's file of the
// same name if there is one.
func loadPages(dir string, h *Handler) (*pages, error) {
	p := &pages{templates: make(map[string]map[string]*template.Template), handler: h}
	for tag, m := range h.languages.texts {
		inTag, err := parsePages(dir, template.FuncMap{"t": m.require, "asset": h.assets.path})
		if err != nil {
			return nil, err
		}
		p.templates[tag] = inTag
	}
	return p, nil
}

func parsePages(dir string, functions template.FuncMap) (map[string]*template.Template, error) {
	parsed := make(map[string]*template.Template, len(pageNames))
	for _, name := range pageNames {
		t := template.New(name).Funcs(functions)
		for _, file := range []string{"layout.html", "parts.html", name + ".html"} {
			shown, text, err := templateText(dir, file)
			if err != nil {
				return nil, err
			}
			// Errors name the file by the name of the template.
			if _, err = t.New(shown).Parse(text); err != nil {
				return nil, fmt.Errorf("page %s: %w", name, err)
			}
		}
		parsed[name] = t
	}
	return parsed, nil
}

// templateText returns a template and the name of its file.
func templateText(dir, file string) (shown, text string, err error) {
	if dir != "" {
		shown = filepath.Join(dir, file)
		raw, err := os.ReadFile(shown)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return shown, string(raw), err
		}
	}
	raw, err := templateFiles.ReadFile("templates/" + file)
	return file, string(raw), err
}

// page is what every template is given.
type page struct {
	Base  string
	Brand Brand
	// Name of the page, for styles.
	Name string
	// View is the page's own data.
	View any
}

// render writes a page. It is made whole before a byte is sent, so that an
// error in a template is an error page and not half a page.
func (p *pages) render(w http.ResponseWriter, r *http.Request, facts Request, status int, name string, view any) {
	tag := p.handler.languages.best(facts.Client.Language)
	body, err := p.execute(tag, facts.Base, name, view)
	if err != nil {
		p.handler.Logger.Error("page not rendered", slog.String("page", name), slog.Any("error", err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", tag)
	w.WriteHeader(status)
	send(w, r, body)
}

func (p *pages) execute(tag, base, name string, view any) ([]byte, error) {
	var body bytes.Buffer
	data := page{Base: base, Brand: p.handler.Brand, Name: name, View: view}
	if err := p.templates[tag][name].ExecuteTemplate(&body, "layout", data); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return body.Bytes(), nil
}
