package org

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/events"
)

// AliasLife is how long an old slug leads to the new one, and how long nobody gets
// that of an organization that was deleted.
const AliasLife = 7 * 24 * time.Hour

const (
	// maxAliases is how many old slugs lead to one organization.
	maxAliases = 3
	// maxRenames is how often name or slug change in an hour, of which the sessions of
	// all members are told.
	maxRenames = 10
)

// renaming bounds the changes of whoever asks; operators know what they do.
func (a Actor) renaming() Renaming {
	if a.Live == nil {
		return Renaming{}
	}
	return Renaming{Aliases: maxAliases, PerHour: maxRenames}
}

// Get returns an organization to a member.
func (s *Service) Get(ctx context.Context, a Actor, slug string) (Standing, error) {
	return s.standing(ctx, slug, s.member(a))
}

// Moved returns the slug of the organization that had another one until lately, to
// a member.
func (s *Service) Moved(ctx context.Context, a Actor, slug string) (string, error) {
	st, err := s.Orgs.FindAlias(ctx, slug, a.userID(), s.Clock())
	return st.Slug, err
}

// All returns up to limit organizations after the one with an id, to an operator.
func (s *Service) All(ctx context.Context, after string, limit int) ([]Org, error) {
	return s.Orgs.All(ctx, after, limit)
}

// Rename gives an organization another name, for an owner. The slug stays.
func (s *Service) Rename(ctx context.Context, a Actor, slug, name string) error {
	st, err := s.standing(ctx, slug, s.owners(a))
	if err != nil {
		return err
	}
	name, err = cleanName(name)
	if err != nil || name == st.Name {
		return err
	}
	event := s.event(audit.OrgRename, a, st.ID).With("old", st.Name).With("new", name)
	st.Name = name
	if err := s.change(ctx, a, st.Org, event); err != nil {
		return err
	}
	return s.refreshOwn(ctx, a)
}

// ChangeSlug gives an organization another slug, for an owner who types the one so
// far. That leads to the new one for a week. It fails with *LimitError while as many
// do as may.
func (s *Service) ChangeSlug(ctx context.Context, a Actor, slug, to, typed string) error {
	st, err := s.Sensitive(ctx, a, slug)
	if err != nil {
		return err
	}
	to = strings.TrimSpace(to)
	problems := make(map[string]account.Problem)
	if a.Live != nil && typed != st.Slug {
		problems["typed"] = ProblemTyped
	}
	if !s.validSlug(to) {
		problems["slug"] = ProblemSlug
	}
	switch {
	case len(problems) > 0:
		return &account.InvalidError{Fields: problems}
	case to == st.Slug:
		return nil
	}
	until := s.Clock().Add(AliasLife)
	event := s.event(audit.OrgSlugChange, a, st.ID).With("old", st.Slug).With("new", to).With("until", until.UTC().Format(time.RFC3339))
	st.Slug = to
	err = s.change(ctx, a, st.Org, event)
	if errors.Is(err, authcore.ErrConflict) && !errors.Is(err, ErrChanged) {
		return invalid("slug", ProblemSlugUsed)
	}
	if err != nil {
		return err
	}
	return s.refreshOwn(ctx, a)
}

// Sensitive returns an organization to an owner who was proven not long ago, as some
// changes want it; else it fails with *account.StaleError.
func (s *Service) Sensitive(ctx context.Context, a Actor, slug string) (Standing, error) {
	st, err := s.standing(ctx, slug, s.owners(a))
	if err == nil && a.Live != nil {
		err = s.Accounts.CheckRecent(ctx, a.Live)
	}
	return st, err
}

// change stores what an organization is like from now on, with the job that tells the
// sessions of its members.
func (s *Service) change(ctx context.Context, a Actor, o Org, event audit.Event) error {
	refresh, err := s.refreshOrg(o.ID)
	if err != nil {
		return err
	}
	if err := s.Orgs.Change(ctx, s.owners(a), o, a.renaming(), event, refresh); err != nil {
		return fmt.Errorf("changing organization: %w", err)
	}
	return nil
}

// refreshOwn shows whoever asks what they have changed. It takes nothing from anybody,
// so the others, of whom there may be many, wait for the job.
func (s *Service) refreshOwn(ctx context.Context, a Actor) error {
	if a.Live == nil {
		return nil
	}
	return s.Accounts.Refresh(ctx, a.userID())
}

