package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sigra-auth/sigra/tests/fixture"
	"github.com/sigra-auth/sigra/tests/gateway"
)

// loose lets one network and account try more than people do.
const loose = "throttle {\nnetwork 60000 15m\naccount 10000 15m\nfactor 10000 15m\nchallenge 10000 15m\n}"

// key adds a passkey of a software authenticator to the account of a browser.
func key(t *testing.T, c *gateway.Client) *fixture.Authenticator {
	t.Helper()
	a := fixture.NewAuthenticator(t)
	a.RPID, a.Origin = "localhost", c.URL
	if answer := postJSON(c, "/_auth/account/passkeys", string(a.Create(asked(t, c, "/_auth/account/passkeys/options")))); answer.StatusCode != http.StatusOK {
		t.Fatalf("adding a passkey: %d %s", answer.StatusCode, answer.Text)
	}
	return a
}

func postJSON(c *gateway.Client, path, body string) gateway.Answer {
	return c.Do(c.Request(http.MethodPost, path, body, "Content-Type", "application/json", "Accept", "application/json", "Sec-Fetch-Site", "same-origin"))
}

// asked are the options of a ceremony.
func asked(t *testing.T, c *gateway.Client, path string) (options json.RawMessage) {
	t.Helper()
	answer := postJSON(c, path, "{}")
	var body struct {
		PublicKey json.RawMessage `json:"publicKey"`
	}
	if err := json.Unmarshal([]byte(answer.Text), &body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", path, answer.StatusCode, answer.Text)
	}
	return body.PublicKey
}

// TestOneOfAHundred sends the same code, backup code and answer to a challenge from a
// hundred browsers to two nodes at once: one signs in, and the others because there is
// one and not because they are too many.
func TestOneOfAHundred(t *testing.T) {
	for name, nodes := range map[string]func(t *testing.T) (a, b *gateway.Gateway){
		"postgres and redis": func(t *testing.T) (a, b *gateway.Gateway) {
			p := newPair(t, loose)
			return p.a, p.b
		},
		"sqlite": func(t *testing.T) (a, b *gateway.Gateway) {
			a = gateway.Start(t, gateway.Config{Global: "storage sqlite " + filepath.Join(t.TempDir(), "sigra.db") + "\n" + loose})
			a.AddUser(ada)
			return a, a
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := nodes(t)
			a.AddUser(grace)
			a.AddUser("alan@example.com")
			enrolled := func(email string) *authenticator {
				c := a.SignedIn(email)
				defer c.Post("/_auth/logout", url.Values{}) // an account has a hundred sessions at most
				return enroll(t, c, "/page")
			}
			adas, graces := enrolled(ada), enrolled(grace)
			for email, code := range map[string]string{ada: adas.code(), grace: graces.backup()} {
				pending := hundred(a, b)
				for _, c := range pending { // one after the other: passwords are hashed by few at once
					wantTo(t, "the password", c.Post("/_auth/login", credentialsOf(email)), "/_auth/mfa?return_to=%2F_auth%2Faccount")
				}
				wantOnePassed(t, email, pending, func(c *gateway.Client) (int, bool) {
					answer := c.Post("/_auth/mfa", url.Values{"code": {code}})
					return answer.StatusCode, answer.StatusCode == http.StatusSeeOther && answer.Header.Get("Location") == "/_auth/account"
				})
			}
			alans := key(t, a.SignedIn("alan@example.com"))
			response := string(alans.Get(asked(t, a.NewClient(), "/_auth/passkey/login/options")))
			wantOnePassed(t, "a challenge", hundred(a, b), func(c *gateway.Client) (int, bool) {
				r := c.Request(http.MethodPost, "/_auth/passkey/login", response, "Content-Type", "application/json", "Accept", "application/json", "Sec-Fetch-Site", "same-origin")
				r.Host = r.URL.Hostname() + ":" + portOf(t, a) // one site, on both nodes
				answer := c.Do(r)
				return answer.StatusCode, answer.StatusCode == http.StatusOK
			})
		})
	}
}

func portOf(t *testing.T, g *gateway.Gateway) string {
	t.Helper()
	u, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// hundred are browsers, at either node.
func hundred(a, b *gateway.Gateway) []*gateway.Client {
	clients := make([]*gateway.Client, 100)
	for i := range clients {
		clients[i] = []*gateway.Gateway{a, b}[i%2].NewClient()
	}
	return clients
}

func each(clients []*gateway.Client, do func(c *gateway.Client)) {
	var group sync.WaitGroup
	for _, c := range clients {
		group.Go(func() { do(c) })
	}
	group.Wait()
}

// wantOnePassed fails the test unless one of all at once passes, and none was kept from
// trying.
func wantOnePassed(t *testing.T, what string, clients []*gateway.Client, try func(c *gateway.Client) (status int, passed bool)) {
	t.Helper()
	var mu sync.Mutex
	passed, statuses := 0, map[int]int{}
	each(clients, func(c *gateway.Client) {
		status, ok := try(c)
		mu.Lock()
		defer mu.Unlock()
		if statuses[status]++; ok {
			passed++
		}
	})
	if passed != 1 || statuses[http.StatusUnprocessableEntity] != len(clients)-1 {
		t.Errorf("%s: %d of %d passed: %v", what, passed, len(clients), statuses)
	}
}
