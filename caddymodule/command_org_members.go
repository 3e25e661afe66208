package caddymodule

import (
	"net/url"

	"github.com/spf13/cobra"
)

func memberCommands() []*cobra.Command {
	list := leaf("members <slug>", "Lists the members of an organization", 1, listMembers)
	list.Flags().String("search", "", "only those whose name or address contains this")
	return []*cobra.Command{
		list,
		withRole(leaf("add-member <slug> <email|id>", "Makes an account a member", 2, addMember)),
		leaf("set-role <slug> <email|id> <role>", "Gives a member another role, from their next request on", 3, func(c *call, args []string) error {
			return c.showMember("PUT", "/members", args, map[string]string{"role": args[2]})
		}),
		leaf("transfer <slug> <email|id>", "Makes a member owner in the place of those so far", 2, func(c *call, args []string) error {
			return c.showMember("POST", "/transfer", args, nil)
		}),
		leaf("remove-member <slug> <email|id>", "Ends a membership", 2, func(c *call, args []string) error {
			return c.showMember("DELETE", "/members", args, nil)
		}),
		withLanguage(withRole(leaf("invite <slug> <email>", "Sends an invitation to join an organization", 2, inviteMember))),
		leaf("invitations <slug>", "Lists the invitations that are open or have expired lately", 1, onOrg("GET", "/invitations")),
		leaf("revoke-invitation <slug> <id>", "Makes an invitation worthless", 2, onOrg("DELETE", "/invitations")),
		withLanguage(leaf("resend-invitation <slug> <id>", "Sends an invitation again, with a new link", 2, func(c *call, args []string) error {
			language, _ := c.cmd.Flags().GetString("language")
			return c.showOrg("POST", args[0], "/invitations/"+url.PathEscape(args[1])+"/resend", map[string]string{"language": language})
		})),
		leaf("requests <slug>", "Lists who asks to join an organization", 1, listRequests),
		withRole(leaf("admit <slug> <email|id>", "Makes somebody who asks to join a member", 2, func(c *call, args []string) error {
			role, _ := c.cmd.Flags().GetString("role")
			return c.showMember("POST", "/requests", args, map[string]string{"role": role})
		})),
		leaf("refuse <slug> <email|id>", "Turns a request to join down", 2, func(c *call, args []string) error {
			return c.showMember("DELETE", "/requests", args, nil)
		}),
	}
}

func withRole(c *cobra.Command) *cobra.Command {
	c.Flags().String("role", "", "role in the organization; the last of the configured ones else")
	return c
}

func withLanguage(c *cobra.Command) *cobra.Command {
	c.Flags().String("language", "", "language of the mail, such as de; English else")
	return c
}

func inviteMember(c *call, args []string) error {
	role, _ := c.cmd.Flags().GetString("role")
	language, _ := c.cmd.Flags().GetString("language")
	return c.showOrg("POST", args[0], "/invitations", map[string]string{"email": args[1], "role": role, "language": language})
}

// showMember sends a request about a user in an organization.
func (c *call) showMember(method, part string, args []string, body any) error {
	id, err := c.userID(args[1])
	if err != nil {
		return err
	}
	return c.showOrg(method, args[0], part+"/"+url.PathEscape(id), body)
}

func addMember(c *call, args []string) error {
	id, err := c.userID(args[1])
	if err != nil {
		return err
	}
	role, _ := c.cmd.Flags().GetString("role")
	return c.showOrg("POST", args[0], "/members", map[string]string{"user": id, "role": role})
}

func listRequests(c *call, args []string) error {
	return showPages(c, func(r requestView) string { return r.ID }, func(after string, page *[]requestView) error {
		return c.do("GET", orgPath(args[0], "/requests?after="+url.QueryEscape(after)), nil, page)
	})
}

func listMembers(c *call, args []string) error {
	text, _ := c.cmd.Flags().GetString("search")
	return showPages(c, func(m memberView) string { return m.ID }, func(after string, page *[]memberView) error {
		return c.do("POST", orgPath(args[0], "/members/search"), memberSearch{text, after}, page)
	})
}
