package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// keys types into what has the focus.
func (b *Browser) keys(text string) {
	b.t.Helper()
	b.do("typing", chromedp.KeyEvent(text))
}

// seen says whether what has the focus shows it, and is in sight.
const seen = `(() => {
	const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
	return at.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 &&
		box.width > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0;
})()`

// tabTo goes on by the tabulator to an element. The focus shows on every stop.
func (b *Browser) tabTo(selector string) {
	b.t.Helper()
	stops := ""
	for range 15 {
		if b.Evaluate("String(document.activeElement.matches('"+selector+"'))") == "true" {
			return
		}
		b.keys(kb.Tab)
		stop := b.Evaluate("document.activeElement.outerHTML.slice(0, 120)")
		stops += "\n" + stop
		if b.Evaluate("String("+seen+")") != "true" {
			b.t.Errorf("the focus does not show on %s", stop)
		}
	}
	b.t.Fatalf("no way to %s:%s", selector, stops)
}

// enter presses what has the focus, and waits for the page that follows.
func (b *Browser) enter() {
	b.t.Helper()
	before := b.Evaluate("String(performance.timeOrigin)")
	b.keys(kb.Enter)
	b.await("the page that follows", "String(performance.timeOrigin) !== "+`"`+before+`" && document.readyState === "complete"`)
}

// TestKeyboardAlone signs in, gives the second factor, and proves it again,
// without a mouse.
func TestKeyboardAlone(t *testing.T) {
	for _, v := range variants {
		if v.language != "en" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Site: twoStepSite + "\nsigra /billing {\nrequire fresh 1s\n}"})
			g.AddUser("ada@example.com")
			b, shoot := v.open(t)
			byPassword(b, g, "ada@example.com")
			secret, _ := setUpApp(t, b, g, func(string) {})
			signOut(b, g)

			b.Open(g.URL + "/billing")
			b.await("the focus", "document.activeElement.id === 'email'")
			b.keys("ada@example.com")
			b.tabTo("#password")
			b.keys(gateway.Password)
			b.tabTo("input[name=remember]")
			b.keys(" ")
			if b.Evaluate("String(document.activeElement.checked)") != "true" {
				t.Error("the box cannot be ticked")
			}
			b.tabTo("form .primary")
			shoot("login-keyboard")
			b.enter()

			b.mustBeAt(g.URL + "/_auth/mfa?return_to=%2Fbilling")
			b.await("the focus", "document.activeElement.id === 'code'")
			b.keys("00000")
			b.tabTo("main form .primary")
			shoot("challenge-keyboard")
			b.enter()
			b.wantText("This code is wrong", "")
			b.tabTo("#code")
			b.Evaluate("document.activeElement.select(), ''")
			b.keys(typed(t, secret, 1))
			if !v.scripts {
				b.enter()
			}
			b.awaitAt(g.URL + "/billing")

			g.Await(func() error { // until the proof is old
				b.Open(g.URL + "/billing")
				if b.Location() == g.URL+"/billing" {
					return errFresh
				}
				return nil
			})
			b.tabTo("#password")
			b.keys(gateway.Password)
			b.enter()
			b.mustBeAt(g.URL + "/billing")
		})
	}
}
