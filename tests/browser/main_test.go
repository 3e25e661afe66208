package browser

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

var (
	// errFresh says that a step-up is not asked for yet.
	errFresh = errors.New("the proof is still fresh")
	// errNoMail says that no mail has come yet.
	errNoMail = errors.New("there is no mail yet")
)

func TestMain(m *testing.M) { os.Exit(gateway.Run(m)) }

const site = "sigra {\npublic /public/*\n}\nsigra /owners/* {\nrequire org\nrequire role owner\nrequire aal2\n}\nsigra /billing {\nrequire fresh 1s\n}\nreverse_proxy {upstream}"

var setUpLink = regexp.MustCompile(`http://localhost:\d+/_auth/setup/[\w-]{43}`)

// TestAccountStory walks through every page as the first visitor does, with
// scripts and without, and looks at each.
func TestAccountStory(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			g := gateway.Start(t, gateway.Config{Site: site, Global: v.stores(t)})
			b, shoot := v.open(t)
			setUp(t, b, g, shoot)
			account(t, b, g, shoot)
			stepUp(t, b, g, shoot)
			refusals(t, b, g, shoot)
			signOutAndIn(t, b, g, shoot)
		})
	}
}

func setUp(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	b.Open(setUpLink.FindString(g.Log()))
	shoot("setup")
	b.Fill("#email", "nonsense")
	b.Fill("#password", "password1")
	b.Press(".primary")
	shoot("setup-errors")
	b.wantText("not an e-mail address", "keine E-Mail-Adresse")
	b.wantText("most common", "häufigsten")
	b.Fill("#email", "ada@example.com")
	b.Fill("#name", "Ada Lovelace")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.mustBeAt(g.URL + "/_auth/account")
}

func account(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	shoot("account")
	g.SignedIn("ada@example.com").Get("/")
	b.Open(g.URL + "/_auth/account/sessions")
	shoot("sessions")
	if text := b.Text("main"); strings.Count(text, "Chrome") < 2 {
		t.Errorf("the sessions: %s", text)
	}
	b.wantText("This device", "Dieses Gerät")
	b.Press("button.danger")
	if text := b.Text("main"); strings.Count(text, "Chrome") != 1 {
		t.Errorf("the other session is still there: %s", text)
	}
	b.Open(g.URL + "/page")
	if text := b.Text("body"); text != "hello" {
		t.Errorf("the app says %q", text)
	}
	if told := g.Upstream.Last().Header; told.Get("Remote-User") != "ada@example.com" || told.Get("Remote-Name") != "Ada Lovelace" {
		t.Errorf("the app was told %v", told)
	}
}

func stepUp(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	g.Await(func() error { // until the proof is old
		b.Open(g.URL + "/billing")
		if !strings.Contains(b.Location(), "/_auth/step-up") {
			return errFresh
		}
		return nil
	})
	shoot("step-up")
	b.Fill("#password", "wrong")
	b.Press(".primary")
	shoot("step-up-error")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.mustBeAt(g.URL + "/billing")
}

func refusals(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/owners/")
	shoot("403")
	b.wantText("ada@example.com", "ada@example.com")
	b.wantText("the role Owner", "die Rolle Inhaber")
	b.Open(g.URL + "/_auth/nothing")
	shoot("404")
}

func signOutAndIn(t *testing.T, b *Browser, g *gateway.Gateway, shoot func(string)) {
	t.Helper()
	b.Open(g.URL + "/_auth/logout")
	shoot("logout")
	b.Press(".primary")
	b.Open(g.URL + "/deep/page?x=1")
	shoot("login")
	b.Fill("#email", "ada@example.com")
	b.Fill("#password", "wrong password")
	b.Press(".primary")
	shoot("login-error")
	b.Fill("#password", gateway.Password)
	b.Press(".primary")
	b.mustBeAt(g.URL + "/deep/page?x=1")
}

// TestUnavailablePage looks at what visitors see when the stores are away.
func TestUnavailablePage(t *testing.T) {
	g := gateway.Start(t, gateway.Config{
		Global: "storage postgres {env.DSN}", Env: []string{"DSN=postgres://nobody@127.0.0.1:1/none"},
	})
	b := New(t)
	b.Open(g.URL + "/_auth/login")
	b.Shoot("503")
	if font := b.Evaluate(`getComputedStyle(document.querySelector("main")).borderRadius`); font == "0px" {
		t.Error("the page has no style")
	}
	if text := b.Text("main"); !strings.Contains(text, "try again shortly") {
		t.Errorf("the page says %s", text)
	}
}

// TestPasswordCanBeShown uses what the script adds.
func TestPasswordCanBeShown(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	b := New(t)
	b.Open(g.URL + "/_auth/login")
	b.Fill("#password", "secret")
	b.Tap(".eye")
	if kind := b.Evaluate(`document.querySelector("#password").type`); kind != "text" {
		t.Errorf("the password is of type %s", kind)
	}
}

// TestMailboxPage looks at the mail that is captured while there is no mail
// server, and follows its link.
func TestMailboxPage(t *testing.T) {
	g := gateway.Start(t, gateway.Config{Global: "signup open"})
	b := New(t)
	b.Open(g.URL + "/_auth/dev/mailbox")
	b.Shoot("mailbox-empty")
	g.NewClient().Post("/_auth/register", map[string][]string{"email": {"ada@example.com"}, "password": {gateway.Password}})
	g.Await(func() error {
		b.Open(g.URL + "/_auth/dev/mailbox")
		if !strings.Contains(b.Text("main"), "/_auth/confirm/") {
			return errNoMail
		}
		return nil
	})
	b.Shoot("mailbox")
	b.Press(`a[href*="/dev/mailbox/"]`)
	if text := b.Text("body"); !strings.Contains(text, "Confirm your address") {
		t.Errorf("the mail says %s", text)
	}
	b.Press(`a[href*="/confirm/"]`)
	b.wantText("Confirm your address", "")
}
