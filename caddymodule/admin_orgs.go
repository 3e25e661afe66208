package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/org"
)

// orgView is an organization as operators see it.
type orgView struct {
	ID         string    `json:"id"`
	Slug       string    `json:"slug"`
	Name       string    `json:"name"`
	PersonalOf string    `json:"personal_of,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
}

func viewOfOrg(o org.Org) orgView { return orgView{o.ID, o.Slug, o.Name, o.PersonalOf, o.CreatedAt} }

// orgDetails are what `caddy sigra org show` shows.
type orgDetails struct {
	orgView
	rulesView
	Members        int `json:"members"`
	WithoutTwoStep int `json:"members_without_two_step"`
}

// orgOperation is something that an operator does with one organization.
type orgOperation struct {
	do func(operations, *http.Request, org.Standing) (any, error)
	// missing, taken and full say what authcore.ErrNotFound, authcore.ErrConflict
	// and org.ErrLimit mean. The slug stands for %s.
	missing, taken, full string
}

// orgOperations are what the requests for one organization do.
var orgOperations = map[string]orgOperation{
	"GET /sigra/orgs/{slug}":                          {do: operations.showOrg},
	"DELETE /sigra/orgs/{slug}":                       {do: operations.deleteOrg},
	"PUT /sigra/orgs/{slug}/name":                     {do: operations.renameOrg},
	"PUT /sigra/orgs/{slug}/slug":                     {do: operations.changeSlug},
	"GET /sigra/orgs/{slug}/rules":                    {do: operations.showRules},
	"PATCH /sigra/orgs/{slug}/rules":                  {do: operations.setRules},
	"GET /sigra/orgs/{slug}/audit":                    {do: operations.listOrgEvents},
	"POST /sigra/orgs/{slug}/members/search":          {do: operations.listMembers},
	"POST /sigra/orgs/{slug}/members":                 {do: operations.addMember, taken: isMember, full: tooManyOrgs},
	"PUT /sigra/orgs/{slug}/members/{user}":           {do: operations.setMemberRole, missing: noMember},
	"DELETE /sigra/orgs/{slug}/members/{user}":        {do: operations.removeMember, missing: noMember},
	"POST /sigra/orgs/{slug}/transfer/{user}":         {do: operations.transferOrg, missing: noMember},
	"GET /sigra/orgs/{slug}/invitations":              {do: operations.listInvitations},
	"POST /sigra/orgs/{slug}/invitations":             {do: operations.inviteMember, taken: isMember, full: tooManyMails},
	"POST /sigra/orgs/{slug}/invitations/{id}/resend": {do: operations.resendInvitation, missing: noInvitation, full: tooManyMails},
	"DELETE /sigra/orgs/{slug}/invitations/{id}":      {do: operations.revokeInvitation, missing: noInvitation},
	"GET /sigra/orgs/{slug}/requests":                 {do: operations.listRequests},
	"POST /sigra/orgs/{slug}/requests/{user}":         {do: operations.admitMember, missing: noRequest, taken: isMember, full: tooManyOrgs},
	"DELETE /sigra/orgs/{slug}/requests/{user}":       {do: operations.refuseMember, missing: noRequest},
	"GET /sigra/orgs/{slug}/domains":                  {do: operations.listDomains},
	"POST /sigra/orgs/{slug}/domains":                 {do: operations.addDomain, taken: domainTaken, full: tooManyDomains},
	"POST /sigra/orgs/{slug}/domains/{domain}/verify": {do: operations.verifyDomain, missing: noDomain, taken: domainTaken},
	"POST /sigra/orgs/{slug}/domains/{domain}/mail":   {do: operations.mailDomain, missing: noDomain, full: tooManyProofs},
	"POST /sigra/orgs/{slug}/domains/{domain}/code":   {do: operations.proveDomain, missing: noDomain, taken: domainTaken},
	"DELETE /sigra/orgs/{slug}/domains/{domain}":      {do: operations.removeDomain, missing: noDomain},
}

const (
	noMember       = "the user is no member; see `caddy sigra org members %s`"
	noInvitation   = "no such invitation is open; see `caddy sigra org invitations %s`"
	noRequest      = "the user does not ask to join; see `caddy sigra org requests %s`"
	noDomain       = "the organization has no such domain; see `caddy sigra org domains %s`"
	noAccount      = "there is no such user: %s; see `caddy sigra user list`"
	isMember       = "the user is a member already; `caddy sigra org set-role %s` changes the role"
	domainTaken    = "the domain is proven already, by this organization or by another"
	tooManyOrgs    = "the user belongs to as many organizations as one can"
	tooManyMails   = "so many invitations were sent within 24 hours that the limit is reached; try again later, or raise the limit of the option orgs"
	tooManyProofs  = "so many such mails were sent within 24 hours that the limit is reached; try again later, or publish the TXT record"
	tooManyDomains = "the organization has as many domains as one can; remove one by `caddy sigra org remove-domain %s`"
	lastOwner      = "an organization needs an owner who can sign in; make somebody else one first by `caddy sigra org set-role %s <email|id> %s`"
	stays          = "a personal workspace stays as long as its user; `caddy sigra user delete` takes both away"
)

// refused is an operation that is not done, with the reason for an operator.
type refused struct {
	status int
	reason string
}

func (r refused) Error() string { return r.reason }

// onOrg returns an operation with what there is to say when it fails.
func (o operations) onOrg(op orgOperation) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		slug := r.PathValue("slug")
		st, err := o.findOrg(r.Context(), slug)
		if err != nil {
			return nil, err
		}
		result, err := op.do(o, r, st)
		return result, o.explainOrg(op, slug, err)
	}
}

// findOrg returns an organization, or says how it is found.
func (o operations) findOrg(ctx context.Context, slug string) (org.Standing, error) {
	st, err := o.app.orgs.Get(ctx, org.Actor{}, slug)
	if !errors.Is(err, authcore.ErrNotFound) {
		return st, err
	}
	reason := "there is no such organization; see `caddy sigra org list`"
	if now, err := o.app.orgs.Moved(ctx, org.Actor{}, slug); err == nil {
		reason = "the slug of this organization is " + now + " now"
	}
	return st, refused{http.StatusNotFound, reason}
}

// explainOrg says what the error of an operation means.
func (o operations) explainOrg(op orgOperation, slug string, err error) error {
	var invalid *account.InvalidError
	roles := o.app.orgs.Config.Roles
	switch {
	case errors.As(err, &invalid) && invalid.Fields["role"] == org.ProblemRole:
		return refused{http.StatusUnprocessableEntity, "role: must be one of " + strings.Join(roles.All, ", ")}
	case errors.Is(err, authcore.ErrNotFound) && op.missing != "":
		return refused{http.StatusNotFound, about(op.missing, slug)}
	case errors.Is(err, authcore.ErrConflict) && op.taken != "":
		return refused{http.StatusConflict, about(op.taken, slug)}
	case errors.Is(err, org.ErrLimit) && op.full != "":
		return refused{http.StatusConflict, about(op.full, slug)}
	case errors.Is(err, org.ErrLastOwner):
		return refused{http.StatusConflict, fmt.Sprintf(lastOwner, slug, roles.Owner())}
	case errors.Is(err, org.ErrForbidden): // operators may do everything else
		return refused{http.StatusConflict, stays}
	default:
		return err
	}
}

func about(reason, slug string) string { return strings.ReplaceAll(reason, "%s", slug) }

// orgPage is how many organizations one answer lists.
const orgPage = 500

func (o operations) listOrgs(r *http.Request) (any, error) {
	orgs, err := o.app.orgs.All(r.Context(), r.URL.Query().Get("after"), orgPage)
	return viewsOf(orgs, viewOfOrg), err
}

func viewsOf[T, V any](all []T, view func(T) V) []V {
	views := make([]V, len(all))
	for i, one := range all {
		views[i] = view(one)
	}
	return views
}

// newOrgBody is what `caddy sigra org create` sends.
type newOrgBody struct {
	Name  string `json:"name"`
	Slug  string `json:"slug,omitempty"`
	Owner string `json:"owner"`
}

func (o operations) createOrg(r *http.Request) (any, error) {
	var body newOrgBody
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	owner, err := o.findAccount(r.Context(), body.Owner)
	if err != nil {
		return nil, err
	}
	made, err := o.app.orgs.Create(r.Context(), org.Actor{}, org.NewOrg{Name: body.Name, Slug: body.Slug, Owner: owner.ID})
	if err != nil {
		return nil, o.explainOrg(orgOperation{full: tooManyOrgs}, made.Slug, err)
	}
	return viewOfOrg(made), nil
}

// findAccount returns the account that a reference means, or says how it is found.
func (o operations) findAccount(ctx context.Context, ref string) (authcore.User, error) {
	user, err := o.app.accounts.Find(ctx, ref)
	if errors.Is(err, authcore.ErrNotFound) {
		err = refused{http.StatusNotFound, fmt.Sprintf(noAccount, ref)}
	}
	return user, err
}

func (o operations) showOrg(r *http.Request, st org.Standing) (any, error) {
	list, err := o.app.orgs.ListMembers(r.Context(), org.Actor{}, st.Slug, "", "")
	return orgDetails{viewOfOrg(st.Org), viewOfRules(st.Rules), list.All, list.WithoutTwoStep}, err
}

// done shows an organization after it was changed.
func (o operations) done(ctx context.Context, slug string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	st, err := o.app.orgs.Get(ctx, org.Actor{}, slug)
	return viewOfOrg(st.Org), err
}

func (o operations) renameOrg(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Name string `json:"name"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	return o.done(r.Context(), st.Slug, o.app.orgs.Rename(r.Context(), org.Actor{}, st.Slug, body.Name))
}

func (o operations) changeSlug(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Slug string `json:"slug"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	to := strings.TrimSpace(body.Slug)
	return o.done(r.Context(), to, o.app.orgs.ChangeSlug(r.Context(), org.Actor{}, st.Slug, to, ""))
}

func (o operations) deleteOrg(r *http.Request, st org.Standing) (any, error) {
	if err := o.app.orgs.Delete(r.Context(), org.Actor{}, st.Slug, ""); err != nil {
		return nil, err
	}
	return map[string]string{"deleted": st.ID}, nil
}
