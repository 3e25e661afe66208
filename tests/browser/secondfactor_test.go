package browser

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestPasskeyAsSecondFactor makes passkeys the second factor, signs in with one
// after the password, and trusts the browser.
func TestPasskeyAsSecondFactor(t *testing.T) {
	for _, v := range variants {
		if !v.scripts {
			continue // a browser speaks WebAuthn by a script alone
		}
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Site: passkeySite, Global: v.stores(t) + mailer(smtp)})
			g.AddUser("ada@example.com")
			b, shoot := v.open(t)
			byPassword(b, g, "ada@example.com")
			b.Open(g.URL + "/key/x")
			b.wantText("asks for a passkey", "verlangt einen Passkey")
			shoot("step-up-set-up-passkey")
			key := b.plugIn(nil)
			b.Press("main a.primary")
			b.Tap(".passkey button")
			b.awaitAt(g.URL + "/key/x")
			codes := usePasskeys(t, b, g, shoot)
			trustByPasskey(t, b, g, key, shoot)
			fewCodes(t, b, g, codes, shoot)
			everyLetter(t, b, smtp, 5)
		})
	}
}

func usePasskeys(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) (codes []string) {
	t.Helper()
	b.Open(g.URL + "/_auth/account/mfa")
	shoot("twostep-passkey")
	b.Press(`form[action$="/mfa/passkeys"] button`)
	if codes = backupCode.FindAllString(b.Text("#codes"), -1); len(codes) != 8 {
		t.Fatalf("backup codes: %v", codes)
	}
	b.Open(g.URL + "/_auth/account/passkeys")
	b.Tap("summary")
	b.Press("details .danger")
	b.wantText("your only second factor", "Ihr einziger zweiter Faktor")
	shoot("passkeys-last-factor")
	return codes
}

func trustByPasskey(t *testing.T, b *Browser, g *gateway.Gateway, key *authenticator, shoot func(string)) {
	t.Helper()
	key.present(false) // or autofill would be first
	signOut(b, g)
	byPassword(b, g, "ada@example.com")
	b.mustBeAt(g.URL + "/_auth/mfa?return_to=%2F_auth%2Faccount")
	shoot("challenge-passkey")
	yes := true
	key.override(webauthn.SetResponseOverrideBitsParams{IsBogusSignature: &yes})
	key.present(true)
	b.Tap(".passkey button")
	b.says("That passkey did not work.", "Dieser Passkey hat nicht funktioniert.")
	shoot("challenge-passkey-error")
	key.override(webauthn.SetResponseOverrideBitsParams{})
	b.Tap("input[name=trust]")
	b.Tap(".passkey button")
	b.awaitAt(g.URL + "/_auth/account")
	if claims := b.whoami(g); !strings.Contains(claims, `"acr":"aal2"`) || !strings.Contains(claims, "pwd") {
		t.Errorf("whoami: %s", claims)
	}
	key.present(false)
	signOut(b, g)
	byPassword(b, g, "ada@example.com")
	b.mustBeAt(g.URL + "/_auth/account") // the browser is trusted
	b.Open(g.URL + "/strong/x")          // which proves nothing
	b.wantText("Is it still you?", "Sind Sie es noch?")
	shoot("step-up-passkey")
	key.present(true)
	b.Tap(".passkey button")
	b.awaitAt(g.URL + "/strong/x")
	b.Open(g.URL + "/_auth/account/mfa")
	b.Press(".after button")
	key.present(false)
}

// fewCodes uses backup codes until two are left, and then none, makes new ones,
// and types wrong ones until no more are taken.
func fewCodes(t *testing.T, b *Browser, g *gateway.Gateway, codes []string, shoot func(string)) {
	t.Helper()
	for i, code := range codes {
		if i != 5 && i != 7 { // the page is the same in between
			c := g.SignedIn("ada@example.com")
			c.Post("/_auth/mfa/backup", url.Values{"code": {code}})
			continue
		}
		signOut(b, g)
		byPassword(b, g, "ada@example.com")
		b.Press(`a[href*="/mfa/backup"]`)
		b.Fill("#code", code)
		b.Press("form .primary")
		b.Open(g.URL + "/_auth/account/mfa")
		if i == 5 {
			b.wantText("Few backup codes are left: 2.", "Nur noch wenige Ersatzcodes sind übrig: 2.")
			shoot("twostep-few-codes")
		}
	}
	b.wantText("No backup codes are left.", "Es sind keine Ersatzcodes mehr übrig.")
	shoot("twostep-no-codes")
	b.Press(`form[action$="/mfa/codes"] button`)
	signOut(b, g)
	byPassword(b, g, "ada@example.com")
	for range 6 {
		b.Open(g.URL + "/_auth/mfa/backup")
		b.Fill("#code", "0000-0000")
		b.Press("form .primary")
	}
	b.wantText("Too many attempts.", "Zu viele Versuche.")
	shoot("challenge-locked")
}
