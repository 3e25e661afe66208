package caddymodule

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  appID,
		Usage: "user|session|org|key|mail|job|setup|backup|migrate|status",
		Short: "Manages the accounts, sessions, organizations and keys of the authentication gateway",
		Long: `
Asks the running gateway through Caddy's admin endpoint, so that a change takes
effect at once. When none runs, it says so and opens the stores that the
configuration names itself; give --config then if there is no Caddyfile here.

  caddy sigra user add --email ada@example.com --role admin
  caddy sigra user disable ada@example.com
  caddy sigra session list ada@example.com
  caddy sigra org create --name Acme --owner ada@example.com
  caddy sigra key rotate`,
		CobraFunc: buildCommand,
	})
}

func buildCommand(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringP("config", "c", "", "configuration file, to find the admin endpoint or the stores")
	flags.StringP("adapter", "a", "", "configuration adapter, if the file is no Caddyfile")
	flags.String("address", "", "address of the admin endpoint")
	flags.Bool("json", false, "print the answer as JSON")

	needsSubcommand(root)
	root.AddCommand(
		group("user", "Manages accounts", userCommands()...),
		group("session", "Lists and ends sessions", sessionCommands()...),
		group("org", "Manages organizations", orgCommands()...),
		group("key", "Lists and rotates the keys of assertions",
			leaf("list", "Lists the keys", 0, func(c *call, _ []string) error { return c.show("GET", "/sigra/keys", nil) }),
			leaf("rotate", "Publishes a new key, which signs after the overlap", 0, func(c *call, _ []string) error { return c.show("POST", "/sigra/keys/rotate", nil) }),
		),
		group("mail", "Shows the mail that waits to be sent",
			leaf("list", "Lists what waits and what was given up, with the reason", 0, func(c *call, _ []string) error { return c.show("GET", "/sigra/mails", nil) }),
			leaf("retry [<id>]", "Tries a mail again at once, or all of them", 0, retry("/sigra/mails")),
		),
		group("job", "Shows the work that waits to be done, mails too",
			leaf("list", "Lists what waits and what was given up, with the reason", 0, func(c *call, _ []string) error { return c.show("GET", "/sigra/jobs", nil) }),
			leaf("retry [<id>]", "Tries something again at once, or all of it", 0, retry("/sigra/jobs")),
		),
		making(leaf("setup", "Makes a new link for the first account", 0, func(c *call, _ []string) error { return c.show("POST", "/sigra/setup", nil) })),
		leaf("backup <file>", "Copies a SQLite database to a new file, also while the gateway runs", 1, backUp),
		making(leaf("migrate", "Brings the database up to date", 0, func(c *call, _ []string) error { return c.show("POST", "/sigra/migrate", nil) })),
		leaf("status", "Shows whether the gateway reaches its stores", 0, showStatus),
	)
}

// errDegraded makes `caddy sigra status` fail, for scripts and health checks.
var errDegraded = errors.New("the gateway does not reach all of its stores")

// errNotRunning makes it fail too where there is no gateway.
var errNotRunning = errors.New("no gateway runs here")

func showStatus(c *call, _ []string) error {
	var status statusView
	if err := c.do("GET", "/sigra/status", nil, &status); err != nil {
		return err
	}
	if status.Gateway = "running"; c.local != nil { // what this process made serves nobody
		status.Gateway, status.Ready = "not running", false
	}
	if err := c.print(status); err != nil {
		return err
	}
	if c.local != nil {
		return errNotRunning
	}
	if !status.Ready || status.Database != "ok" || status.SessionStore != "ok" {
		return errDegraded
	}
	return nil
}

// retry tries one thing again that waits below a path of the admin endpoint, or all.
func retry(path string) func(*call, []string) error {
	return func(c *call, args []string) error {
		if len(args) == 0 {
			return c.show("POST", path+"/retry", nil)
		}
		return c.show("POST", path+"/"+url.PathEscape(args[0])+"/retry", nil)
	}
}

// group is a command with subcommands.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: name, Short: short}
	g.AddCommand(commands...)
	needsSubcommand(g)
	return g
}

// needsSubcommand makes a command show its help when it stands alone, and refuse a word
// that is none of its subcommands: a script would take the help for success.
func needsSubcommand(g *cobra.Command) {
	g.SilenceUsage = true
	g.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	g.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return unknownCommand(cmd, args[0])
	}
}

func unknownCommand(cmd *cobra.Command, word string) error {
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	if right := nearest(word, known); right != "" {
		return plainError(fmt.Errorf("unknown command %q for %q; did you mean %q?", word, cmd.CommandPath(), right))
	}
	return plainError(fmt.Errorf("unknown command %q for %q; it is one of %s", word, cmd.CommandPath(), strings.Join(known, ", ")))
}

// leaf is a command that does something, with so many arguments at least and as many
// as its use names at most: one that was ignored would seem to be done.
func leaf(use, short string, args int, run func(*call, []string) error) *cobra.Command {
	taken := cobra.ExactArgs(args)
	if named := strings.Count(use, "<"); named > args {
		taken = cobra.RangeArgs(args, named)
	}
	return &cobra.Command{
		Use: use, Short: short, Args: taken, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, values []string) error {
			c, err := newCall(cmd)
			if err != nil {
				return err
			}
			defer c.close()
			return plainError(run(c, values))
		},
	}
}

// making marks a command that may make the database and the master secret when no
// gateway runs. Any other one would show an empty gateway where it was called with
// another data directory than the gateway's.
func making(c *cobra.Command) *cobra.Command {
	c.Annotations = map[string]string{makes: "database"}
	return c
}

const makes = "makes"
