package caddymodule

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// command runs a `caddy sigra` command and returns what it printed.
func command(args ...string) (string, error) {
	root := &cobra.Command{Use: "caddy", SilenceErrors: true}
	sigra := &cobra.Command{Use: appID}
	buildCommand(sigra)
	root.AddCommand(sigra)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(""))
	root.SetArgs(append([]string{appID}, args...))
	err := root.Execute()
	return out.String(), err
}

func TestUnknownCommands(t *testing.T) {
	for line, says := range map[string]string{
		"stats":                  `"stats" for "caddy sigra"; did you mean "status"?`,
		"user set-role x y":      `unknown command "set-role" for "caddy sigra user"`,
		"user set-pasword x":     `did you mean "set-password"?`,
		"org add-members acme x": `did you mean "add-member"?`,
		"key frobnicate-it":      `it is one of list, rotate`,
	} {
		if out, err := command(strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), says) || out != "" {
			t.Errorf("%s: %v, want %q; printed %q", line, err, says, out)
		}
	}
	for _, line := range []string{"", "user", "user --help"} {
		if out, err := command(strings.Fields(line)...); err != nil || !strings.Contains(out, "Available Commands") {
			t.Errorf("%q: %v, no help in %q", line, err, out)
		}
	}
}

func TestPasswordIsRead(t *testing.T) {
	for in, want := range map[string]string{"secret\r\nmore": "secret", "secret": "secret", "": "", "\n": ""} {
		got, err := readPassword(strings.NewReader(in))
		if got != want || (want == "") != (err != nil) || err != nil && !strings.Contains(err.Error(), "standard input") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, line := range []string{"user add --help", "user set-password --help"} {
		if out, err := command(strings.Fields(line)...); err != nil || !strings.Contains(out, "standard input") {
			t.Errorf("%s: %v in %q", line, err, out)
		}
	}
}
