package browser

import (
	"encoding/json"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestExportNamesWhatThereIs takes the data of an account that has one of everything.
func TestExportNamesWhatThereIs(t *testing.T) {
	for _, v := range variants {
		if !v.scripts {
			continue // a passkey takes a script
		}
		t.Run(v.name, func(t *testing.T) {
			smtp := servers.StartSMTP(t, nil, "")
			g := gateway.Start(t, gateway.Config{Site: twoStepSite, Global: v.stores(t) + "orgs anyone\n" + mailer(smtp)})
			g.AddUser("ada@example.com")
			b, _ := v.open(t)
			byPassword(b, g, "ada@example.com")
			key := b.plugIn(nil)
			addPasskey(b, g)
			key.unplug() // or autofill would sign in
			secret, _ := setUpAppAt(t, b, g.URL+"/_auth/account/mfa/app", func(string) {})
			signOut(b, g)
			byPassword(b, g, "ada@example.com")
			b.Tap("input[name=trust]")
			b.send(typed(t, secret, 1))
			b.Open(g.URL + "/_auth/orgs/new")
			b.Fill("#name", "Acme")
			b.Press("main .primary")
			b.Open(g.URL + "/_auth/account/data")
			b.Evaluate(`fetch("/_auth/account/data", { method: "POST" }).then((r) => r.text()).then((text) => { window.copy = text; }), ''`)
			b.await("the copy", "window.copy")
			var got struct {
				Account  struct{ Email string }
				Sessions []struct{ ID string }
				Passkeys []struct {
					RPID string `json:"rp_id"`
				}
				Browsers      []struct{ IP string } `json:"trusted_browsers"`
				Organizations []struct{ Slug, Role string }
				Events        []struct{ Action string }
			}
			if err := json.Unmarshal([]byte(b.Evaluate("window.copy")), &got); err != nil {
				t.Fatal(err)
			}
			if got.Account.Email != "ada@example.com" || len(got.Sessions) == 0 || len(got.Events) == 0 ||
				len(got.Passkeys) != 1 || got.Passkeys[0].RPID != "localhost" ||
				len(got.Browsers) != 1 || got.Browsers[0].IP == "" ||
				len(got.Organizations) != 1 || got.Organizations[0].Slug != "acme" || got.Organizations[0].Role != "owner" {
				t.Errorf("%+v", got)
			}
		})
	}
}
