package browser

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"

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
	b.mustBeAt(g.URL + "/_auth/login")
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

			signOut(b, g)
			// Autofill answers as soon as the page is there.
			b.Open(g.URL + "/_auth/login?return_to=" + url.QueryEscape("/page#part"))
			b.awaitAt(g.URL + "/page#part")
			if got := g.Upstream.For("/page"); len(got) != 1 || got[0].Header.Get("Remote-User") != "ada@example.com" {
				t.Fatalf("the app was told %+v", got)
			}
			signOut(b, g)
			key.present(false)
			b.Open(g.URL + "/_auth/login")
			shoot("login-passkey")
			key.present(true)
			b.Tap(".passkey button")
			b.awaitAt(g.URL + "/_auth/account")

			renameAndRemove(b, g, key, shoot)
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
	for end := time.Now().Add(5 * time.Second); len(key.credentials()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("the browser keeps a passkey that does not work any more")
		}
	}
}

// TestKindsOfAuthenticators registers each kind and uses it as what it can be.
func TestKindsOfAuthenticators(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: passkeySite})
	for name, kind := range map[string]struct {
		change func(*webauthn.VirtualAuthenticatorOptions)
		// autofill and button say how it signs in by itself.
		autofill, button bool
	}{
		"platform": {nil, true, true},
		"backed up": {func(o *webauthn.VirtualAuthenticatorOptions) {
			o.DefaultBackupEligibility, o.DefaultBackupState = true, true
		}, true, true},
		"security key": {func(o *webauthn.VirtualAuthenticatorOptions) {
			o.Transport = webauthn.AuthenticatorTransportUsb
		}, false, true},
		"security key, not discoverable": {func(o *webauthn.VirtualAuthenticatorOptions) {
			o.Transport, o.HasResidentKey = webauthn.AuthenticatorTransportUsb, false
		}, false, false},
		"security key, not discoverable, no PIN": {func(o *webauthn.VirtualAuthenticatorOptions) {
			o.Transport, o.HasResidentKey, o.HasUserVerification, o.IsUserVerified = webauthn.AuthenticatorTransportUsb, false, false, false
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			email := strings.NewReplacer(" ", "-", ",", "").Replace(name) + "@example.com"
			g.AddUser(email)
			b := New(t)
			byPassword(b, g, email)
			key := b.plugIn(kind.change)
			addPasskey(b, g)
			b.Open(g.URL + "/key/x")
			b.mustBeAt(g.URL + "/key/x") // adding it has proven it
			signOut(b, g)
			if kind.button {
				b.Open(g.URL + "/_auth/login?return_to=/page")
				if !kind.autofill {
					b.Tap(".passkey button")
				}
				b.awaitAt(g.URL + "/page")
				if claims := b.whoami(g); !strings.Contains(claims, `"acr":"aal2"`) || strings.Contains(claims, "pwd") {
					t.Errorf("whoami: %s", claims)
				}
				signOut(b, g)
			}
			key.present(false) // or autofill would be first
			byPassword(b, g, email)
			b.Open(g.URL + "/key/x")
			key.present(true)
			b.Tap(".passkey button")
			b.awaitAt(g.URL + "/key/x")
			if claims := b.whoami(g); !strings.Contains(claims, `"acr":"aal2"`) {
				t.Errorf("after step-up: %s", claims)
			}
			key.unplug()
		})
	}
}

// whoami is what a script of the app learns.
func (b *Browser) whoami(g *gateway.Gateway) string {
	b.t.Helper()
	b.Open(g.URL + "/_auth/whoami")
	return b.Evaluate("document.body.innerText")
}

