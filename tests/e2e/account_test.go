package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

const grace = "grace@example.com"

var portalLink = regexp.MustCompile(`http://localhost:\d+(/_auth/\S+)`)

// linkIn returns the path of the link in the nth mail to an address.
func linkIn(t *testing.T, smtp *servers.SMTP, email string, n int) string {
	t.Helper()
	text := smtp.Await(t, email, n).Plain()
	link := portalLink.FindStringSubmatch(text)
	if link == nil {
		t.Fatalf("the mail says %s", text)
	}
	return link[1]
}

// wantTo fails the test unless an answer is a redirect to a page.
func wantTo(t *testing.T, what string, answer gateway.Answer, page string) {
	t.Helper()
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != page {
		t.Fatalf("%s: %d to %q, want %q\n%s", what, answer.StatusCode, answer.Header.Get("Location"), page, answer.Text)
	}
}

func TestProfileReachesTheApp(t *testing.T) {
	const fields = `
profile_field company {
	label "Company"
	required
	header X-Company
	claim
}
profile_field team {
	type choice Red Blue
}`
	onBoth(t, fields, func(t *testing.T, g *gateway.Gateway, _ *servers.SMTP) {
		c, other := g.SignedIn(ada), g.SignedIn(ada)
		other.Get("/") // its session is in the cache
		if err := expect(c.Post("/_auth/account/profile", url.Values{"name": {"Ada"}}), http.StatusUnprocessableEntity); err != nil {
			t.Error(err)
		}
		form := url.Values{"name": {"Countess"}, "language": {"de"}, "company": {"Acme & Söhne"}, "team": {"Red"}}
		wantTo(t, "saving", c.Post("/_auth/account/profile", form), "/_auth/account?changed=profile")
		for _, browser := range []*gateway.Client{c, other} {
			browser.Get("/", "X-Company", "Forged", "x_company", "Forged")
			seen := g.Upstream.Last()
			if got := seen.Header.Values("X-Company"); len(got) != 1 || !strings.Contains(got[0], "=C3=B6hne") || seen.Header.Get("Remote-Name") != "Countess" {
				t.Errorf("the app was told %q by %q", got, seen.Header.Get("Remote-Name"))
			}
			if claims := claimsOf(t, seen.Header.Get("Sigra-Assertion")); claims["company"] != "Acme & Söhne" || claims["team"] != nil {
				t.Errorf("the assertion says %v", claims)
			}
		}
		if page := other.Get("/_auth/account", "Accept-Language", "en"); !strings.Contains(page.Text, "Über Sie") {
			t.Error("the pages do not speak German")
		}
	})
}

