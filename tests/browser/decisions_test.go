package browser

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

const deciding = `signup open {
	approval
}
deletion hard at_once
`

var keepLink = regexp.MustCompile(`http://localhost:\d+/_auth/keep-email/\S+`)

// TestDecisionsStory presses the buttons that have the last word: an approval that
// leads to the app, an address that is kept or withdrawn, a copy of the data, and a
// deletion that is carried out.
func TestDecisionsStory(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Global: v.stores(t) + deciding + mailer(smtp)})
			b, _ := v.open(t)
			approved(t, b, g, smtp)
			sameAddress(t, b, g, smtp)
			export(t, b, g)
			gone(t, b, g)
		})
	}
}

func approved(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP) {
	t.Helper()
	b.Open(g.URL + "/_auth/register")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.Open(anyLink.FindString(smtp.Await(t, "ada@example.com", 1).Plain()))
	b.Press(".primary")
	b.Open(g.URL + "/page")
	if got := g.Upstream.For("/page"); len(got) > 0 {
		t.Fatalf("who waits for approval reached the app: %+v", got)
	}
	if _, err := g.CLI("", "user", "approve", "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	b.Open(g.URL + "/page")
	b.mustBeAt(g.URL + "/page")
	if got := g.Upstream.For("/page"); len(got) != 1 || got[0].Header.Get("Remote-User") != "ada@example.com" {
		t.Errorf("the app got %+v", got)
	}
}

// sameAddress changes the address twice, which the mail to the old one stops, and
// then the page.
func sameAddress(t *testing.T, b *Browser, g *gateway.Gateway, smtp *servers.SMTP) {
	t.Helper()
	change := func(email string) {
		b.Open(g.URL + "/_auth/account/email")
		b.Fill("#email", email)
		b.Fill("#current", gateway.Password)
		b.Press(".primary")
	}
	pending := func(email string) bool {
		b.Open(g.URL + "/_auth/account/email")
		return strings.Contains(b.Text("main"), email)
	}
	change("grace@example.com")
	confirm := anyLink.FindString(smtp.Await(t, "grace@example.com", 1).Plain())
	keep := ""
	for n := 2; keep == ""; n++ {
		keep = keepLink.FindString(smtp.Await(t, "ada@example.com", n).Plain())
	}
	if !pending("grace@example.com") {
		t.Error("no address waits")
	}
	b.Open(keep)
	b.Press("main .primary")
	b.mustBeAt(g.URL + "/_auth/reset")
	if pending("grace@example.com") {
		t.Error("an address waits that was refused")
	}
	b.Open(confirm)
	if strings.Contains(b.Text("body"), "grace@example.com") {
		t.Error("the link to the refused address works")
	}
	if change("eve@example.com"); !pending("eve@example.com") {
		t.Error("no address waits")
	}
	b.Press(`form[action$="/email-withdraw"] button`)
	b.mustBeAt(g.URL + "/_auth/account/email")
	if pending("eve@example.com") {
		t.Error("an address waits that was withdrawn")
	}
}

func export(t *testing.T, b *Browser, g *gateway.Gateway) {
	t.Helper()
	dir, events := t.TempDir(), false
	b.Open(g.URL + "/_auth/account/data")
	b.do("keeping downloads", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir, EventsEnabled: &events,
		})
		return err
	}))
	b.Tap("main .primary")
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "account-*.json"))
		if err != nil || len(files) == 0 {
			continue
		}
		text, err := os.ReadFile(files[0])
		if err == nil && json.Valid(text) && strings.Contains(string(text), "ada@example.com") {
			return
		}
	}
	t.Error("no export has arrived")
}

func gone(t *testing.T, b *Browser, g *gateway.Gateway) {
	t.Helper()
	b.Open(g.URL + "/_auth/account/delete")
	b.Fill("#current", gateway.Password)
	b.Tap("input[name=confirm]")
	b.Press(".danger")
	b.mustBeAt(g.URL + "/_auth/login?deleted=1")
	if list, err := g.CLI("", "user", "list"); err != nil || list != "" {
		t.Errorf("there is still %s, %v", list, err)
	}
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.mustBeAtForm(g.URL + "/_auth/login")
}
