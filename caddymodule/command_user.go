package caddymodule

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func userCommands() []*cobra.Command {
	add := making(withPassword(leaf("add", "Creates an account", 0, addUser)))
	add.Flags().String("email", "", "address, vouched for by you unless --unverified")
	add.Flags().String("name", "", "display name")
	add.Flags().String("role", "", "platform role: admin or nothing")
	add.Flags().Bool("unverified", false, "the address has not been proven")
	_ = add.MarkFlagRequired("email") // the flag exists
	invite := making(leaf("invite <email>", "Sends an invitation to make an account", 1, inviteUser))
	invite.Flags().String("role", "", "platform role: admin or nothing")
	invite.Flags().String("language", "", "language of the mail, such as de; English else")
	return []*cobra.Command{
		add,
		invite,
		importCommand(),
		leaf("approve <email|id>", "Accepts an account that waits for approval", 1, func(c *call, args []string) error {
			return c.showUser("POST", args[0], "/approve", nil)
		}),
		leaf("delete <email|id>", "Deletes an account at once, as the option deletion says", 1, func(c *call, args []string) error {
			return c.showUser("DELETE", args[0], "", nil)
		}),
		leaf("list", "Lists the accounts", 0, listUsers),
		leaf("disable <email|id>", "Disables an account and ends its sessions", 1, func(c *call, args []string) error {
			return c.showUser("POST", args[0], "/disable", nil)
		}),
		leaf("enable <email|id>", "Enables an account", 1, func(c *call, args []string) error {
			return c.showUser("POST", args[0], "/enable", nil)
		}),
		leaf("reset-factors <email|id>", "Removes the second factors and passkeys of an account that has lost them, and ends its sessions", 1, func(c *call, args []string) error {
			return c.showUser("POST", args[0], "/reset-factors", nil)
		}),
		withPassword(leaf("set-password <email|id>", "Sets a password and ends the sessions", 1, func(c *call, args []string) error {
			password, err := readPassword(c.cmd.InOrStdin())
			if err != nil {
				return err
			}
			return c.showUser("PUT", args[0], "/password", map[string]string{"password": password})
		})),
	}
}

// withPassword says in the help of a command where its password comes from.
func withPassword(c *cobra.Command) *cobra.Command {
	c.Long = c.Short + ". The password is asked for on a terminal;\nelse it is the first line of standard input."
	return c
}

var errNoPassword = errors.New("no password was given: type it on a terminal, or send it as the first line of standard input")

func sessionCommands() []*cobra.Command {
	return []*cobra.Command{
		leaf("list <email|id>", "Lists the sessions of an account", 1, func(c *call, args []string) error {
			return c.showUser("GET", args[0], "/sessions", nil)
		}),
		leaf("revoke <email|id> [<session>]", "Ends one session of an account, or all of them", 1, func(c *call, args []string) error {
			path := "/sessions"
			if len(args) > 1 {
				path += "/" + url.PathEscape(args[1])
			}
			return c.showUser("DELETE", args[0], path, nil)
		}),
	}
}

// showUser sends a request about an account.
func (c *call) showUser(method, ref, rest string, body any) error {
	id, err := c.userID(ref)
	if err != nil {
		return err
	}
	return c.show(method, "/sigra/users/"+url.PathEscape(id)+rest, body)
}

// userID returns the id of an account. An address is looked up: it must not be in a
// path, which Caddy logs.
func (c *call) userID(ref string) (string, error) {
	if !strings.Contains(ref, "@") {
		return ref, nil
	}
	var found userView
	err := c.do("POST", "/sigra/users/find", map[string]string{"email": ref}, &found)
	return found.ID, err
}

func addUser(c *call, _ []string) error {
	password, err := readPassword(c.cmd.InOrStdin())
	if err != nil {
		return err
	}
	body := newUserBody{Password: password}
	flags := c.cmd.Flags()
	body.Email, _ = flags.GetString("email")
	body.Name, _ = flags.GetString("name")
	body.Role, _ = flags.GetString("role")
	body.Unverified, _ = flags.GetBool("unverified")
	return c.show("POST", "/sigra/users", body)
}

func inviteUser(c *call, args []string) error {
	role, _ := c.cmd.Flags().GetString("role")
	language, _ := c.cmd.Flags().GetString("language")
	return c.show("POST", "/sigra/users/invite", map[string]string{"email": args[0], "role": role, "language": language})
}

func listUsers(c *call, _ []string) error {
	return showPages(c, func(u userView) string { return u.ID }, func(after string, page *[]userView) error {
		return c.do("GET", "/sigra/users?after="+url.QueryEscape(after), nil, page)
	})
}

// readPassword asks twice on a terminal, without echo, and else reads one
// line.
func readPassword(in io.Reader) (string, error) {
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading password: %w", err)
		}
		return given(strings.TrimRight(line, "\r\n"))
	}
	first, err := promptPassword(file, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := promptPassword(file, "Again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the passwords are not the same")
	}
	return given(first)
}

func given(password string) (string, error) {
	if password == "" {
		return "", errNoPassword
	}
	return password, nil
}

func promptPassword(terminal *os.File, prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr)
	password, err := term.ReadPassword(int(terminal.Fd()))
	if err != nil {
		return "", fmt.Errorf("reading password: %w", err)
	}
	return string(password), nil
}