// claimsOf reads the claims of an assertion; others verify it.
func claimsOf(t *testing.T, assertion string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Fatalf("no assertion: %q", assertion)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(body, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestChangeOfAddress(t *testing.T) {
	onBoth(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		c, other := g.SignedIn(ada), g.SignedIn(ada)
		page := c.Get("/_auth/account/email")
		if err := expect(page, http.StatusOK); err != nil {
			t.Fatal(err)
		}
		ask := func(email, password string) gateway.Answer {
			return c.Post("/_auth/account/email", url.Values{"email": {email}, "current": {password}})
		}
		for what, answer := range map[string]gateway.Answer{"wrong password": ask(grace, "wrong"), "no address": ask("grace", gateway.Password), "the same": ask("ADA@example.com", gateway.Password)} {
			if err := expect(answer, http.StatusUnprocessableEntity); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		wantTo(t, "asking", ask(grace, gateway.Password), "/_auth/account/email")
		if text := c.Get("/_auth/account/email").Text; !strings.Contains(text, grace) || !strings.Contains(text, "until then, nothing changes") {
			t.Error("the page does not say what waits")
		}
		link := linkIn(t, smtp, grace, 1)
		notice := smtp.Await(t, ada, 2) // the first is about the second browser
		if !strings.Contains(notice.Plain(), grace) || !strings.Contains(notice.Plain(), "/_auth/keep-email/") {
			t.Errorf("the old address is told %s", notice.Plain())
		}
		// The old one counts, and nobody but the owner of the account confirms.
		c.Get("/")
		if user := g.Upstream.Last().Header.Get("Remote-User"); user != ada {
			t.Errorf("before the confirmation the app sees %s", user)
		}
		wantTo(t, "the link signed out", g.NewClient().Get(link), "/_auth/login?return_to="+url.QueryEscape(link))
		g.AddUser("mallory@example.com")
		if err := expect(g.SignedIn("mallory@example.com").Post(link, url.Values{}), http.StatusForbidden); err != nil {
			t.Errorf("somebody else's click: %v", err)
		}
		if err := expect(c.Get(link), http.StatusOK); err != nil {
			t.Fatal(err)
		}
		wantTo(t, "confirming", c.Post(link, url.Values{}), "/_auth/account?changed=email")
		c.Get("/")
		if user := g.Upstream.Last().Header.Get("Remote-User"); user != grace {
			t.Errorf("the app sees %s", user)
		}
		if err := expect(other.Fetch("/"), http.StatusUnauthorized); err != nil {
			t.Errorf("another browser: %v", err)
		}
		if m := smtp.Await(t, ada, 3); !strings.Contains(m.Header.Get("Subject"), "has changed") {
			t.Errorf("the old address is told %q", m.Header.Get("Subject"))
		}
		if err := expect(c.Post(link, url.Values{}), http.StatusNotFound); err != nil {
			t.Errorf("the link again: %v", err)
		}
		g.SignedIn(grace)
	})
}

func TestChangeOfAddressIsStoppedFromTheOldOne(t *testing.T) {
	onBoth(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		c := g.SignedIn(ada)
		c.Post("/_auth/account/email", url.Values{"email": {grace}, "current": {gateway.Password}})
		link, keep := linkIn(t, smtp, grace, 1), linkIn(t, smtp, ada, 1)
		owner := g.NewClient()
		if err := expect(owner.Get(keep), http.StatusOK); err != nil {
			t.Fatal(err)
		}
		if err := expect(c.Get(link), http.StatusOK); err != nil {
			t.Errorf("looking at the notice has stopped it: %v", err)
		}
		wantTo(t, "stopping", owner.Post(keep, url.Values{}), "/_auth/reset")
		for what, answer := range map[string]gateway.Answer{"the change": c.Post(link, url.Values{}), "the notice again": owner.Post(keep, url.Values{})} {
			if err := expect(answer, http.StatusNotFound); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		// The same by oneself.
		c.Post("/_auth/account/email", url.Values{"email": {grace}, "current": {gateway.Password}})
		link = linkIn(t, smtp, grace, 2)
		wantTo(t, "withdrawing", c.Post("/_auth/account/email-withdraw", url.Values{}), "/_auth/account/email")
		if err := expect(c.Post(link, url.Values{}), http.StatusNotFound); err != nil {
			t.Error(err)
		}
	})
}

// Whether an address is taken is told to its owner alone.
func TestChangeToATakenAddress(t *testing.T) {
	onBoth(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		g.AddUser(grace)
		c := g.SignedIn(ada)
		ask := func(email string) gateway.Answer {
			c.Post("/_auth/account/email", url.Values{"email": {email}, "current": {gateway.Password}})
			return c.Get("/_auth/account/email")
		}
		taken, free := ask(grace), ask("free@example.com")
		if a, b := strings.ReplaceAll(taken.Text, grace, "*"), strings.ReplaceAll(free.Text, "free@example.com", "*"); a != b {
			t.Errorf("the pages differ:\n%s\n%s", a, b)
		}
		if m := smtp.Await(t, grace, 1); !strings.Contains(m.Header.Get("Subject"), "already") {
			t.Errorf("the owner is told %q", m.Header.Get("Subject"))
		}
	})
}

func TestDeletionWithGrace(t *testing.T) {
	onBoth(t, "signup open\ndeletion soft 30d", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		c := g.SignedIn(ada)
		form := url.Values{"current": {gateway.Password}, "confirm": {"yes"}}
		if err := expect(c.Post("/_auth/account/delete", url.Values{"current": {"wrong"}, "confirm": {"yes"}}), http.StatusUnprocessableEntity); err != nil {
			t.Error(err)
		}
		c.Post("/_auth/account/delete", url.Values{"current": {gateway.Password}}) // without the tick
		if err := expect(c.Get("/"), http.StatusOK); err != nil {
			t.Fatal(err)
		}
		wantTo(t, "deleting", c.Post("/_auth/account/delete", form), "/_auth/login?deleted=1")
		if err := expect(c.Fetch("/"), http.StatusUnauthorized); err != nil {
			t.Error(err)
		}
		date := time.Now().UTC().Add(30 * 24 * time.Hour).Format(time.DateOnly)
		if m := smtp.Await(t, ada, 1); !strings.Contains(m.Plain(), date) || !strings.Contains(m.Plain(), "/_auth/reactivate") {
			t.Errorf("the mail says %s", m.Plain())
		}
		// Nobody else gets the address, and no app sees who comes back, until they
		// have decided.
		signUp(g.NewClient(), ada, "another password")
		smtp.Await(t, ada, 2)
		back := g.NewClient()
		count := g.Upstream.Count()
		wantTo(t, "coming back", back.Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}, "return_to": {"/x"}}), "/_auth/reactivate?return_to=%2Fx")
		wantTo(t, "the app", back.Get("/x"), "/_auth/reactivate?return_to=%2Fx")
		wantTo(t, "the account", back.Get("/_auth/account"), "/_auth/reactivate")
		if g.Upstream.Count() != count {
			t.Error("the app saw somebody who is leaving")
		}
		if text := back.Get("/_auth/reactivate").Text; !strings.Contains(text, date) {
			t.Error("the page does not say when")
		}
		wantTo(t, "keeping", back.Post("/_auth/reactivate", url.Values{}), "/_auth/account?changed=kept")
		if err := expect(back.Get("/x"), http.StatusOK); err != nil {
			t.Error(err)
		}
		if list, err := g.CLI("", "user", "list"); err != nil || strings.Contains(list, "deletion_at") {
			t.Errorf("%s %v", list, err)
		}
	})
}

