package e2e

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/tests/gateway"
)

func TestCommands(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	for _, name := range []string{"running", "stopped"} {
		running := name == "running"
		t.Run(name, func(t *testing.T) {
			if !running {
				g.Stop()
			}
			user := name + "@example.com"
			must := func(want string, args ...string) {
				t.Helper()
				out, err := g.CLI(gateway.Password, args...)
				if err != nil || !strings.Contains(out, want) {
					t.Errorf("%v: %v\n%s", args, err, out)
				}
			}
			refuse := func(want string, args ...string) {
				t.Helper()
				if out, err := g.CLI("short", args...); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v: %v\n%s", args, err, out)
				}
			}
			if running {
				must("gateway=running", "status")
			} else {
				refuse("no gateway runs here", "status")
			}
			must("up to date", "migrate")
			must("email="+user, "user", "add", "--email", user, "--name", "Ada", "--role", "admin")
			must("email="+user, "user", "list")
			must("disabled_at=", "user", "disable", user)
			must("email="+user, "user", "enable", user)
			must("email="+user, "user", "set-password", user)
			must("", "session", "list", user)
			must("revoked=0", "session", "revoke", user)
			must("state=active", "key", "list")
			refuse("password: is too short", "user", "add", "--email", "x@example.com")
			refuse("no such user", "user", "disable", "nobody@example.com")
			refuse("email", "user", "add")
			refuse("first account exists", "setup")
			refuse("no such user or session", "session", "revoke", user, "nonsense")
			refuse("accepts 1 arg(s), received 0", "user", "enable")
			refuse("accepts 1 arg(s), received 2", "user", "disable", user, "eve@example.com")
			refuse("accepts 0 arg(s), received 1", "user", "list", user)
			refuse("accepts between 1 and 2 arg(s)", "session", "revoke")
			refuse("nothing with this id", "mail", "retry", "nonsense")
			if running {
				must("invited=bob", "user", "invite", "bob@example.com")
			} else { // a link in a mail must lead somewhere
				refuse("start the gateway first", "user", "invite", "bob@example.com")
			}
		})
	}
	g.Start()
	out, err := g.CLI("", "user", "list", "--json")
	var users []map[string]any
	if err != nil || json.Unmarshal([]byte(out), &users) != nil || len(users) != 2 {
		t.Errorf("what was done while it was stopped: %v\n%s", err, out)
	}
	c := g.NewClient()
	c.SignIn("stopped@example.com")
}

// TestTerminal shows what a browser says of itself to an operator: it must not clear the
// screen, turn the line around or look like another session.
func TestTerminal(t *testing.T) {
	g := gateway.Start(t, gateway.Config{})
	g.AddUser(ada)
	c := g.NewClient()
	r := c.Request("POST", "/_auth/login", credentialsOf(ada).Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	r.Header.Set("User-Agent", "Evil \u009b2J\u202e\U000e0001  id=0")
	if status := c.Do(r).StatusCode; status != 303 {
		t.Fatal(status)
	}
	out, err := g.CLI("", "session", "list", ada)
	if err != nil || !strings.Contains(out, `"Evil `+"\ufffd"+`2J\u202e\U000e0001  id=0"`) {
		t.Errorf("%q, %v", out, err)
	}
	if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }); i >= 0 {
		t.Errorf("the terminal is sent %q", out[i:])
	}
	if out, err := g.CLI("", "session", "list", ada, "--json"); err != nil || !strings.Contains(out, "Evil") {
		t.Errorf("%q, %v", out, err)
	}
}
