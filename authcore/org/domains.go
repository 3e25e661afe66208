package org

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/token"
)

const (
	// maxDomains is how many domains an organization can have.
	maxDomains = 20
	// challengePrefix begins the DNS TXT record that proves a domain.
	challengePrefix = "sigra-domain="
	// proofLife is how long the code of a mail that proves a domain works.
	proofLife = 24 * time.Hour
	// lookupTimeout bounds a look at the DNS.
	lookupTimeout = 5 * time.Second
)

// Mailboxes are those whose owner speaks for a domain, as certificate authorities take
// it too (CA/Browser Forum Baseline Requirements section 3.2.2.4.4).
var Mailboxes = []string{"postmaster", "hostmaster", "admin"}

// ErrUnproven says that a domain does not show what proves it.
var ErrUnproven = errors.New("the domain does not show the proof yet")

// ListDomains returns the domains of an organization to an owner.
func (s *Service) ListDomains(ctx context.Context, a Actor, slug string) (Standing, []Domain, error) {
	st, err := s.standing(ctx, slug, s.owners(a))
	if err != nil {
		return st, nil, err
	}
	list, err := s.Domains.Domains(ctx, st.ID)
	return st, list, err
}

// AddDomain lets users with an address in a domain join, once it is proven, with a
// role below owner. With ask they ask, and a manager admits them.
func (s *Service) AddDomain(ctx context.Context, a Actor, slug, name, role string, ask bool) (Domain, error) {
	st, err := s.Sensitive(ctx, a, slug)
	if err != nil {
		return Domain{}, err
	}
	name, ok := cleanDomain(name)
	if !ok {
		return Domain{}, invalid("domain", ProblemDomain)
	}
	if role, err = s.role(role); err == nil && role == s.Config.Roles.Owner() {
		err = invalid("role", ProblemRole)
	}
	if err != nil {
		return Domain{}, err
	}
	d := Domain{OrgID: st.ID, Name: name, Role: role, Ask: ask, Challenge: challengePrefix + rand.Text(), CreatedAt: s.Clock().UTC()}
	event := s.event(audit.OrgDomainAdd, a, st.ID).With("domain", name).With("role", role)
	return d, s.Domains.AddDomain(ctx, s.owners(a), d, maxDomains, event)
}

// domainForm is that of the domains in the keys of addresses, with the limits of the
// DNS (RFC 1035 section 2.3.4).
var domainForm = idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.BidiRule(), idna.CheckHyphens(true), idna.CheckJoiners(true), idna.VerifyDNSLength(true))

// cleanDomain returns a domain in lower case, in A-labels.
func cleanDomain(raw string) (string, bool) {
	ascii, err := domainForm.ToASCII(strings.ToLower(strings.TrimSpace(raw)))
	return ascii, err == nil && strings.Contains(ascii, ".") && !strings.HasSuffix(ascii, ".")
}

// domain returns a domain of an organization to an owner.
func (s *Service) domain(ctx context.Context, a Actor, slug, name string) (Standing, Domain, error) {
	st, list, err := s.ListDomains(ctx, a, slug)
	if err != nil {
		return st, Domain{}, err
	}
	name, _ = cleanDomain(name) // none that is stored otherwise
	i := slices.IndexFunc(list, func(d Domain) bool { return d.Name == name })
	if i < 0 {
		return st, Domain{}, authcore.ErrNotFound
	}
	return st, list[i], nil
}

// VerifyByDNS proves a domain by a TXT record with its challenge. It fails with
// ErrUnproven while there is none.
func (s *Service) VerifyByDNS(ctx context.Context, a Actor, slug, name string) error {
	st, d, err := s.domain(ctx, a, slug, name)
	if err != nil {
		return err
	}
	lookup, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	records, err := s.Resolver.LookupTXT(lookup, d.Name)
	if err != nil || !slices.Contains(records, d.Challenge) {
		return ErrUnproven
	}
	event := s.event(audit.OrgDomainVerify, a, st.ID).With("domain", d.Name).With("method", "dns")
	return s.Domains.VerifyDomain(ctx, s.owners(a), st.ID, d.Name, nil, event)
}

// MailProof sends a code to a mailbox that speaks for a domain.
func (s *Service) MailProof(ctx context.Context, a Actor, slug, name, mailbox string) error {
	st, d, err := s.domain(ctx, a, slug, name)
	if err != nil {
		return err
	}
	if !slices.Contains(Mailboxes, mailbox) {
		return invalid("mailbox", account.ProblemValue)
	}
	now := s.Clock()
	secret, t := token.New(token.OrgDomain, "", now, proofLife)
	t.Address = st.ID + " " + d.Name
	values := map[string]string{"org": st.Name, "domain": d.Name, "code": secret}
	letter, err := mail.NewJob(s.Sealer, mail.About(mail.OrgDomain, authcore.User{Email: mailbox + "@" + d.Name}, a.Client, values), now)
	if err != nil {
		return err
	}
	event := s.event(audit.OrgDomainAdd, a, st.ID).With("domain", d.Name).With("mailbox", mailbox)
	return s.Domains.MailProof(ctx, s.owners(a), st.ID, t, s.quota(), event, letter)
}