func TestDeletionAtOnce(t *testing.T) {
	for mode, left := range map[string]string{"soft": "email=" + ada, "anonymize": "deleted_at=", "hard": ""} {
		t.Run(mode, func(t *testing.T) {
			onBoth(t, "signup open\ndeletion "+mode+" at_once", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
				c := g.SignedIn(ada)
				c.Post("/_auth/account/delete", url.Values{"current": {gateway.Password}, "confirm": {"yes"}})
				if m := smtp.Await(t, ada, 1); !strings.Contains(m.Header.Get("Subject"), "has been deleted") {
					t.Errorf("the mail says %q", m.Header.Get("Subject"))
				}
				list, err := g.CLI("", "user", "list")
				if err != nil || !strings.Contains(list, left) || mode != "soft" && strings.Contains(list, "ada") || mode == "hard" && list != "" {
					t.Errorf("left is %q, %v", list, err)
				}
				if err := expect(g.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {gateway.Password}}), http.StatusUnprocessableEntity); err != nil {
					t.Error(err)
				}
				again := g.NewClient()
				signUp(again, ada, "another password")
				_, code := proof(t, smtp, ada, 2)
				wantTo(t, "signing up again", again.Post("/_auth/confirm", url.Values{"code": {code}}), "/_auth/account")
			})
		})
	}
}

func TestActivityAndExport(t *testing.T) {
	onBoth(t, "", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		g.NewClient().Post("/_auth/login", url.Values{"email": {ada}, "password": {"wrong"}})
		c := g.SignedIn(ada)
		for range 30 {
			c.Post("/_auth/account/profile", url.Values{"name": {"Ada"}})
		}
		first := c.Get("/_auth/account/activity")
		older := regexp.MustCompile(`href="(/_auth/account/activity\?before=[^"]+)"`).FindStringSubmatch(first.Text)
		if !strings.Contains(first.Text, "Profile changed") || older == nil {
			t.Fatalf("%s", first.Text)
		}
		if second := c.Get(older[1]); !strings.Contains(second.Text, "Sign-in failed") || !strings.Contains(second.Text, "Chrome on Linux") || strings.Contains(second.Text, "before=") {
			t.Errorf("%s", second.Text)
		}
		// A link leads a new browser through sign-in; the owner is told of it.
		other := g.SignedIn(ada)
		if m := smtp.Await(t, ada, 1); !strings.Contains(m.Plain(), "Chrome on Linux") || !strings.Contains(m.Plain(), "127.0.0.1") {
			t.Errorf("the mail says %s", m.Plain())
		}
		other.SignIn(ada) // known by now
		export := other.Post("/_auth/account/data", url.Values{})
		if !strings.HasPrefix(export.Header.Get("Content-Disposition"), "attachment") || strings.Contains(export.Text, "argon2id") {
			t.Errorf("%v", export.Header)
		}
		var file struct {
			SchemaVersion int `json:"schema_version"`
			Account       struct{ Email, Name string }
			Sessions      []map[string]any
			Events        []map[string]any
			Omissions     []string
		}
		if err := json.Unmarshal([]byte(export.Text), &file); err != nil {
			t.Fatal(err)
		}
		if file.SchemaVersion != 1 || file.Account.Email != ada || len(file.Sessions) != 2 || len(file.Events) < 30 || len(file.Omissions) == 0 {
			t.Errorf("%+v", file)
		}
		if n := len(smtp.Mails(ada)); n != 1 {
			t.Errorf("%d mails", n)
		}
	})
}

