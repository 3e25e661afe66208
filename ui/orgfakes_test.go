package ui

import (
	"context"
	"fmt"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/session"
)

// fakeOrgs notes what it is asked to change. It knows one organization, acme, in
// which the visitor has a role; changes answer with err, reading with readErr.
type fakeOrgs struct {
	role     string
	may      bool
	err      error
	readErr  error
	calls    []string
	personal bool

	mine     []authcore.Org
	waiting  []org.Waiting
	joinable *org.Joinable
	offer    org.Offer
	offerErr error
	member   org.NewMember
	members  []org.Member
	next     string
	requests []org.Request
	// requestsNext is what follows the requests, requestsAfter what was asked for.
	requestsNext, requestsAfter string
	invitations                 []org.Invitation
	domains                     []org.Domain
	rules                       authcore.OrgRules
	asked                       authcore.OrgRules
	affected                    int
	events                      []audit.Event
	before                      string
	eventsNext                  string
	stale                       error
	// unmet is what whoever has a role owes the organization.
	unmet error
}

const adaID, bobID = "018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-00000000000b"

// people are the accounts that there are.
func people(ids []string) map[string]string {
	known := map[string]string{"user-1": "ada@example.com", bobID: "bob@example.com"}
	for id := range known {
		if !strings.Contains(strings.Join(ids, " "), id) {
			delete(known, id)
		}
	}
	return known
}

func newFakeOrgs() *fakeOrgs {
	return &fakeOrgs{
		role: "owner", may: true, offerErr: authcore.ErrNotFound, affected: 1,
		mine: []authcore.Org{{ID: "1", Slug: "acme", Name: "Acme & Co", Role: "owner"}, {ID: "2", Slug: "other", Name: "Other", Role: "auditor"}},
		members: []org.Member{
			{UserID: "user-1", Email: "ada@example.com", Name: "Ada", Role: "owner", TwoStep: true, JoinedAt: testNow, ActiveAt: testNow},
			{UserID: bobID, Email: "bob@example.com", Role: "member", JoinedAt: testNow},
		},
	}
}

func (f *fakeOrgs) do(call ...any) error {
	f.calls = append(f.calls, strings.TrimSuffix(fmt.Sprintln(call...), "\n"))
	return f.err
}

// standing is for whoever has one of the roles.
func (f *fakeOrgs) standing(slug string, roles ...string) (org.Standing, error) {
	st := org.Standing{Org: org.Org{ID: "1", Slug: slug, Name: "Acme & Co", Rules: f.rules}, Role: f.role}
	if f.personal {
		st.PersonalOf = "user-1"
	}
	switch {
	case f.readErr != nil:
		return org.Standing{}, f.readErr
	case slug != "acme":
		return org.Standing{}, authcore.ErrNotFound
	case len(roles) > 0 && !strings.Contains(strings.Join(roles, " "), f.role):
		return org.Standing{}, org.ErrForbidden
	case len(roles) > 0 && f.unmet != nil:
		return st, f.unmet
	}
	return st, nil
}

func (f *fakeOrgs) MayCreate(*authcore.Identity) bool { return f.may }

func (f *fakeOrgs) Mine(context.Context, *session.Live) ([]authcore.Org, error) {
	return f.mine, f.readErr
}

func (f *fakeOrgs) Create(_ context.Context, _ org.Actor, in org.NewOrg) (org.Org, error) {
	if !f.may {
		return org.Org{}, org.ErrForbidden
	}
	return org.Org{Slug: "acme"}, f.do("Create", in.Name, in.Slug)
}

func (f *fakeOrgs) Switch(_ context.Context, _ *session.Live, slug string, _ authcore.Client) (authcore.Org, error) {
	return authcore.Org{Slug: slug}, f.do("Switch", slug)
}

func (f *fakeOrgs) Get(_ context.Context, _ org.Actor, slug string) (org.Standing, error) {
	return f.standing(slug)
}

func (f *fakeOrgs) Owned(_ context.Context, _ org.Actor, slug string) (org.Standing, error) {
	return f.standing(slug, "owner")
}

func (f *fakeOrgs) Sensitive(_ context.Context, _ org.Actor, slug string) (org.Standing, error) {
	st, err := f.standing(slug, "owner")
	if err == nil && f.stale != nil {
		err = f.stale
	}
	return st, err
}

func (f *fakeOrgs) Moved(_ context.Context, _ org.Actor, slug string) (string, error) {
	if slug == "former" {
		return "acme", nil
	}
	return "", authcore.ErrNotFound
}

func (f *fakeOrgs) Leave(_ context.Context, _ org.Actor, slug string) error {
	return f.do("Leave", slug)
}

func (f *fakeOrgs) Trail(_ context.Context, _ org.Actor, slug, before string) ([]audit.Event, string, error) {
	f.before = before
	_, err := f.standing(slug, "owner", "admin")
	return f.events, f.eventsNext, err
}

func (f *fakeOrgs) Waiting(context.Context, *session.Live) ([]org.Waiting, error) {
	return f.waiting, f.readErr
}

func (f *fakeOrgs) AcceptByID(_ context.Context, _ org.Actor, id string) (org.Org, error) {
	return org.Org{Slug: "acme"}, f.do("AcceptByID", id)
}

