package ui

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sigra-auth/sigra/authcore/org"
)

// domainsView is the domains whose addresses let people join an organization.
type domainsView struct {
	Org     orgRef
	Domains []domainItem
	// Mailed says that a code is on its way.
	Mailed bool
	Errors map[string]string
}

// domainItem is one of them. Until it is verified, it shows its challenge.
type domainItem struct {
	Name, Role, Verified, Challenge string
	Ask                             bool
	// Mailboxes are addresses whose owners can prove it.
	Mailboxes []optionView
	// Error is about the last try, CodeError about the code of a mail.
	Error, CodeError string
}

func (v *visit) showDomains() error {
	st, list, err := v.Orgs.ListDomains(v.r.Context(), v.actor(), v.orgSlug())
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.domainsJSON(list)
	}
	view := v.domainsView(st, list)
	view.Mailed = v.r.URL.Query().Has("mailed")
	return v.show("org_domains", view)
}

func (v *visit) domainsView(st org.Standing, list []org.Domain) domainsView {
	view := domainsView{Org: v.viewOrg(st)}
	for _, d := range list {
		item := domainItem{Name: d.Name, Role: v.messages.role(d.Role), Ask: d.Ask, Challenge: d.Challenge}
		if !d.VerifiedAt.IsZero() {
			item.Verified = d.VerifiedAt.UTC().Format(time.DateOnly)
		}
		for _, box := range org.Mailboxes {
			item.Mailboxes = append(item.Mailboxes, optionView{box, box + "@" + d.Name, false})
		}
		view.Domains = append(view.Domains, item)
	}
	return view
}

func (v *visit) domainsJSON(list []org.Domain) error {
	type item struct {
		Name       string `json:"name"`
		Role       string `json:"role"`
		Ask        bool   `json:"ask"`
		Challenge  string `json:"challenge"`
		VerifiedAt string `json:"verified_at,omitempty"`
	}
	items := make([]item, len(list))
	for i, d := range list {
		items[i] = item{d.Name, d.Role, d.Ask, d.Challenge, stamp(d.VerifiedAt)}
	}
	return v.json(http.StatusOK, map[string]any{"status": "ok", "domains": items, "mailboxes": org.Mailboxes})
}

// newDomainView is the page that adds a domain.
type newDomainView struct {
	Org    orgRef
	Domain string
	Roles  []optionView
	Ask    bool
	Errors map[string]string
}

func (v *visit) showNewDomain() error {
	ref, err := v.settled()
	if err != nil {
		return err
	}
	return v.show("org_domain", newDomainView{Org: ref, Roles: v.joinRoles(v.Roles.Default), Ask: true})
}

// joinRoles are the roles that a domain can give: an owner is made by an owner.
func (v *visit) joinRoles(selected string) []optionView {
	return v.roleOptions(org.Standing{Role: v.Roles.Default}, selected)
}

func (v *visit) addDomain() error {
	_, err := v.Orgs.AddDomain(v.r.Context(), v.actor(), v.orgSlug(), v.form["domain"], v.form["role"], v.form.checked("ask"))
	if err == nil {
		return v.done(v.orgPath("/settings/domains"))
	}
	status, problems, err := v.orgRefused(err, because{
		field: "domain", limit: v.messages.text("org_domains.too_many"), conflict: v.messages.text("org_domains.taken"),
	})
	if problems == nil {
		return err
	}
	ref, err := v.standing()
	if err != nil {
		return err
	}
	view := newDomainView{ref, clip(v.form["domain"]), v.joinRoles(v.form["role"]), v.form.checked("ask"), problems}
	return v.again(status, "org_domain", view, problems)
}

func (v *visit) checkDomain() error {
	return v.domainDone("", v.Orgs.VerifyByDNS(v.r.Context(), v.actor(), v.orgSlug(), v.form["domain"]))
}

func (v *visit) mailDomain() error {
	err := v.Orgs.MailProof(v.r.Context(), v.actor(), v.orgSlug(), v.form["domain"], v.form["mailbox"])
	return v.domainDone("?mailed="+url.QueryEscape(v.form["domain"]), err)
}

func (v *visit) proveDomain() error {
	return v.domainDone("", v.Orgs.VerifyByMail(v.r.Context(), v.actor(), v.orgSlug(), v.form["domain"], v.form["code"]))
}

func (v *visit) removeDomain() error {
	return v.domainDone("", v.Orgs.RemoveDomain(v.r.Context(), v.actor(), v.orgSlug(), v.form["domain"]))
}

// domainDone goes back to the list, with what is wrong beside the domain.
func (v *visit) domainDone(query string, err error) error {
	if err == nil {
		return v.done(v.orgPath("/settings/domains" + query))
	}
	var status int
	var problems map[string]string
	if errors.Is(err, org.ErrUnproven) {
		status, problems = http.StatusUnprocessableEntity, map[string]string{"domain": v.messages.text("org_domains.unproven")}
	} else if status, problems, err = v.orgRefused(err, because{
		field: "domain", limit: v.messages.text("org_domains.too_many_mails"), conflict: v.messages.text("org_domains.taken"),
	}); problems == nil {
		return err
	}
	st, list, err := v.Orgs.ListDomains(v.r.Context(), v.actor(), v.orgSlug())
	if err != nil {
		return err
	}
	view := v.domainsView(st, list)
	for i := range view.Domains {
		if item := &view.Domains[i]; item.Name == v.form["domain"] {
			item.Error, item.CodeError = problems["domain"]+problems["mailbox"], problems["code"]
		}
	}
	return v.again(status, "org_domains", view, problems)
}
