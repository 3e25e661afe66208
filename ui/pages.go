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
	"sync"
)

//go:embed templates
var templateFiles embed.FS

// pageNames are the pages; each is a template of that name in the layout.
var pageNames = []string{"login", "register", "confirm", "confirm_link", "password", "profile", "waiting", "email", "email_link", "keep_email", "activity", "data", "delete", "reactivate", "invitation", "kept", "mailbox", "magic", "magic_link", "reset", "reset_link", "logout", "setup", "stepup", "challenge", "twostep", "app", "codes", "passkeys", "account", "sessions", "problem", "orgs", "org_new", "org", "org_members", "org_invitations", "org_settings", "org_slug", "org_delete", "org_transfer", "org_rules", "org_domains", "org_domain", "org_activity", "org_offer"}

// pages are the templates. Each is parsed when it is first shown in a language:
// all pages in all languages, most of which hardly anybody opens, would be a
// quarter of what the garbage collector has to look through.
type pages struct {
	handler *Handler
	// sources are the files of each page as they were when the pages were made.
	sources map[string][]source
	mu      sync.Mutex
	parsed  map[pageKey]*template.Template
}

// source is a file of templates; errors name it.
type source struct{ name, text string }

type pageKey struct{ language, page string }

// TemplateNames are the names of the files that an operator's directory may replace.
func TemplateNames() (names []string) {
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err) // they are compiled in
	}
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

// loadPages reads the templates, each replaced by an operator's file of the same
// name if there is one.
func loadPages(dir string, h *Handler) (*pages, error) {
	p := &pages{handler: h, sources: make(map[string][]source), parsed: make(map[pageKey]*template.Template)}
	for _, name := range pageNames {
		for _, file := range []string{"layout.html", "parts.html", name + ".html"} {
			shown, text, err := templateText(dir, file)
			if err != nil {
				return nil, err
			}
			p.sources[name] = append(p.sources[name], source{shown, text})
		}
	}
	return p, nil
}

func (p *pages) parse(k pageKey) (*template.Template, error) {
	functions := template.FuncMap{"t": p.handler.languages.of(k.language).require, "asset": p.handler.assets.path}
	t := template.New(k.page).Funcs(functions)
	for _, s := range p.sources[k.page] {
		if _, err := t.New(s.name).Parse(s.text); err != nil {
			return nil, fmt.Errorf("page %s: %w", k.page, err)
		}
	}
	return t, nil
}

// template returns a page in a language.
func (p *pages) template(k pageKey) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.parsed[k]; t != nil {
		return t, nil
	}
	t, err := p.parse(k)
	if err == nil {
		p.parsed[k] = t
	}
	return t, err
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
	// Again is where the form is that the page answers, which a browser cannot ask
	// for again; empty on pages that it can.
	Again string
	// View is the page's own data.
	View any
}

// render writes a page. It is made whole before a byte is sent, so that an
// error in a template is an error page and not half a page.
func (p *pages) render(w http.ResponseWriter, r *http.Request, facts Request, status int, data page) {
	tag := p.handler.languages.best(facts.Client.Language)
	t, err := p.template(pageKey{tag, data.Name})
	var body []byte
	if err == nil {
		data.Base, data.Brand = facts.Base, p.handler.Brand
		body, err = p.execute(t, data)
	}
	if err != nil {
		p.handler.Logger.Error("page not rendered", slog.String("page", data.Name), slog.Any("error", err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", tag)
	w.WriteHeader(status)
	send(w, r, body)
}

func (p *pages) execute(t *template.Template, data page) ([]byte, error) {
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "layout", data); err != nil {
		return nil, fmt.Errorf("page %s: %w", data.Name, err)
	}
	return body.Bytes(), nil
}
