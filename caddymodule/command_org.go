package caddymodule

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigra-auth/sigra/authcore"
)

func orgCommands() []*cobra.Command {
	create := leaf("create", "Makes an organization", 0, createOrg)
	create.Flags().String("name", "", "its name")
	create.Flags().String("owner", "", "address or id of its first owner")
	create.Flags().String("slug", "", "its name in addresses and headers; made from the name else")
	_ = create.MarkFlagRequired("name") // the flags exist
	_ = create.MarkFlagRequired("owner")
	remove := leaf("delete <slug>", "Takes an organization away from everybody", 1, deleteOrg)
	remove.Flags().Bool("yes", false, "do not ask")
	commands := []*cobra.Command{
		create,
		remove,
		leaf("list", "Lists the organizations", 0, listOrgs),
		leaf("show <slug>", "Shows an organization", 1, onOrg("GET", "")),
		leaf("rename <slug> <name>", "Gives an organization another name", 2, func(c *call, args []string) error {
			return c.showOrg("PUT", args[0], "/name", map[string]string{"name": args[1]})
		}),
		leaf("set-slug <slug> <new>", "Gives an organization another slug; the old one leads there for a week", 2, func(c *call, args []string) error {
			return c.showOrg("PUT", args[0], "/slug", map[string]string{"slug": args[1]})
		}),
		rulesCommand(),
		leaf("audit <slug>", "Lists what has happened in an organization, the newest first", 1, listOrgEvents),
	}
	return append(append(commands, memberCommands()...), domainCommands()...)
}

// onOrg is a command that sends a request about an organization and, if it has a
// second argument, about that part of it.
func onOrg(method, part string) func(*call, []string) error {
	return func(c *call, args []string) error {
		path := part
		if len(args) > 1 {
			path += "/" + url.PathEscape(args[1])
		}
		return c.showOrg(method, args[0], path, nil)
	}
}

func orgPath(slug, rest string) string { return "/sigra/orgs/" + url.PathEscape(slug) + rest }

// showOrg sends a request about an organization.
func (c *call) showOrg(method, slug, rest string, body any) error {
	return c.show(method, orgPath(slug, rest), body)
}

func createOrg(c *call, _ []string) (err error) {
	var body newOrgBody
	flags := c.cmd.Flags()
	body.Name, _ = flags.GetString("name")
	body.Slug, _ = flags.GetString("slug")
	owner, _ := flags.GetString("owner")
	if body.Owner, err = c.userID(owner); err != nil {
		return err
	}
	return c.show("POST", "/sigra/orgs", body)
}

func listOrgs(c *call, _ []string) error {
	return showPages(c, func(o orgView) string { return o.ID }, func(after string, page *[]orgView) error {
		return c.do("GET", "/sigra/orgs?after="+url.QueryEscape(after), nil, page)
	})
}

func deleteOrg(c *call, args []string) error {
	if yes, _ := c.cmd.Flags().GetBool("yes"); !yes {
		if err := c.confirm(args[0]); err != nil {
			return err
		}
	}
	return c.showOrg("DELETE", args[0], "", nil)
}

// confirm asks for the name of an organization.
func (c *call) confirm(slug string) error {
	var o orgView
	if err := c.do("GET", orgPath(slug, ""), nil, &o); err != nil {
		return err
	}
	fmt.Fprintf(c.cmd.ErrOrStderr(), "This cannot be undone. Type the name of the organization, %s, to delete it: ", o.Name)
	typed, _ := bufio.NewReader(c.cmd.InOrStdin()).ReadString('\n') // what cannot be read is not the name
	if strings.TrimSpace(typed) != o.Name {
		return errors.New("not deleted: that is not the name; scripts give --yes")
	}
	return nil
}

func rulesCommand() *cobra.Command {
	rules := leaf("rules <slug>", "Shows or changes what an organization asks of its members, with those who have to set something up for it", 1, setRules)
	rules.Flags().String("two-step", "", "on: members need two-step sign-in; or off")
	rules.Flags().String("max-age", "", "members need a proof no older than this, such as 12h; 0 for any")
	rules.Flags().StringSlice("methods", nil, "members need a proof by one of these: password, link, passkey; any for any")
	return rules
}

func setRules(c *call, args []string) error {
	var body rulesBody
	flags := c.cmd.Flags()
	if flags.Changed("two-step") {
		word, _ := flags.GetString("two-step")
		if word != "on" && word != "off" {
			return errors.New("--two-step must be on or off")
		}
		on := word == "on"
		body.TwoStep = &on
	}
	if flags.Changed("max-age") {
		age, _ := flags.GetString("max-age")
		body.MaxAge = &age
	}
	if flags.Changed("methods") {
		names, _ := flags.GetStringSlice("methods")
		kinds := []authcore.FactorKind{}
		for _, name := range names {
			if name != "any" {
				kinds = append(kinds, authcore.FactorKind(name))
			}
		}
		body.Methods = &kinds
	}
	if body == (rulesBody{}) {
		return c.showOrg("GET", args[0], "/rules", nil)
	}
	return c.showOrg("PATCH", args[0], "/rules", body)
}

func listOrgEvents(c *call, args []string) error {
	return showPages(c, func(e eventView) string { return e.ID }, func(before string, page *[]eventView) error {
		return c.do("GET", orgPath(args[0], "/audit?before="+url.QueryEscape(before)), nil, page)
	})
}

func domainCommands() []*cobra.Command {
	add := leaf("add-domain <slug> <domain>", "Lets users with an address in a domain join, once it is proven", 2, addDomain)
	add.Flags().String("role", "", "role that they get")
	add.Flags().Bool("ask", false, "they ask to join, and wait until they are admitted")
	verify := withLanguage(leaf("verify-domain <slug> <domain>", "Proves a domain by its TXT record, or by a code in a mail to it", 2, verifyDomain))
	verify.Flags().String("mail", "", "send a code to this mailbox there: postmaster, hostmaster or admin")
	verify.Flags().String("code", "", "the code of such a mail")
	verify.MarkFlagsMutuallyExclusive("mail", "code")
	return []*cobra.Command{
		leaf("domains <slug>", "Lists the domains of an organization, with the TXT record that proves each", 1, onOrg("GET", "/domains")),
		add,
		verify,
		leaf("remove-domain <slug> <domain>", "Lets nobody join by a domain any more", 2, onOrg("DELETE", "/domains")),
	}
}

func verifyDomain(c *call, args []string) error {
	mailbox, _ := c.cmd.Flags().GetString("mail")
	code, _ := c.cmd.Flags().GetString("code")
	language, _ := c.cmd.Flags().GetString("language")
	part, body := "/verify", any(nil)
	switch {
	case mailbox != "":
		part, body = "/mail", map[string]string{"mailbox": mailbox, "language": language}
	case code != "":
		part, body = "/code", map[string]string{"code": code}
	}
	return c.showOrg("POST", args[0], "/domains/"+url.PathEscape(args[1])+part, body)
}

func addDomain(c *call, args []string) error {
	role, _ := c.cmd.Flags().GetString("role")
	ask, _ := c.cmd.Flags().GetBool("ask")
	return c.showOrg("POST", args[0], "/domains", map[string]any{"domain": args[1], "role": role, "ask": ask})
}
