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
