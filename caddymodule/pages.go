package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore/policy"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/ui"
)

// retryAfter is what a visitor is told when a store is away.
const retryAfter = 5 * time.Second

// newPages builds the pages of this configuration. A broken template or
// message file is an error here.
func (a *App) newPages() (*ui.Handler, error) {
	if err := checkTemplates(a.Templates); err != nil {
		return nil, err
	}
	brand := ui.Brand{Name: a.Brand.Name, Accent: a.Brand.Accent, LogoFile: a.Brand.Logo}
	for _, link := range a.Brand.Links {
		brand.Links = append(brand.Links, ui.Link{Text: link.Text, URL: link.URL})
	}
	return ui.New(ui.Options{
		Services: ui.Services{
			Accounts: a.accounts, TwoStep: a.twoStep, Passkeys: a.passkeys, Recovery: a.recovery, SignUps: a.signups, Profiles: a.profiles, Addresses: a.addresses,
			Deletions: a.deletions, Disclosure: a.disclosure, Kept: a.kept, Orgs: a.orgs, Sessions: a.engine, Keys: a.engine, Mailbox: a.mailbox(),
		},
		Roles: a.orgs.Config.Roles, People: a.engine.db.Emails,
		MinPassword: a.passwordPolicy().Least(),
		Fields:      a.profileFields(), Health: a.health, Brand: brand,
		TemplateDir: a.Templates, MessagesDir: a.Messages, Logger: a.logger, Clock: time.Now,
	})
}

// checkTemplates fails on a directory that is not there, and on a file in it that
// replaces nothing. Hidden files, and messages in the same directory, are let be.
func checkTemplates(dir string) error {
	if dir == "" {
		return nil
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	known := ui.TemplateNames()
	for _, file := range files {
		name := file.Name()
		if file.IsDir() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".json") || slices.Contains(known, name) {
			continue
		}
		if like := nearest(name, known); like != "" {
			return fmt.Errorf("templates: %s replaces nothing; did you mean %s?", filepath.Join(dir, name), like)
		}
		return fmt.Errorf("templates: %s replaces nothing; there are %s", filepath.Join(dir, name), strings.Join(known, ", "))
	}
	return nil
}

// mailbox is the mail that is captured instead of sent, if it is.
func (a *App) mailbox() ui.Mailbox {
	if captured, ok := a.mailer.(ui.Mailbox); ok {
		return captured
	}
	return nil
}

// checkup is what the last look at the dependencies has shown.
type checkup struct {
	mu     sync.Mutex
	at     time.Time
	report map[string]string
	// trouble is what was wrong, for operators alone.
	trouble string
}

// checkupEvery bounds how often strangers can make the gateway ask its stores.
const checkupEvery = time.Second

// health tells which dependency is in order.
func (a *App) health(ctx context.Context) map[string]string {
	report, _ := a.examine(ctx)
	return report
}

// examine tells which dependency is in order, and what is wrong with the others.
func (a *App) examine(ctx context.Context) (report map[string]string, trouble string) {
	c := &a.checkup
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) > checkupEvery {
		c.report, c.trouble = a.ping(context.WithoutCancel(ctx))
		c.at = time.Now()
	}
	return c.report, c.trouble
}

func (a *App) ping(ctx context.Context) (report map[string]string, trouble string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	report = map[string]string{"database": "ok", "sessions": "ok"}
	if err := a.engine.backend.Ping(ctx); err != nil {
		report["sessions"], trouble = "unavailable", err.Error()
	}
	if err := a.engine.db.Ping(ctx); err != nil {
		report["database"] = "unavailable"
		if trouble != err.Error() { // else sessions are in it
			trouble = strings.TrimPrefix(trouble+"; "+err.Error(), "; ")
		}
	}
	return report, trouble
}

// resume returns the session of the tokens of a request to an app.
func (a *App) resume(r *http.Request, tokens []session.Token, now time.Time) (*session.Live, error) {
	if err := a.engine.awaitReady(r.Context()); err != nil {
		return nil, err
	}
	live, err := a.engine.sessions.ResumeAt(r.Context(), now, tokens...)
	if err == nil {
		a.engine.sessions.Used(live, now, func() string { return clientIP(r.Context()) })
	}
	return live, err
}

// unavailable answers a request whose session cannot be known: never an open
// door.
func (g *Gate) unavailable(w http.ResponseWriter, r *http.Request, at *site, err error) error {
	g.app.logger.Debug("request refused, a store is away", "error", err)
	return g.page(w, r, at, nil, ui.Problem{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter})
}

// problem answers with an error page of the portal's look.
func (g *Gate) problem(w http.ResponseWriter, r *http.Request, at *site, live *session.Live, status int) error {
	return g.page(w, r, at, live, ui.Problem{Status: status})
}

// forbidden tells a signed-in user which account this is and what it lacks. It
// never leads to sign-in, which would come straight back.
func (g *Gate) forbidden(w http.ResponseWriter, r *http.Request, at *site, st *state, d policy.Decision) error {
	p := ui.Problem{Status: http.StatusForbidden}
	for _, m := range d.Missing {
		p.Missing = append(p.Missing, ui.Missing{Key: "missing_" + string(m.Condition), Wanted: m.Wanted})
	}
	return g.page(w, r, at, st.live, p)
}

func (g *Gate) page(w http.ResponseWriter, r *http.Request, at *site, live *session.Live, p ui.Problem) error {
	noStore(w.Header())
	if live != nil {
		p.Account = live.Identity.Email
	}
	asked := *r
	asked.URL = originalURL(r) // a page that leads back does so to what was asked for
	g.app.pages.Problem(w, &asked, g.app.facts(r, at, g.portal), p)
	return nil
}

// misdirected answers a request to a host that is not configured: it must not
// choose the audience of an assertion or the scope of a cookie.
func (g *Gate) misdirected(w http.ResponseWriter, r *http.Request) error { return misdirected(w, r) }

func misdirected(w http.ResponseWriter, r *http.Request) error {
	noStore(w.Header())
	return writeProblem(w, problemJSON{
		Title: "Misdirected request", Status: http.StatusMisdirectedRequest,
		Detail: "Sigra does not know the address " + strconv.QuoteToASCII(origin(r)) + ". Sites need a host name and HTTPS; " +
			"behind another proxy, set `origin` and Caddy's trusted_proxies. Plain HTTP works on localhost only.",
	})
}

// origin is the address that a request claims to have come to.
func origin(r *http.Request) string {
	if isSecure(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Resume implements ui.Sessions; a look at the account is a use as well.
func (e *engine) Resume(ctx context.Context, tokens ...session.Token) (*session.Live, error) {
	live, err := e.sessions.Resume(ctx, tokens...)
	if err == nil {
		e.sessions.Used(live, time.Now(), func() string { return clientIP(ctx) })
	}
	return live, err
}

// JWKS implements ui.Keys.
func (e *engine) JWKS() (body []byte, etag string, maxAge time.Duration) { return e.signer.JWKS() }

// Seal implements account.Sealer.
func (e *engine) Seal(purpose string, plaintext, associated []byte) []byte {
	return e.box.Seal(purpose, plaintext, associated)
}

// MAC implements mfa.Box.
func (e *engine) MAC(purpose string, value []byte) []byte { return e.box.MAC(purpose, value) }

// Open implements account.Sealer.
func (e *engine) Open(purpose string, sealed, associated []byte) ([]byte, error) {
	return e.box.Open(purpose, sealed, associated)
}
