package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// back goes back in the history as a visitor does.
func (b *Browser) back() {
	b.t.Helper()
	b.do("going back", chromedp.NavigateBack())
	b.await("the page before", `document.readyState === "complete"`)
}

// TestBackShowsTheForm goes back to a form that was wrong once, which a browser
// would else refuse to show without sending it again.
func TestBackShowsTheForm(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser("ada@example.com")
	b := New(t)
	b.Open(g.URL + "/_auth/login?return_to=/page")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", "wrong password")
	b.Press("form .primary")
	b.mustBeAt(g.URL + "/_auth/login?return_to=%2Fpage")
	b.Press(`a[href*="/magic"]`)
	b.back()
	b.mustBeAt(g.URL + "/_auth/login?return_to=%2Fpage")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", gateway.Password)
	b.Press("form .primary")
	b.mustBeAt(g.URL + "/page")
	b.Open(g.URL + "/_auth/account/password")
	b.Fill("#current", "wrong password")
	b.Press("main .primary")
	b.Press(".back a")
	b.back()
	b.mustBeAt(g.URL + "/_auth/account/password")
	b.Fill("#current", gateway.Password)
}

// TestReloadMakesNoOtherCodes reloads backup codes, which have just been written
// down, with scripts and without.
func TestReloadMakesNoOtherCodes(t *testing.T) {
	for _, v := range variants {
		if v.language != "en" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Site: twoStepSite})
			g.AddUser("ada@example.com")
			b, _ := v.open(t)
			byPassword(b, g, "ada@example.com")
			setUpAppAt(t, b, g.URL+"/_auth/account/mfa/app", func(string) {})
			b.Open(g.URL + "/_auth/account/mfa")
			b.Press(`form[action$="/mfa/codes"] button`)
			code := backupCode.FindString(b.Text("#codes"))
			b.do("reloading", chromedp.Reload())
			b.mustBeAt(g.URL + "/_auth/account/mfa")
			signOut(b, g)
			byPassword(b, g, "ada@example.com")
			b.Open(g.URL + "/_auth/mfa/backup")
			b.Fill("#code", code)
			b.Press("form .primary")
			b.mustBeAt(g.URL + "/_auth/account")
		})
	}
}

// TestDownloadAgain takes the data of an account a second time.
func TestDownloadAgain(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser("ada@example.com")
	b := New(t)
	byPassword(b, g, "ada@example.com")
	b.Open(g.URL + "/_auth/account/data")
	b.Evaluate(`document.addEventListener("submit", (event) => { window.sent = (window.sent ?? 0) + !event.defaultPrevented; event.preventDefault(); }), ''`)
	b.Tap("main .primary")
	b.Tap("main .primary")
	b.await("the second copy", "window.sent === 2")
}