func (f *fakeOrgs) Joinable(context.Context, *session.Live) (*org.Joinable, error) {
	return f.joinable, f.readErr
}

func (f *fakeOrgs) Join(_ context.Context, _ org.Actor, slug string) (bool, error) {
	return f.joinable != nil && !f.joinable.Ask, f.do("Join", slug)
}

func (f *fakeOrgs) Invited(context.Context, org.Actor, string) (org.Offer, error) {
	return f.offer, f.offerErr
}

func (f *fakeOrgs) Accept(_ context.Context, _ org.Actor, secret string) (org.Org, error) {
	return org.Org{Slug: "acme"}, f.do("Accept", secret)
}

func (f *fakeOrgs) AcceptNew(_ context.Context, secret string, in org.NewMember) (account.SignedIn, error) {
	f.member = in
	return account.SignedIn{Token: freshToken, Session: testSession("fresh"), Device: "device-mark"}, f.do("AcceptNew", secret)
}

func (f *fakeOrgs) ListMembers(_ context.Context, _ org.Actor, slug, text, after string) (org.List, error) {
	st, err := f.standing(slug, "owner", "admin")
	list := org.List{Standing: st, Next: f.next, All: 12, WithoutTwoStep: 3}
	for _, m := range f.members {
		if strings.Contains(m.Email+m.Name, text) {
			list.Members = append(list.Members, m)
		}
	}
	return list, err
}

func (f *fakeOrgs) SetRole(_ context.Context, _ org.Actor, slug, userID, role string) error {
	return f.do("SetRole", slug, userID, role)
}

func (f *fakeOrgs) Remove(_ context.Context, _ org.Actor, slug, userID string) error {
	return f.do("Remove", slug, userID)
}

func (f *fakeOrgs) Requests(_ context.Context, _ org.Actor, slug, after string) (org.RequestList, error) {
	_, err := f.standing(slug, "owner", "admin")
	f.requestsAfter = after
	return org.RequestList{Requests: f.requests, Next: f.requestsNext}, err
}

func (f *fakeOrgs) Admit(_ context.Context, _ org.Actor, slug, userID, role string) error {
	return f.do("Admit", slug, userID, role)
}

func (f *fakeOrgs) Refuse(_ context.Context, _ org.Actor, slug, userID string) error {
	return f.do("Refuse", slug, userID)
}

func (f *fakeOrgs) ListInvitations(_ context.Context, _ org.Actor, slug string) (org.Standing, []org.Invitation, error) {
	st, err := f.standing(slug, "owner", "admin")
	return st, f.invitations, err
}

func (f *fakeOrgs) Invite(_ context.Context, _ org.Actor, slug, email, role string) error {
	return f.do("Invite", slug, email, role)
}

func (f *fakeOrgs) RevokeInvitation(_ context.Context, _ org.Actor, slug, id string) error {
	return f.do("RevokeInvitation", slug, id)
}

func (f *fakeOrgs) Resend(_ context.Context, _ org.Actor, slug, id string) error {
	return f.do("Resend", slug, id)
}

func (f *fakeOrgs) Rename(_ context.Context, _ org.Actor, slug, name string) error {
	return f.do("Rename", slug, name)
}

func (f *fakeOrgs) ChangeSlug(_ context.Context, _ org.Actor, slug, to, typed string) error {
	return f.do("ChangeSlug", slug, to, typed)
}

func (f *fakeOrgs) SetRules(_ context.Context, _ org.Actor, slug string, rules authcore.OrgRules) error {
	f.asked = rules
	return f.do("SetRules", slug)
}

func (f *fakeOrgs) Affected(_ context.Context, _ org.Actor, slug string, _ authcore.OrgRules, _ int) ([]org.Member, int, error) {
	_, err := f.standing(slug, "owner")
	if f.affected == 0 {
		return nil, 0, err
	}
	return f.members[1:], f.affected, err
}

func (f *fakeOrgs) Transfer(_ context.Context, _ org.Actor, slug, to string) error {
	return f.do("Transfer", slug, to)
}

func (f *fakeOrgs) Delete(_ context.Context, _ org.Actor, slug, typed string) error {
	return f.do("Delete", slug, typed)
}

func (f *fakeOrgs) ListDomains(_ context.Context, _ org.Actor, slug string) (org.Standing, []org.Domain, error) {
	st, err := f.standing(slug, "owner")
	return st, f.domains, err
}

func (f *fakeOrgs) AddDomain(_ context.Context, _ org.Actor, slug, name, role string, ask bool) (org.Domain, error) {
	return org.Domain{}, f.do("AddDomain", slug, name, role, ask)
}

func (f *fakeOrgs) VerifyByDNS(_ context.Context, _ org.Actor, slug, name string) error {
	return f.do("VerifyByDNS", slug, name)
}

func (f *fakeOrgs) MailProof(_ context.Context, _ org.Actor, slug, name, mailbox string) error {
	return f.do("MailProof", slug, name, mailbox)
}

func (f *fakeOrgs) VerifyByMail(_ context.Context, _ org.Actor, slug, name, code string) error {
	return f.do("VerifyByMail", slug, name, code)
}

func (f *fakeOrgs) RemoveDomain(_ context.Context, _ org.Actor, slug, name string) error {
	return f.do("RemoveDomain", slug, name)
}
