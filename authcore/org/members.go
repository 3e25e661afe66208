package org

import (
	"context"
	"fmt"
	"slices"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
)

// memberPage is how many members are shown at once.
const memberPage = 100

// List is a page of members.
type List struct {
	Standing
	Members []Member
	// Next is the id to continue after; empty at the end.
	Next string
	// All and WithoutTwoStep count the members, of whatever page.
	All, WithoutTwoStep int
}

// ListMembers returns members after the one with an id whose name or address
// contains a text, to whoever manages them.
func (s *Service) ListMembers(ctx context.Context, a Actor, slug, text, after string) (List, error) {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return List{}, err
	}
	list := List{Standing: st}
	if list.All, list.WithoutTwoStep, err = s.Members.Count(ctx, st.ID); err != nil {
		return List{}, err
	}
	list.Members, err = s.Members.Members(ctx, st.ID, account.CleanLine(text), after, memberPage+1)
	if len(list.Members) > memberPage {
		list.Members = list.Members[:memberPage]
		list.Next = list.Members[memberPage-1].UserID
	}
	return list, err
}

// Affected returns up to limit of the members who would have to set something up to
// meet rules, to an owner who thinks of asking for them, and how many there are. Whether
// a proof is too old does not count: proofs age anyhow.
func (s *Service) Affected(ctx context.Context, a Actor, slug string, rules authcore.OrgRules, limit int) (some []Member, all int, err error) {
	st, err := s.standing(ctx, slug, s.owners(a))
	if err != nil {
		return nil, 0, err
	}
	return s.Members.Affected(ctx, st.ID, rules, limit)
}

// Add makes a user a member, for an operator. Members are invited by each other.
func (s *Service) Add(ctx context.Context, a Actor, slug, userID, role string) error {
	if a.Live != nil {
		return ErrForbidden
	}
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	return s.admit(ctx, a, st, userID, role, s.MemberChanges.Add)
}

// admit adds a member by one of the ways of the stores, and tells them by mail.
func (s *Service) admit(ctx context.Context, a Actor, st Standing, userID, role string, add adding) error {
	role, err := s.role(role)
	if err != nil {
		return err
	}
	user, _, err := s.Users.User(ctx, userID)
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	jobs, err := s.telling(mail.OrgJoined, user, st.Org, a.Client)
	if err != nil {
		return err
	}
	letters, err := s.ownerMade(ctx, a, st.Org, user, role)
	if err != nil {
		return err
	}
	event := s.event(audit.OrgMemberAdd, a, st.ID).Of(userID).With("role", role)
	if err := add(ctx, s.managers(a), st.ID, userID, role, s.Config.Roles.Owner(), event, append(jobs, letters...)...); err != nil {
		return fmt.Errorf("adding member: %w", err)
	}
	return s.Accounts.Refresh(ctx, userID)
}

// role returns a role that members can have; the default when none is given.
func (s *Service) role(name string) (string, error) {
	if name == "" {
		return s.Config.Roles.Default, nil
	}
	if !slices.Contains(s.Config.Roles.All, name) {
		return "", invalid("role", ProblemRole)
	}
	return name, nil
}

// telling returns the jobs that follow from a change of one membership: the
// sessions of the user learn of it, and the user by mail, if that address is
// theirs.
func (s *Service) telling(kind mail.Kind, user authcore.User, o Org, client authcore.Client) ([]job.Job, error) {
	jobs, err := s.refreshing(user.ID)
	if err != nil || !user.EmailVerified() {
		return jobs, err
	}
	letter, err := mail.NewJob(s.Sealer, mail.About(kind, user, client, map[string]string{"org": o.Name}).LeadingTo("/orgs"), s.Clock())
	return append(jobs, letter), err
}

// refreshing returns the job that brings the sessions of a user up to date.
func (s *Service) refreshing(userID string) ([]job.Job, error) {
	refresh, err := account.RefreshSessions(s.Sealer, userID, s.Clock())
	return []job.Job{refresh}, err
}

// SetRole gives a member another role, for whoever manages members; only owners
// make and unmake owners. The next request of the member carries it.
func (s *Service) SetRole(ctx context.Context, a Actor, slug, userID, role string) error {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	if !slices.Contains(s.Config.Roles.All, role) {
		return invalid("role", ProblemRole)
	}
	m, err := s.Members.Member(ctx, st.ID, userID)
	if err != nil || m.Role == role {
		return err
	}
	if err := s.checkGrant(ctx, a, slug, role); err != nil {
		return err
	}
	jobs, err := s.refreshing(userID)
	if err != nil {
		return err
	}
	letters, err := s.ownerMade(ctx, a, st.Org, authcore.User{ID: userID, Email: m.Email}, role)
	if err != nil {
		return err
	}
	event := s.event(audit.OrgRoleChange, a, st.ID).Of(userID).With("old", m.Role).With("new", role)
	if err := s.MemberChanges.SetRole(ctx, s.managers(a), st.ID, userID, role, s.Config.Roles.Owner(), event, append(jobs, letters...)...); err != nil {
		return fmt.Errorf("changing role: %w", err)
	}
	return s.Accounts.Refresh(ctx, userID)
}

// Remove ends a membership, for whoever manages members; only owners remove owners.
func (s *Service) Remove(ctx context.Context, a Actor, slug, userID string) error {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	user, _, err := s.Users.User(ctx, userID)
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	jobs, err := s.telling(mail.OrgLeft, user, st.Org, a.Client)
	if err != nil {
		return err
	}
	return s.remove(ctx, a, s.managers(a), st, userID, jobs)
}

// Leave ends the membership of a signed-in user. The last owner cannot leave.
func (s *Service) Leave(ctx context.Context, a Actor, slug string) error {
	st, err := s.standing(ctx, slug, s.member(a))
	if err == nil && a.Live == nil {
		err = ErrForbidden
	}
	if err != nil {
		return err
	}
	jobs, err := s.refreshing(a.userID())
	if err != nil {
		return err
	}
	return s.remove(ctx, a, s.member(a), st, a.userID(), jobs)
}

func (s *Service) remove(ctx context.Context, a Actor, by Authority, st Standing, userID string, jobs []job.Job) error {
	event := s.event(audit.OrgMemberRemove, a, st.ID).Of(userID)
	if err := s.MemberChanges.Remove(ctx, by, st.ID, userID, s.Config.Roles.Owner(), event, jobs...); err != nil {
		return fmt.Errorf("removing member: %w", err)
	}
	return s.Accounts.Refresh(ctx, userID)
}
