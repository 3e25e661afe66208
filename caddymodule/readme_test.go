package caddymodule

import (
	"encoding/csv"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// readmeCommand finds the command lines of the README, in blocks and in sentences.
var readmeCommand = regexp.MustCompile("(?m)(?:^|`)caddy sigra ([^`#\n]+)")

// optionalPart is what a line shows in brackets.
var optionalPart = regexp.MustCompile(`\[([^\]]+)\]`)

// TestReadmeCommands resolves each command that the README shows, without its
// optional parts and with them.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := readmeCommand.FindAllStringSubmatch(string(readme), -1)
	if len(lines) < 30 {
		t.Errorf("%d commands found; is the README read as it is?", len(lines))
	}
	for _, line := range lines {
		for _, text := range []string{optionalPart.ReplaceAllString(line[1], ""), optionalPart.ReplaceAllString(line[1], "$1")} {
			if err := resolve(text); err != nil {
				t.Errorf("caddy sigra %s: %v", text, err)
			}
		}
	}
	for _, wrong := range []string{"user ad", "user list ada", "user add --mail x", "user add", "org show"} {
		if resolve(wrong) == nil {
			t.Errorf("caddy sigra %s is taken", wrong)
		}
	}
}

// resolve checks a command line as cobra does before it runs the command. A group,
// of which a sentence speaks, has to exist only.
func resolve(line string) error {
	words := csv.NewReader(strings.NewReader(strings.Join(strings.Fields(line), " ")))
	words.Comma = ' '
	args, err := words.Read()
	if err != nil {
		return err
	}
	root := &cobra.Command{Use: appID}
	buildCommand(root)
	command, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := command.ParseFlags(rest); err != nil {
		return err
	}
	if !command.Runnable() {
		return cobra.NoArgs(command, command.Flags().Args())
	}
	if err := command.ValidateArgs(command.Flags().Args()); err != nil {
		return err
	}
	return command.ValidateRequiredFlags()
}