// SetRules replaces what an organization asks of its members, for an owner, who
// must meet it: whoever could lock themselves out does not get to do it.
func (s *Service) SetRules(ctx context.Context, a Actor, slug string, rules authcore.OrgRules) error {
	st, err := s.Sensitive(ctx, a, slug)
	if err != nil {
		return err
	}
	if err := s.checkRules(ctx, a, rules); err != nil {
		return err
	}
	if sameRules(rules, st.Rules) {
		return nil
	}
	event := s.event(audit.OrgRulesChange, a, st.ID).With("old", describe(st.Rules)).With("new", describe(rules))
	st.Rules = rules
	if err := s.change(ctx, a, st.Org, event); err != nil {
		return err
	}
	return s.refreshAll(ctx, st.ID)
}

const (
	minAge = 15 * time.Minute
	maxAge = 365 * 24 * time.Hour
)

// RuleMethods are the kinds of proof that an organization can ask for.
var RuleMethods = []authcore.FactorKind{authcore.FactorPassword, authcore.FactorLink, authcore.FactorPasskey}

func (s *Service) checkRules(ctx context.Context, a Actor, rules authcore.OrgRules) error {
	if rules.MaxAge != 0 && (rules.MaxAge < minAge || rules.MaxAge > maxAge) {
		return invalid("max_age", ProblemAge)
	}
	for _, kind := range rules.Methods {
		if !slices.Contains(RuleMethods, kind) {
			return invalid("methods", ProblemMethods)
		}
	}
	if a.Live == nil {
		return nil
	}
	user, _, err := s.Users.User(ctx, a.userID())
	if err != nil {
		return fmt.Errorf("finding account: %w", err)
	}
	id := &a.Live.Identity
	switch {
	case rules.TwoStep && !user.TwoStep() && id.Level < authcore.AAL2:
		return invalid("two_step", ProblemLockout)
	case len(rules.Methods) > 0 && id.ProvenAt(rules.Methods...).IsZero():
		return invalid("methods", ProblemLockout)
	}
	return nil
}

func sameRules(a, b authcore.OrgRules) bool {
	return a.TwoStep == b.TwoStep && a.MaxAge == b.MaxAge && slices.Equal(a.Methods, b.Methods)
}

// describe says what rules ask for, for the audit log.
func describe(r authcore.OrgRules) string {
	var parts []string
	if r.TwoStep {
		parts = append(parts, "two_step")
	}
	if r.MaxAge > 0 {
		parts = append(parts, "max_age="+r.MaxAge.String())
	}
	for _, kind := range r.Methods {
		parts = append(parts, string(kind))
	}
	return strings.Join(parts, " ")
}

// Delete takes an organization away from everybody, for an owner who types its
// name. A personal workspace stays with its user.
func (s *Service) Delete(ctx context.Context, a Actor, slug, typed string) error {
	st, err := s.Sensitive(ctx, a, slug)
	switch {
	case err != nil:
		return err
	case st.PersonalOf != "":
		return ErrForbidden
	case a.Live != nil && account.CleanLine(typed) != st.Name:
		return invalid("typed", ProblemTyped)
	}
	refresh, err := s.refreshOrg(st.ID)
	if err != nil {
		return err
	}
	event := s.event(audit.OrgDelete, a, st.ID).With("slug", st.Slug).With("name", st.Name)
	if err := s.Orgs.Delete(ctx, s.owners(a), st.ID, event, refresh); err != nil {
		return fmt.Errorf("deleting organization: %w", err)
	}
	s.Events.Emit(events.OrgDeleted, map[string]any{"org_id": st.ID})
	return s.refreshAll(ctx, st.ID)
}

// trailPage is how many events of an organization are shown at once.
const trailPage = 50

// Trail returns a page of the events of an organization, the newest first, from before
// the one with an id, and the id to go on from, to whoever manages it. Who has opened an
// invitation that was not for them is told to operators alone: it is enough to have
// clicked on a link.
func (s *Service) Trail(ctx context.Context, a Actor, slug, before string) (list []audit.Event, next string, err error) {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return nil, "", err
	}
	list, err = s.Orgs.Events(ctx, st.ID, before, trailPage+1)
	if len(list) > trailPage {
		list = list[:trailPage]
		next = list[trailPage-1].ID
	}
	for i, e := range list {
		if a.Live != nil && e.Action == audit.OrgInviteRefuse {
			list[i] = e.By(audit.ActorUnknown, "").Of("")
		}
	}
	return list, next, err
}
