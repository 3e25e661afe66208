package browser

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

var backupCode = regexp.MustCompile(`\d{4}-\d{4}`)

// typed is the code that an app shows some steps from now: a test need not wait for
// the next.
func typed(t *testing.T, secret string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// step is the time step of the codes that apps show now.
func step() int64 { return time.Now().Unix() / 30 }

// send fills in a code. With scripts, the last digit sends it.
func (b *Browser) send(code string) {
	b.t.Helper()
	if !b.scripts {
		b.Fill("#code", code)
		b.Press("form .primary")
		return
	}
	if hint := b.Evaluate("document.querySelector('#code').getAttribute('aria-describedby')"); !strings.Contains(hint, "code-hint") {
		b.t.Errorf("the field does not say that it is sent: %s", hint)
	}
	before := b.Evaluate("String(performance.timeOrigin)")
	b.Fill("#code", code)
	b.await("the page that follows", "String(performance.timeOrigin) !== "+`"`+before+`" && document.readyState === "complete"`)
}

const twoStepSite = `sigra
sigra /strong/* {
	mfa required
}
reverse_proxy {upstream}`

// TestTwoStepStory sets up an authenticator app on the way to a page that asks for
// it, signs in with it, loses the phone, and recovers: by a backup code, and by an
// operator.
func TestTwoStepStory(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Site: twoStepSite, Global: v.stores(t) + mailer(smtp)})
			g.AddUser("ada@example.com")
			b, shoot := v.open(t)
			byPassword(b, g, "ada@example.com")
			b.Open(g.URL + "/_auth/account/mfa")
			shoot("twostep-off")
			secret, codes := setUpApp(t, b, g, shoot)
			used := signInWithApp(t, b, g, secret, shoot)
			lostPhone(t, b, g, phone{secret, used, codes}, shoot)
		})
	}
}

func setUpApp(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) (secret string, codes []string) {
	t.Helper()
	b.Open(g.URL + "/strong/page")
	b.wantText("asks for a second factor", "verlangt einen zweiten Faktor")
	shoot("step-up-set-up")
	secret, codes = setUpAppAt(t, b, b.Evaluate("document.querySelector('main a.primary').href"), shoot)
	b.Press("main a.primary")
	b.mustBeAt(g.URL + "/strong/page")
	return secret, codes
}

// setUpAppAt sets up an app on its page.
func setUpAppAt(t *testing.T, b *Browser, page string, shoot func(string)) (secret string, codes []string) {
	t.Helper()
	b.Open(page)
	shoot("app")
	secret = strings.ReplaceAll(b.Text("code.key"), " ", "")
	wrong := "000000"
	if typed(t, secret, 0) == wrong {
		wrong = "000001"
	}
	b.send(wrong)
	b.wantText("This is not the code that the app shows now.", "Das ist nicht der Code, den die App jetzt anzeigt.")
	shoot("app-error")
	b.send(typed(t, secret, 0))
	codes = backupCode.FindAllString(b.Text("#codes"), -1)
	if len(codes) != 8 {
		t.Fatalf("backup codes: %v", codes)
	}
	shoot("codes")
	if b.scripts {
		if got := b.Evaluate("String(document.getElementById('code-tools').hidden)"); got != "false" {
			t.Error("the codes cannot be copied")
		}
	}
	return secret, codes
}

func signInWithApp(t *testing.T, b *Browser, g *gateway.Gateway, secret string, shoot func(string)) (used int64) {
	t.Helper()
	signOut(b, g)
	b.Open(g.URL + "/strong/page")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", gateway.Password)
	b.Press("form .primary")
	b.mustBeAt(g.URL + "/_auth/mfa?return_to=%2Fstrong%2Fpage")
	b.wantText("a***@example.com", "a***@example.com")
	shoot("challenge")
	b.Tap("input[name=trust]")
	used = step() + 1
	b.send(typed(t, secret, 1))
	b.mustBeAt(g.URL + "/strong/page")
	b.Open(g.URL + "/_auth/account/mfa")
	b.wantText("It is on", "Sie ist eingeschaltet")
	b.wantText("Browsers that do not ask", "Browser, die nicht fragen")
	shoot("twostep-on")
	signOut(b, g)
	byPassword(b, g, "ada@example.com") // the box was ticked, though the script has sent the form
	b.mustBeAt(g.URL + "/_auth/account")
	b.Open(g.URL + "/_auth/account/mfa/app")
	b.wantText("or a backup code", "oder ein Ersatzcode") // a browser that is trusted is no proof
	shoot("step-up-code")
	b.Open(g.URL + "/_auth/account/mfa")
	b.Press(".after button")
	return used
}

