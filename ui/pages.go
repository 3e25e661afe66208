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

//go:embed templates/*.html
var templateFiles embed.FS

// pageNames are the pages; each is a template of that name in the layout.
var pageNames = []string{"login", "logout", "setup", "stepup", "account", "sessions", "problem"}

// pages are the parsed templates.
type pages struct {
	templates map[string]*template.Template
	handler   *Handler
}

// loadPages parses the templates, each replaced by an operator's file of the
// same name if there is one.
func loadPages(dir string, h *Handler) (*pages, error) {
	p := &pages{templates: make(map[string]*template.Template), handler: h}
	functions := template.FuncMap{"t": h.messages.text, "asset": h.assets.path}
	for _, name := range pageNames {
		t := template.New("").Funcs(functions)
		for _, file := range []string{"layout.html", name + ".html"} {
			text, err := templateText(dir, file)
			if err != nil {
				return nil, err
			}
			if t, err = t.Parse(text); err != nil {
				return nil, fmt.Errorf("template %s: %w", file, err)
			}
		}
		p.templates[name] = t
	}
	return p, nil
}

func templateText(dir, file string) (string, error) {
	if dir != "" {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil {
			return string(text), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("template %s: %w", file, err)
		}
	}
	text, err := templateFiles.ReadFile("templates/" + file)
	if err != nil {
		return "", fmt.Errorf("template %s: %w", file, err)
	}
	return string(text), nil
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
	var body bytes.Buffer
	data := page{Base: facts.Base, Brand: p.handler.Brand, Name: name, View: view}
	if err := p.templates[name].ExecuteTemplate(&body, "layout", data); err != nil {
		p.handler.Logger.Error("page not rendered", slog.String("page", name), slog.Any("error", err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // the client is gone, nothing is left to do
	}
}

// show renders a page of a visit.
func (v *visit) show(status int, name string, view any) error {
	v.pages.render(v.w, v.r, v.facts, status, name, view)
	return nil
}