func TestInvitation(t *testing.T) {
	onBoth(t, "signup invite", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		if err := expect(g.NewClient().Get("/_auth/register"), http.StatusNotFound); err != nil {
			t.Errorf("without an invitation: %v", err)
		}
		if out, err := g.CLI("", "user", "invite", ada); err == nil {
			t.Errorf("somebody with an account is invited: %s", out)
		}
		for range 2 { // the second voids the first
			if _, err := g.CLI("", "user", "invite", grace, "--role", "admin"); err != nil {
				t.Fatal(err)
			}
		}
		void, link := linkIn(t, smtp, grace, 1), linkIn(t, smtp, grace, 2)
		c := g.NewClient()
		if err := expect(c.Get(void), http.StatusNotFound); err != nil {
			t.Errorf("the older link: %v", err)
		}
		if page := c.Get(link); !strings.Contains(page.Text, grace) {
			t.Fatalf("%s", page.Text)
		}
		if err := expect(c.Post(link, url.Values{"password": {"short"}}), http.StatusUnprocessableEntity); err != nil {
			t.Error(err)
		}
		wantTo(t, "accepting", c.Post(link, url.Values{"name": {"Grace"}, "password": {gateway.Password}, "email": {"other@example.com"}}), "/_auth/account")
		c.Get("/")
		if h := g.Upstream.Last().Header; h.Get("Remote-User") != grace || h.Get("Remote-Groups") != "admin" {
			t.Errorf("the app sees %v", h)
		}
		if err := expect(g.NewClient().Post(link, url.Values{"password": {gateway.Password}}), http.StatusNotFound); err != nil {
			t.Errorf("the link again: %v", err)
		}
	})
}

func TestApproval(t *testing.T) {
	onBoth(t, "signup open {\napproval\n}", func(t *testing.T, g *gateway.Gateway, smtp *servers.SMTP) {
		c := g.NewClient()
		signUp(c, grace, gateway.Password)
		_, code := proof(t, smtp, grace, 1)
		wantTo(t, "confirming", c.Post("/_auth/confirm", url.Values{"code": {code}, "return_to": {"/there"}}), "/_auth/waiting?return_to=%2Fthere")
		wantTo(t, "the app", c.Get("/there"), "/_auth/waiting?return_to=%2Fthere")
		if err := expect(c.Get("/_auth/waiting"), http.StatusOK); err != nil {
			t.Error(err)
		}
		if list, err := g.CLI("", "user", "list"); err != nil || !strings.Contains(list, "awaits_approval_since=") {
			t.Errorf("%s %v", list, err)
		}
		if _, err := g.CLI("", "user", "approve", grace); err != nil {
			t.Fatal(err)
		}
		if m := smtp.Await(t, grace, 2); !strings.Contains(m.Header.Get("Subject"), "is ready") {
			t.Errorf("the mail says %q", m.Header.Get("Subject"))
		}
		if err := expect(c.Get("/there"), http.StatusOK); err != nil {
			t.Errorf("the session that waited: %v", err)
		}
		if out, err := g.CLI("", "user", "approve", grace); err == nil {
			t.Errorf("approved twice: %s", out)
		}
	})
}
