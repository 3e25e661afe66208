package ui

var (
	rehearsedOrg   = orgRef{Path: "/orgs/slug", Name: "name", Slug: "slug", Role: "role", Owner: true, Manages: true}
	rehearsedRoles = []optionView{{"owner", "Owner", false}, {"member", "Member", true}}
)

// orgRehearsals are those of the pages of organizations.
var orgRehearsals = map[string][]any{
	"orgs": {orgsView{Done: "done"}, orgsView{MayCreate: true, Asked: true, Join: &joinView{"slug", "name", true, true}}, orgsView{
		Orgs: []orgItem{
			{Slug: "a", Name: "name", Role: "role", Path: "/orgs/a", Active: true}, {Slug: "b", Name: "name", Path: "/orgs/b", Personal: true},
		},
		Waiting: []waitingItem{{"id", "org", "role"}}, Join: &joinView{"slug", "name", false, false}, MayCreate: true, App: "app", ReturnTo: "/",
		Errors: map[string]string{"form": "error"},
	}},
	"org_new": {newOrgView{}, newOrgView{Name: "name", Slug: "slug", ReturnTo: "/", Errors: map[string]string{"name": "error", "slug": "error"}}},
	"org": {orgView{Done: "done"}, orgView{Org: orgRef{Personal: true, Own: true}, Active: true}, orgView{
		Org: rehearsedOrg, Members: "12", Requests: "2", Leaving: true, Errors: map[string]string{"form": "error"},
	}},
	"org_members": {membersView{Done: "done"}, membersView{
		Org: rehearsedOrg, Count: "2", Query: "query", After: "after", More: "/", First: "/", MoreRequests: "/", FirstRequests: "/", Errors: map[string]string{"form": "error"},
		Members: []memberItem{
			{ID: "1", Email: "email", Name: "name", Role: "role", TwoStep: true, Joined: "date", Active: "date", Roles: rehearsedRoles, Transfer: "/"},
			{ID: "2", Email: "email", Role: "role", Me: true, Joined: "date", Roles: rehearsedRoles}, {ID: "3", Email: "email", Joined: "date"},
		},
		Requests: []requestItem{{"1", "email", "name", "date", rehearsedRoles}, {"2", "email", "", "date", rehearsedRoles}},
	}},
	"org_invitations": {invitationsView{Sent: true}, invitationsView{
		Org: rehearsedOrg, Email: "email", Roles: rehearsedRoles, Errors: map[string]string{"email": "error", "role": "error"},
		Invitations: []invitationItem{{"1", "email", "role", "date", false}, {"2", "email", "role", "date", true}},
	}},
	"org_settings": {
		orgSettingsView{Org: orgRef{Personal: true}, Saved: true}, orgSettingsView{Org: rehearsedOrg, Name: "name", Errors: map[string]string{"name": "error"}},
	},
	"org_slug":   {typedView{}, typedView{rehearsedOrg, "slug", map[string]string{"slug": "error", "typed": "error"}}},
	"org_delete": {typedView{}, typedView{Org: rehearsedOrg, Errors: map[string]string{"typed": "error"}}},
	"org_transfer": {transferView{}, transferView{Org: rehearsedOrg, Becomes: "role", Alone: true}, transferView{
		Org: rehearsedOrg, Query: "query", Members: []memberItem{{ID: "1", Email: "email", Name: "name"}, {ID: "2", Email: "email"}}, Cut: true,
		Errors: map[string]string{"to": "error"},
	}},
	"org_rules": {rulesView{}, rulesView{
		Org: rehearsedOrg, TwoStep: true, Ages: rehearsedRoles, Methods: []optionView{{"method_a", "a", true}, {"method_b", "b", false}},
		Affected: []memberItem{{Email: "email", Name: "name"}, {Email: "email"}}, Count: "30", Others: true,
		Errors: map[string]string{"two_step": "error", "max_age": "error", "methods": "error"},
	}},
	"org_domains": {domainsView{Mailed: true}, domainsView{Org: rehearsedOrg, Domains: []domainItem{
		{Name: "a.example", Role: "role", Verified: "date"},
		{Name: "b.example", Role: "role", Challenge: "challenge", Ask: true, Mailboxes: rehearsedRoles, Error: "error", CodeError: "error"},
	}}},
	"org_domain": {newDomainView{}, newDomainView{
		rehearsedOrg, "domain", rehearsedRoles, true, map[string]string{"domain": "error", "role": "error"},
	}},
	"org_activity": {orgActivityView{}, orgActivityView{Org: rehearsedOrg, Older: "/", Events: []orgEventView{
		{}, {eventView: eventView{Text: "text", When: "when", Stamp: "stamp"}, Actor: "actor", Subject: "subject", Details: []string{"detail"}},
	}}},
	"org_offer": {
		offerView{State: "expired", Errors: map[string]string{"form": "error"}},
		offerView{State: otherAddress, Action: "/", Account: "account", Errors: map[string]string{"form": "error"}},
		offerView{State: "pending", Action: "/", Account: "account", Org: "org", Inviter: "inviter", Role: "role", Errors: map[string]string{"form": "error"}},
		offerView{State: "pending", Org: "org", Role: "role", SignIn: "/", Email: "email"},
		offerView{State: "pending", Action: "/", Org: "org", Email: "email", Fields: rehearsedFields, Passkey: true, Errors: map[string]string{"name": "error", "password": "error"}},
	},
}
