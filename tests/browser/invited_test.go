package browser

import (
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestInvitedByPasskey accepts an invitation with a passkey in the place of a password:
// one to make an account, and one to join an organization.
func TestInvitedByPasskey(t *testing.T) {
	for _, v := range variants {
		if !v.scripts {
			continue
		}
		for groups, invite := range map[string][]string{
			"":            {"user", "invite", "grace@example.com"},
			"acme:member": {"org", "invite", "acme", "grace@example.com"},
		} {
			t.Run(v.name+" "+groups, func(t *testing.T) {
				smtp := servers.StartSMTP(t, nil, "")
				g := gateway.Start(t, gateway.Config{Site: passkeySite, Global: v.stores(t) + "signup invite\norgs anyone\n" + mailer(smtp)})
				g.AddUser("ada@example.com")
				if _, err := g.CLI("", "org", "create", "--name", "Acme", "--owner", "ada@example.com"); err != nil {
					t.Fatal(err)
				}
				if _, err := g.CLI("", invite...); err != nil {
					t.Fatal(err)
				}
				b, _ := v.open(t)
				key := b.plugIn(nil)
				b.Open(anyLink.FindString(smtp.Await(t, "grace@example.com", 1).Plain()))
				b.Press("button[name=passkey]")
				b.wantText("Add your passkey now", "Fügen Sie jetzt Ihren Passkey hinzu")
				b.Tap(".passkey button")
				b.await("the passkey", "document.querySelectorAll('.list .item').length === 1")
				signOutWith(key, b, g)
				b.Open(g.URL + "/_auth/login?return_to=/page")
				b.awaitAt(g.URL + "/page")
				got := g.Upstream.For("/page")
				if len(got) != 1 || got[0].Header.Get("Remote-User") != "grace@example.com" || got[0].Header.Get("Remote-Groups") != groups {
					t.Errorf("the app was told %+v", got)
				}
			})
		}
	}
}
