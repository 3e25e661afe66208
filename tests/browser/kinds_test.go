package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

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
		"not backed up yet": {func(o *webauthn.VirtualAuthenticatorOptions) { o.DefaultBackupEligibility = true }, true, true},
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
			key.present(false)           // or autofill would be first
			signOut(b, g)
			if kind.button {
				key.present(true)
				b.Open(g.URL + "/_auth/login?return_to=/page")
				if !kind.autofill {
					b.Tap(".passkey button")
				}
				b.awaitAt(g.URL + "/page")
				if claims := b.whoami(g); !strings.Contains(claims, `"acr":"aal2"`) || strings.Contains(claims, "pwd") {
					t.Errorf("whoami: %s", claims)
				}
				key.present(false)
				signOut(b, g)
			}
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

// TestKeyWithoutPIN signs in with a security key that is discoverable and asks for
// no PIN. That is one factor: with two-step sign-in, the key is not offered again.
func TestKeyWithoutPIN(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Site: passkeySite})
	g.AddUser("ada@example.com")
	b := New(t)
	byPassword(b, g, "ada@example.com")
	key := b.plugIn(func(o *webauthn.VirtualAuthenticatorOptions) { o.Transport = webauthn.AuthenticatorTransportUsb })
	addPasskey(b, g)
	// Chromium takes no discoverable key without a PIN, but other browsers do: this
	// one does not say that it has verified anybody.
	yes := true
	key.override(webauthn.SetResponseOverrideBitsParams{IsBadUV: &yes})
	key.present(false)
	signOut(b, g)
	byKey := func() {
		b.Open(g.URL + "/_auth/login?return_to=/page")
		key.present(true)
		b.Tap(".passkey button")
	}
	byKey()
	b.awaitAt(g.URL + "/page")
	if claims := b.whoami(g); !strings.Contains(claims, `"acr":"aal1"`) {
		t.Errorf("whoami: %s", claims)
	}
	setUpAppAt(t, b, g.URL+"/_auth/account/mfa/app", func(string) {})
	key.present(false)
	signOut(b, g)
	byKey()
	b.await("the challenge", "location.pathname === '/_auth/mfa' && document.readyState === 'complete'")
	if b.Evaluate("String(document.querySelector('.passkey') !== null)") != "false" {
		t.Error("the key is offered as its own second factor")
	}
	b.Shoot("challenge-after-key")
	b.Fill("#password", "wrong")
	b.Press("form:has(#password) button[type=submit]")
	b.wantText("This is not your password.", "")
	b.Shoot("challenge-after-key-error")
	b.Fill("#password", gateway.Password)
	b.Press("form:has(#password) button[type=submit]")
	b.mustBeAt(g.URL + "/page")
	if claims := b.whoami(g); !strings.Contains(claims, `"acr":"aal2"`) {
		t.Errorf("whoami: %s", claims)
	}
}

// TestCopiedPasskey uses one whose counter goes back, under each policy that does
// not let it in.
func TestCopiedPasskey(t *testing.T) {
	for _, policy := range []string{"reauth", "revoke"} {
		t.Run(policy, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Site: passkeySite, Global: "passkeys {\nsign_count " + policy + "\n}\n" + mailer(smtp)})
			g.AddUser("ada@example.com")
			b := New(t)
			byPassword(b, g, "ada@example.com")
			key := b.plugIn(nil)
			addPasskey(b, g)
			copied := key.credentials()[0]
			page := g.URL + "/_auth/step-up?return_to=/page&need=passkey"
			b.Open(page)
			b.Tap(".passkey button")
			b.awaitAt(g.URL + "/page")
			key.replace(copied)
			b.Open(page)
			b.Tap(".passkey button")
			b.says("That passkey may have been copied", "")
			b.Shoot("step-up-passkey-copied-" + policy)
			key.present(false)
			if policy == "reauth" { // else the session has ended
				signOut(b, g)
			}
			byPassword(b, g, "ada@example.com")
			b.Open(g.URL + "/_auth/account/passkeys")
			if left := strings.Contains(b.Text("main"), "last used"); left != (policy == "reauth") {
				t.Errorf("the page says %s", b.Text("main"))
			}
			b.Open(g.URL + "/_auth/account/activity")
			b.wantText("A passkey may have been copied", "")
		})
	}
}
