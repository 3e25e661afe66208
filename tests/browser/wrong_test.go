package browser

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/sigra-auth/sigra/tests/gateway"
)

// askFor changes the options that the page gets for the browser.
func (b *Browser) askFor(change string) {
	b.t.Helper()
	b.Evaluate(`(() => { const get = fetch; window.fetch = async (address, init) => {
		const answer = await get(address, init);
		if (!address.includes("options")) return answer;
		const body = await answer.json(), { publicKey } = body;
		` + change + `;
		return { json: () => body };
	}; return ''; })()`)
}

// TestPasskeyGoesWrong tries what can go wrong in a browser. Each has a message of
// its own, less what a browser does not tell a page: that somebody cancels, and
// that they are not recognized.
func TestPasskeyGoesWrong(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: passkeySite, Global: "throttle {\nfactor 1000 15m\nchallenge 1000 15m\n}"})
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
		b.askFor("publicKey.timeout = 500")
		b.Tap(".passkey button")
		b.says("Nothing was confirmed in time.", "")
		key.present(true)
	})
	t.Run("cancelled", func(t *testing.T) {
		b.Open(page)
		key.present(false)
		b.Tap(".passkey button")
		b.await("the authenticator", "document.querySelector('.passkey button').disabled")
		b.Evaluate("waiting.abort(), ''") // as the browser's own dialog does
		b.says("That was cancelled, or you were not recognized.", "")
		key.present(true)
	})
	t.Run("not recognized", func(t *testing.T) {
		b.Open(page)
		key.verified(false)
		b.Tap(".passkey button")
		b.says("That was cancelled, or you were not recognized.", "")
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
		// Not the sign-in page: its autofill would learn that the passkey is not known
		// there, and the browser would forget it.
		b.Open(other.URL + "/_auth/whoami")
		b.Evaluate("navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON((" + asked + ").publicKey) }).then((c) => { window.answer = JSON.stringify(c); }), ''")
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
			const all = await Promise.allSettled(Array.from({ length: 100 }, () => send("/_auth/step-up/passkey", answer)));
			window.passed = all.filter((one) => one.value?.status === "ok").length;
		})().catch((error) => { window.passed = "none, " + error; }), ''`)
		b.await("the answers", "window.passed !== undefined")
		if passed := b.Evaluate("String(window.passed)"); passed != "1" {
			t.Errorf("%s of 100 passed", passed)
		}
	})
	t.Run("answered twice", func(t *testing.T) {
		b.Open(page)
		b.Evaluate(`(() => { const get = fetch; window.fetch = async (address, init) => {
			const first = await get(address, init);
			return address.includes("options") ? first : get(address, init);
		}; return ''; })()`)
		b.Tap(".passkey button")
		b.says("That took too long, or was answered already.", "")
	})
	t.Run("for another relying party", func(t *testing.T) {
		b.Open(page)
		b.askFor(`publicKey.rpId = "example.com"`)
		b.Tap(".passkey button")
		b.says("Passkeys of this site do not work at this address.", "")
	})
	t.Run("of a kind that the browser does not know", func(t *testing.T) {
		b.Open(g.URL + "/_auth/account/passkeys")
		b.askFor(`publicKey.excludeCredentials = [], publicKey.pubKeyCredParams = [{ type: "unheard-of", alg: -7 }]`)
		b.Tap(".passkey button")
		b.says("This browser or device cannot do that with a passkey.", "")
	})
	t.Run("offline", func(t *testing.T) {
		b.Open(page)
		b.Evaluate(`window.fetch = () => Promise.reject(new TypeError("Failed to fetch")), ''`)
		b.Tap(".passkey button")
		b.says("The site could not be reached.", "")
	})
	t.Run("a copy", func(t *testing.T) {
		b.Open(page)
		b.Tap(".passkey button")
		b.awaitAt(g.URL + "/page")
		key.replace(on)
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
