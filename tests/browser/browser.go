// Package browser drives a real Chromium through the pages of a real gateway.
package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/sigra-auth/sigra/tests/servers"
)

// Browser is a headless Chromium with a profile of its own.
type Browser struct {
	t   testing.TB
	ctx context.Context
	// scripts says that JavaScript is on.
	scripts bool
	// language is that of the pages, en or de.
	language string
}

// New starts a browser for the test. A machine without Chromium fails it.
func New(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("these tests need Chromium: run `make deps`")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-gpu", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(cancel)
	// The first use starts the process, which ends with the context it is given.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return &Browser{t, ctx, true, "en"}
}

// patience is how long a test waits for what must come: a busy machine is no fault.
const patience = time.Minute

func (b *Browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// Open loads a page.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.do("opening "+url, chromedp.Navigate(url))
}

// Fill replaces what is in a field.
func (b *Browser) Fill(selector, text string) {
	b.t.Helper()
	b.do("filling "+selector, chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Choose chooses an option of a list.
func (b *Browser) Choose(selector, value string) {
	b.t.Helper()
	b.do("choosing in "+selector, chromedp.SetValue(chromedp.CSS(selector), value))
}

// Speak asks for pages in a language from now on.
func (b *Browser) Speak(language string) {
	b.t.Helper()
	b.do("choosing a language", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", AcceptLanguage: language})
		return err
	}))
}

// Press clicks what leads to another page and waits until it has loaded.
func (b *Browser) Press(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("pressing %s: %v", selector, err)
	}
}

// Tap clicks what stays on the page.
func (b *Browser) Tap(selector string) {
	b.t.Helper()
	b.do("tapping "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Text returns what a visitor reads in an element.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	return value(b, "reading "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// Location returns the address of the page.
func (b *Browser) Location() string {
	b.t.Helper()
	return value(b, "reading the address", chromedp.Location())
}

// Evaluate returns what a script yields as text.
func (b *Browser) Evaluate(script string) string {
	b.t.Helper()
	return value(b, "evaluating", chromedp.Evaluate[string](script))
}

// await fails the test unless a condition of the page holds soon.
func (b *Browser) await(what, condition string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b.Evaluate("String(Boolean("+condition+"))") == "true" {
			return
		}
	}
	b.t.Fatalf("%s: still at %s: %s", what, b.Location(), b.Text("body"))
}

// awaitAt waits until a script has led to a page.
func (b *Browser) awaitAt(address string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b.Location() == address {
			b.await("loading", "document.readyState === 'complete'")
			return
		}
	}
	b.t.Fatalf("the browser is at %s, want %s: %s", b.Location(), address, b.Text("body"))
}

func value[T any](b *Browser, what string, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	return v
}

// WithoutScripts turns JavaScript off.
func (b *Browser) WithoutScripts() {
	b.t.Helper()
	b.scripts = false
	b.do("turning scripts off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// variants are the ways that a story is told: with scripts and without, on the
// embedded stores and on Postgres and Redis, in one language and the other.
var variants = []variant{
	{"with scripts", true, "en", false}, {"without scripts", false, "en", true},
	{"in German", true, "de", true}, {"in German without scripts", false, "de", false},
}

type variant struct {
	name     string
	scripts  bool
	language string
	// servers says that the stores are Postgres and Redis.
	servers bool
}

// stores are the global options that choose the stores.
func (v variant) stores(t *testing.T) string {
	if !v.servers {
		return ""
	}
	return "storage postgres " + servers.Postgres(t) + "\nsessions redis " + servers.Redis(t).URL + "\n"
}

// mailer is the global option that sends mail to a server of the tests.
func mailer(s *servers.SMTP) string {
	return "mailer smtp " + s.Addr + " {\nfrom no-reply@example.com\ntls off\n}"
}

// open starts a browser for the variant, and returns how it looks at a page.
func (v variant) open(t *testing.T) (b *Browser, shoot func(page string)) {
	t.Helper()
	b = New(t)
	b.language = v.language
	b.Speak(v.language)
	if !v.scripts {
		b.WithoutScripts()
		return b, func(string) {}
	}
	return b, func(page string) {
		if v.language != "en" {
			page = v.language + "-" + page
		}
		b.Shoot(page)
	}
}

// wantText fails the test unless a visitor reads one of the texts, the first in
// English, the second in German.
func (b *Browser) wantText(english, german string) {
	b.t.Helper()
	text := english
	if b.language == "de" {
		text = german
	}
	if got := b.Text("main"); !strings.Contains(got, text) {
		b.t.Errorf("the page lacks %q: %s", text, got)
	}
}

// look is a way that a page is looked at.
type look struct {
	name          string
	width, height int64
	scheme        string
}

var looks = []look{{"light", 1000, 760, "light"}, {"dark", 1000, 760, "dark"}, {"phone", 320, 640, "light"}}

// Shoot keeps pictures of the page in build/screenshots: light, dark, and as
// on a narrow phone, where nothing may stick out.
func (b *Browser) Shoot(name string) {
	b.t.Helper()
	dir := filepath.Join("..", "..", "build", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	for _, l := range looks {
		b.do("dressing", colours(l.scheme), chromedp.EmulateViewport(l.width, l.height))
		if wide := b.Evaluate("String(document.documentElement.scrollWidth > innerWidth)"); wide == "true" {
			b.t.Errorf("%s: the page is wider than a %s screen", name, l.name)
		}
		b.checkAccessibility(name + ", " + l.name)
		picture := value(b, "shooting", chromedp.FullScreenshot(100))
		if err := os.WriteFile(filepath.Join(dir, name+"-"+l.name+".png"), picture, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

func colours(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		features := []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"}, // no half-way colours
		}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	})
}

// mustBeAt checks the address of the page.
func (b *Browser) mustBeAt(url string) {
	b.t.Helper()
	if got := b.Location(); got != url {
		b.t.Fatalf("the browser is at %s, want %s", got, url)
	}
}

// mustBeAtForm fails the test unless the browser shows a form again, wherever it leads on
// to: scripts keep that in the address.
func (b *Browser) mustBeAtForm(url string) {
	b.t.Helper()
	if got, _, _ := strings.Cut(b.Location(), "?"); got != url {
		b.t.Fatalf("the browser is at %s, want %s", got, url)
	}
}