// TestPasskeyGoesWrong tries what can go wrong in a browser; each has a message of
// its own.
func TestPasskeyGoesWrong(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: passkeySite})
	g.AddUser("ada@example.com")
	b := New(t)
	byPassword(b, g, "ada@example.com")
	key := b.plugIn(nil)
	addPasskey(b, g)
	page := g.URL + "/_auth/step-up?return_to=/page&need=passkey"
	on := key.credentials()[0]

	t.Run("a bogus signature", func(t *testing.T) {
		yes := true
		key.override(webauthn.SetResponseOverrideBitsParams{IsBogusSignature: &yes})
		b.Open(page)
		b.Tap(".passkey button")
		b.says("That passkey did not work.", "")
		key.override(webauthn.SetResponseOverrideBitsParams{})
	})
	t.Run("timed out", func(t *testing.T) {
		b.Open(page)
		key.present(false)
		b.Evaluate(`(() => { const get = fetch; window.fetch = async (address, init) => {
			const answer = await get(address, init);
			if (!address.endsWith("options")) return answer;
			const body = await answer.json();
			body.publicKey.timeout = 500;
			return { json: () => body };
		}; return ''; })()`)
		b.Tap(".passkey button")
		b.says("That was cancelled, or took too long.", "")
		key.present(true)
	})
	t.Run("cancelled", func(t *testing.T) {
		b.Open(page)
		key.present(false)
		b.Tap(".passkey button")
		b.await("the authenticator", "document.querySelector('.passkey button').disabled")
		b.Evaluate("waiting.abort(), ''") // as the browser's own dialog does
		b.says("That was cancelled, or took too long.", "")
		key.present(true)
	})
	t.Run("not recognized", func(t *testing.T) {
		b.Open(page)
		key.verified(false)
		b.Tap(".passkey button")
		b.says("That was cancelled, or took too long.", "")
		key.verified(true)
	})
	t.Run("nobody touches it", func(t *testing.T) {
		yes := true
		key.override(webauthn.SetResponseOverrideBitsParams{IsBadUP: &yes})
		b.Open(page)
		b.Tap(".passkey button")
		b.says("That passkey did not work.", "")
		key.override(webauthn.SetResponseOverrideBitsParams{})
	})
	t.Run("on another origin", func(t *testing.T) {
		other := gateway.Start(t, gateway.Config{})
		b.Open(page)
		b.Evaluate(`(() => { send("/_auth/step-up/passkey/options", {}).then((asked) => { window.asked = JSON.stringify(asked); }); return ''; })()`)
		b.await("a challenge", "window.asked")
		asked := b.Evaluate("window.asked")
		b.Open(other.URL + "/_auth/login")
		b.Evaluate("navigator.credentials.get({ publicKey: readOptions((" + asked + ").publicKey) }).then((c) => { window.answer = JSON.stringify(writeCredential(c)); }), ''")
		b.await("an answer", "window.answer")
		stolen := b.Evaluate("window.answer")
		b.Open(page)
		b.Evaluate("send('/_auth/step-up/passkey', " + stolen + ").then((answer) => { window.told = answer.errors.passkey; }), ''")
		b.await("what the gateway says", "window.told")
		if told := b.Evaluate("window.told"); told != "That passkey was used for another site. Try again here." {
			t.Errorf("it says %s", told)
		}
	})
	t.Run("answered a hundred times at once", func(t *testing.T) {
		b.Open(page)
		b.Evaluate(`(async () => {
			const asked = await send("/_auth/step-up/passkey/options", {});
			const answer = writeCredential(await navigator.credentials.get({ publicKey: readOptions(asked.publicKey) }));
			const all = await Promise.all(Array.from({ length: 100 }, () => send("/_auth/step-up/passkey", answer)));
			window.passed = all.filter((one) => one.status === "ok").length;
		})(), ''`)
		b.await("the answers", "window.passed !== undefined")
		if passed := b.Evaluate("String(window.passed)"); passed != "1" {
			t.Errorf("%s of 100 passed", passed)
		}
	})
	t.Run("answered twice", func(t *testing.T) {
		b.Open(page)
		b.Evaluate(`(() => { const get = fetch; window.fetch = async (address, init) => {
			const first = await get(address, init);
			return address.endsWith("options") ? first : get(address, init);
		}; return ''; })()`)
		b.Tap(".passkey button")
		b.says("That took too long, or was answered already.", "")
	})
	t.Run("for another relying party", func(t *testing.T) {
		b.Open(page)
		b.Evaluate(`(() => { const get = fetch; window.fetch = async (address, init) => {
			const answer = await get(address, init);
			if (!address.endsWith("options")) return answer;
			const body = await answer.json();
			body.publicKey.rpId = "example.com";
			return { json: () => body };
		}; return ''; })()`)
		b.Tap(".passkey button")
		b.says("This browser cannot use passkeys here.", "")
	})
	t.Run("a copy", func(t *testing.T) {
		count := on.SignCount
		b.Open(page)
		b.Tap(".passkey button")
		b.awaitAt(g.URL + "/page")
		call(b, "removing", webauthn.RemoveCredential, webauthn.RemoveCredentialParams{AuthenticatorID: key.id, CredentialID: on.CredentialID})
		key.put(on, count)
		b.Open(page)
		b.Tap(".passkey button")
		b.awaitAt(g.URL + "/page") // the policy is to warn
		b.Open(g.URL + "/_auth/account/activity")
		b.wantText("A passkey may have been copied", "")
	})
	t.Run("not known any more", func(t *testing.T) {
		b.Open(g.URL + "/_auth/account/passkeys")
		b.Evaluate("document.querySelector('details').open = true, ''")
		b.Press("details .danger")
		signOut(b, g)
		call(b, "clearing", webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: key.id})
		key.put(on, on.SignCount)
		b.Open(g.URL + "/_auth/login") // autofill offers it
		b.says("That passkey is not known here, or not any more.", "")
		if left := key.credentials(); len(left) > 0 {
			t.Errorf("the browser was not told to forget it: %d", len(left))
		}
	})
}
