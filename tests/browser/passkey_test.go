package browser

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/tests/gateway"
)

// says waits for what is said beside the button of passkeys.
func (b *Browser) says(english, german string) {
	b.t.Helper()
	b.await("the button", "document.querySelector('.passkey .error')?.textContent")
	b.wantText(english, german)
}

func signOut(b *Browser, g *gateway.Gateway) {
	b.t.Helper()
	b.Open(g.URL + "/_auth/logout")
	b.Press("main .primary")
	b.mustBeAt(g.URL + "/_auth/login?done=signed_out")
}

// signOutWith signs out while the passkey is away, and leaves the sign-in page, where
// autofill would sign in again at once.
func signOutWith(key *authenticator, b *Browser, g *gateway.Gateway) {
	b.t.Helper()
	key.present(false)
	signOut(b, g)
	b.Open(g.URL + "/_auth/whoami")
	key.present(true)
}

func byPassword(b *Browser, g *gateway.Gateway, email string) {
	b.t.Helper()
	b.Open(g.URL + "/_auth/login")
	b.Fill("#email", email)
	b.Fill("#password", gateway.Password)
	b.Press("form .primary")
}

// addPasskey adds one on the page of passkeys.
func addPasskey(b *Browser, g *gateway.Gateway) {
	b.t.Helper()
	b.Open(g.URL + "/_auth/account/passkeys")
	before := b.Evaluate("String(document.querySelectorAll('.list .item').length)")
	b.Tap(".passkey button")
	b.await("the new passkey", "document.querySelectorAll('.list .item').length > "+before)
}

const passkeySite = `sigra
sigra /key/* {
	require factor passkey
}
sigra /strong/* {
	require aal2
	require fresh 10m
}
reverse_proxy {upstream}`

// TestPasskeyStory registers a passkey and signs in with it, by autofill and by the
// button, in each language and on each kind of store.
func TestPasskeyStory(t *testing.T) {
	for _, v := range variants {
		if !v.scripts {
			continue // a browser speaks WebAuthn by a script alone
		}
		t.Run(v.name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Site: passkeySite, Global: v.stores(t)})
			g.AddUser("ada@example.com")
			b, shoot := v.open(t)
			byPassword(b, g, "ada@example.com")
			b.Open(g.URL + "/_auth/account/passkeys")
			shoot("passkeys-none")
			key := b.plugIn(func(o *webauthn.VirtualAuthenticatorOptions) {
				o.DefaultBackupEligibility, o.DefaultBackupState = true, true
			})
			addPasskey(b, g)
			b.wantText("Synced", "Synchronisiert")
			shoot("passkeys")
			if on := key.credentials(); len(on) != 1 || !on[0].IsResidentCredential || on[0].RpID != "localhost" {
				t.Fatalf("on the authenticator: %+v", on)
			}
			b.Tap(".passkey button")
			b.says("There is a passkey of this device already.", "Von diesem Gerät gibt es bereits einen Passkey.")

			signOutWith(key, b, g)
			// Autofill answers as soon as the page is there.
			b.Open(g.URL + "/_auth/login?return_to=" + url.QueryEscape("/page#part"))
			b.awaitAt(g.URL + "/page#part")
			if got := g.Upstream.For("/page"); len(got) != 1 || got[0].Header.Get("Remote-User") != "ada@example.com" {
				t.Fatalf("the app was told %+v", got)
			}
			key.present(false)
			signOut(b, g)
			b.Open(g.URL + "/_auth/login")
			shoot("login-passkey")
			key.present(true)
			b.Tap(".passkey button")
			b.awaitAt(g.URL + "/_auth/account")

			renameAndRemove(b, g, key, shoot)
			fillUp(b, g, key, shoot)
		})
	}
}

func renameAndRemove(b *Browser, g *gateway.Gateway, key *authenticator, shoot func(string)) {
	b.t.Helper()
	b.Open(g.URL + "/_auth/account/passkeys")
	b.Tap("summary")
	shoot("passkeys-change")
	b.Fill("input[name=nickname]", "My laptop")
	b.Press("details form:first-of-type button")
	b.wantText("My laptop", "My laptop")
	b.Tap("summary")
	b.Press("details .danger")
	if text := b.Text("main"); strings.Contains(text, "My laptop") {
		b.t.Errorf("it is there still: %s", text)
	}
	// The page tells the browser which there are, so that it forgets the rest.
	for end := time.Now().Add(patience); len(key.credentials()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("the browser keeps a passkey that does not work any more")
		}
	}
}

// fillUp adds as many as there may be. That page too tells the browser which there
// are.
func fillUp(b *Browser, g *gateway.Gateway, key *authenticator, shoot func(string)) {
	b.t.Helper()
	for range passkey.MaxPerUser - 1 {
		addPasskey(b, g)
		key.unplug()
		key = b.plugIn(nil)
	}
	addPasskey(b, g)
	b.Open(g.URL + "/_auth/account/passkeys")
	b.wantText("You have 10 passkeys", "Sie haben 10 Passkeys")
	shoot("passkeys-full")
	if told := b.Evaluate("String(JSON.parse(document.querySelector('[data-known]').dataset.known).allAcceptedCredentialIds.length)"); told != "10" {
		b.t.Errorf("the browser is told of %s", told)
	}
}

// whoami is what a script of the app learns.
func (b *Browser) whoami(g *gateway.Gateway) string {
	b.t.Helper()
	b.Open(g.URL + "/_auth/whoami")
	return b.Evaluate("document.body.innerText")
}