// VerifyByMail proves a domain by the code of a mail.
func (s *Service) VerifyByMail(ctx context.Context, a Actor, slug, name, code string) error {
	st, d, err := s.domain(ctx, a, slug, name)
	if err != nil {
		return err
	}
	hash, ok := token.HashOf(strings.TrimSpace(code))
	if !ok {
		return invalid("code", account.ProblemWrongCode)
	}
	event := s.event(audit.OrgDomainVerify, a, st.ID).With("domain", d.Name).With("method", "mail")
	err = s.Domains.VerifyDomain(ctx, s.owners(a), st.ID, d.Name, hash, event)
	if errors.Is(err, authcore.ErrNotFound) {
		err = invalid("code", account.ProblemWrongCode)
	}
	return err
}

// RemoveDomain lets nobody join by a domain any more. Members stay.
func (s *Service) RemoveDomain(ctx context.Context, a Actor, slug, name string) error {
	st, d, err := s.domain(ctx, a, slug, name)
	if err != nil {
		return err
	}
	return s.Domains.RemoveDomain(ctx, s.owners(a), st.ID, d.Name, s.event(audit.OrgDomainRemove, a, st.ID).With("domain", d.Name))
}

// Joinable is an organization that a user may join because of their address.
type Joinable struct {
	Org  Org
	Role string
	// Ask says that a manager must admit them, Asked that they wait for that.
	Ask, Asked bool

	domain Domain
}

// Joinable returns the organization that the proven address of a signed-in user lets
// them join; none when they belong to it, or there is none.
func (s *Service) Joinable(ctx context.Context, live *session.Live) (*Joinable, error) {
	user, _, err := s.Users.User(ctx, live.Identity.UserID)
	if err != nil || !user.EmailVerified() {
		return nil, err
	}
	_, name, _ := strings.Cut(user.EmailKey, "@")
	d, o, err := s.Domains.ByDomain(ctx, name)
	if errors.Is(err, authcore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = s.Members.Member(ctx, o.ID, user.ID)
	if err == nil {
		return nil, nil
	}
	if !errors.Is(err, authcore.ErrNotFound) {
		return nil, err
	}
	j := &Joinable{Org: o, Role: d.Role, Ask: d.Ask, domain: d}
	if !d.Ask {
		return j, nil
	}
	j.Asked, err = s.Joining.Asked(ctx, o.ID, user.ID)
	return j, err
}

// Join makes a signed-in user a member because of their address, or asks for it;
// joined tells which. It fails with authcore.ErrNotFound for any other organization.
func (s *Service) Join(ctx context.Context, a Actor, slug string) (joined bool, err error) {
	if a.Live == nil {
		return false, ErrForbidden
	}
	j, err := s.Joinable(ctx, a.Live)
	if err == nil && (j == nil || j.Org.Slug != slug) {
		err = authcore.ErrNotFound
	}
	if err != nil {
		return false, err
	}
	userID := a.userID()
	if j.Ask {
		return false, s.Joining.Ask(ctx, j.Org.ID, userID, s.event(audit.OrgJoinAsk, a, j.Org.ID).Of(userID))
	}
	jobs, err := s.refreshing(userID)
	if err != nil {
		return false, err
	}
	event := s.event(audit.OrgMemberAdd, a, j.Org.ID).Of(userID).With("role", j.Role).With("method", "domain")
	if err := s.Joining.Join(ctx, j.domain, userID, event, jobs...); err != nil {
		return false, fmt.Errorf("joining: %w", err)
	}
	if err := s.Accounts.Refresh(ctx, userID); err != nil {
		return true, err
	}
	_, err = s.Switch(ctx, a.Live, slug, a.Client)
	return true, err
}

// requestPage is how many requests to join are shown at once.
const requestPage = 100

// RequestList is a page of those who ask to join.
type RequestList struct {
	Requests []Request
	// Next is the id to continue after; empty at the end.
	Next string
}

// Requests returns those who ask to join, after the one with an id, to whoever manages
// members.
func (s *Service) Requests(ctx context.Context, a Actor, slug, after string) (list RequestList, err error) {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return list, err
	}
	list.Requests, err = s.Joining.Requests(ctx, st.ID, after, requestPage+1)
	if len(list.Requests) > requestPage {
		list.Requests = list.Requests[:requestPage]
		list.Next = list.Requests[requestPage-1].UserID
	}
	return list, err
}

// adding is a way to make a member: MemberChanges.Add, or Joining.Admit for one who has asked.
type adding func(ctx context.Context, by Authority, orgID, userID, role, owner string, event audit.Event, jobs ...job.Job) error

// Admit makes somebody who asks to join a member, and tells them by mail.
func (s *Service) Admit(ctx context.Context, a Actor, slug, userID, role string) error {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	if role, err = s.role(role); err != nil {
		return err
	}
	if err := s.checkGrant(ctx, a, slug, role); err != nil {
		return err
	}
	return s.admit(ctx, a, st, userID, role, s.Joining.Admit)
}

// Refuse turns a request to join down. Nobody is told.
func (s *Service) Refuse(ctx context.Context, a Actor, slug, userID string) error {
	st, err := s.standing(ctx, slug, s.managers(a))
	if err != nil {
		return err
	}
	return s.Joining.Refuse(ctx, s.managers(a), st.ID, userID, s.event(audit.OrgJoinRefuse, a, st.ID).Of(userID))
}