// phone is one that is lost: the secret of its app, the step of its latest code,
// and the backup codes that came with it.
type phone struct {
	secret string
	used   int64
	codes  []string
}

func lostPhone(t *testing.T, b *Browser, g *gateway.Gateway, lost phone, shoot func(string)) {
	t.Helper()
	signOut(b, g)
	byPassword(b, g, "ada@example.com")
	b.Press(`a[href*="/mfa/backup"]`)
	shoot("challenge-backup")
	b.Fill("#code", lost.codes[0])
	b.Press("form .primary")
	b.mustBeAt(g.URL + "/_auth/account")
	b.Open(g.URL + "/_auth/account/mfa/app") // a new phone
	secret := strings.ReplaceAll(b.Text("code.key"), " ", "")
	b.send(typed(t, secret, 0))
	if again := backupCode.FindAllString(b.Text("#codes"), -1); len(again) != 8 || slices.Contains(again, lost.codes[1]) {
		t.Errorf("backup codes: %v, before: %v", again, lost.codes)
	}
	signOut(b, g)
	byPassword(b, g, "ada@example.com")
	b.send(typed(t, lost.secret, 0))
	b.wantText("This code is wrong", "Dieser Code ist falsch")
	shoot("challenge-error")
	for step() < lost.used { // no step is taken twice, of whichever app
		time.Sleep(time.Second)
	}
	b.send(typed(t, secret, 1))
	b.mustBeAt(g.URL + "/_auth/account")
	b.Open(g.URL + "/_auth/account/activity")
	b.wantText("Two-step sign-in turned on", "Anmeldung in zwei Schritten eingeschaltet")
	if _, err := g.CLI("", "user", "reset-factors", "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	byPassword(b, g, "ada@example.com")
	b.mustBeAt(g.URL + "/_auth/account")
	b.Open(g.URL + "/_auth/account/mfa")
	b.wantText("It is off", "Sie ist ausgeschaltet")
}

// TestSignUpWithAPasskey makes an account that never has a password.
func TestSignUpWithAPasskey(t *testing.T) {
	for _, v := range variants {
		if !v.scripts {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Site: passkeySite, Global: v.stores(t) + "signup open\n" + mailer(smtp)})
			b, shoot := v.open(t)
			key := b.plugIn(nil)
			b.Open(g.URL + "/_auth/register?return_to=/page")
			shoot("register-passkey")
			b.Fill("#email", "grace@example.com")
			b.Press("button[name=passkey]")
			b.Open(anyLink.FindString(smtp.Await(t, "grace@example.com", 1).Plain()))
			shoot("confirm-link-whose")
			b.wantText("grace@example.com", "grace@example.com")
			b.Press(".primary")
			b.wantText("Add your passkey now", "Fügen Sie jetzt Ihren Passkey hinzu")
			shoot("passkeys-welcome")
			b.Tap(".passkey button")
			b.await("the passkey", "document.querySelectorAll('.list .item').length === 1")
			b.Tap("summary")
			b.Press("details .danger")
			b.wantText("Without this passkey you could not sign in any more.", "Ohne diesen Passkey könnten Sie sich nicht mehr anmelden.")
			shoot("passkeys-last")
			signOutWith(key, b, g)
			b.Open(g.URL + "/_auth/login?return_to=/page")
			b.awaitAt(g.URL + "/page")
			if got := g.Upstream.For("/page"); len(got) != 1 || got[0].Header.Get("Remote-User") != "grace@example.com" {
				t.Errorf("the app was told %+v", got)
			}
			key.unplug()
		})
	}
}
