package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/org"
)

// rulesView is what an organization asks of its members.
type rulesView struct {
	TwoStep bool `json:"two_step"`
	// MaxAge is empty, and Methods are none, when any will do.
	MaxAge  string                `json:"max_age,omitempty"`
	Methods []authcore.FactorKind `json:"methods,omitempty"`
}

func viewOfRules(r authcore.OrgRules) rulesView {
	v := rulesView{TwoStep: r.TwoStep, Methods: r.Methods}
	if r.MaxAge > 0 {
		v.MaxAge = r.MaxAge.String()
	}
	return v
}

// rulesBody are the rules that `caddy sigra org rules` changes; the others stay.
type rulesBody struct {
	TwoStep *bool                  `json:"two_step,omitempty"`
	MaxAge  *string                `json:"max_age,omitempty"`
	Methods *[]authcore.FactorKind `json:"methods,omitempty"`
}

// rulesDetails are rules with the members who have to set something up to meet them.
type rulesDetails struct {
	rulesView
	Affected []string `json:"affected,omitempty"`
	// AffectedCount counts those too who are not named.
	AffectedCount int `json:"affected_count"`
}

// affectedShown is how many members are named who do not meet a rule.
const affectedShown = 100

func (o operations) showRules(r *http.Request, st org.Standing) (any, error) {
	some, all, err := o.app.orgs.Affected(r.Context(), org.Actor{}, st.Slug, st.Rules, affectedShown)
	details := rulesDetails{rulesView: viewOfRules(st.Rules), AffectedCount: all}
	for _, m := range some {
		details.Affected = append(details.Affected, m.Email)
	}
	return details, err
}

func (o operations) setRules(r *http.Request, st org.Standing) (any, error) {
	var body rulesBody
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	rules := st.Rules
	if body.TwoStep != nil {
		rules.TwoStep = *body.TwoStep
	}
	if body.MaxAge != nil {
		age, err := caddy.ParseDuration(*body.MaxAge)
		if err != nil {
			return nil, badRequest{fmt.Errorf("max_age: %w", err)}
		}
		rules.MaxAge = age
	}
	if body.Methods != nil {
		rules.Methods = *body.Methods
	}
	if err := o.app.orgs.SetRules(r.Context(), org.Actor{}, st.Slug, rules); err != nil {
		return nil, err
	}
	st.Rules = rules
	return o.showRules(r, st)
}

// domainView is a domain of an organization as operators see it.
type domainView struct {
	Domain     string    `json:"domain"`
	Role       string    `json:"role"`
	Ask        bool      `json:"ask"`
	Record     string    `json:"txt_record"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

func viewOfDomain(d org.Domain) domainView {
	return domainView{d.Name, d.Role, d.Ask, d.Challenge, d.VerifiedAt}
}

func (o operations) listDomains(r *http.Request, st org.Standing) (any, error) {
	_, list, err := o.app.orgs.ListDomains(r.Context(), org.Actor{}, st.Slug)
	return viewsOf(list, viewOfDomain), err
}

func (o operations) addDomain(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Domain string `json:"domain"`
		Role   string `json:"role,omitempty"`
		Ask    bool   `json:"ask,omitempty"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	if owner := o.app.orgs.Config.Roles.Owner(); body.Role == owner {
		return nil, refused{http.StatusUnprocessableEntity, "role: an address makes nobody " + owner}
	}
	d, err := o.app.orgs.AddDomain(r.Context(), org.Actor{}, st.Slug, body.Domain, body.Role, body.Ask)
	return viewOfDomain(d), err
}

func (o operations) verifyDomain(r *http.Request, st org.Standing) (any, error) {
	name := r.PathValue("domain")
	err := o.app.orgs.VerifyByDNS(r.Context(), org.Actor{}, st.Slug, name)
	if errors.Is(err, org.ErrUnproven) {
		return nil, refused{http.StatusConflict, "the DNS does not show the proof yet; publish the TXT record that `caddy sigra org domains " +
			st.Slug + "` shows at " + name + ", and try again"}
	}
	return map[string]string{"verified": name}, err
}

// mailDomain sends a code to a mailbox that speaks for a domain.
func (o operations) mailDomain(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Mailbox  string `json:"mailbox"`
		Language string `json:"language,omitempty"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	if !slices.Contains(org.Mailboxes, body.Mailbox) {
		return nil, refused{http.StatusUnprocessableEntity, "mailbox: must be one of " + strings.Join(org.Mailboxes, ", ")}
	}
	a, err := o.sender()
	if err != nil {
		return nil, err
	}
	a.Client.Language = body.Language
	name := r.PathValue("domain")
	return map[string]string{"sent": body.Mailbox + "@" + name}, o.app.orgs.MailProof(r.Context(), a, st.Slug, name, body.Mailbox)
}

// proveDomain proves a domain by the code of a mail.
func (o operations) proveDomain(r *http.Request, st org.Standing) (any, error) {
	var body struct {
		Code string `json:"code"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	name := r.PathValue("domain")
	return map[string]string{"verified": name}, o.app.orgs.VerifyByMail(r.Context(), org.Actor{}, st.Slug, name, body.Code)
}

func (o operations) removeDomain(r *http.Request, st org.Standing) (any, error) {
	name := r.PathValue("domain")
	return map[string]string{"removed": name}, o.app.orgs.RemoveDomain(r.Context(), org.Actor{}, st.Slug, name)
}

// eventView is an audit event of an organization as operators see it.
type eventView struct {
	ID       string            `json:"id"`
	At       time.Time         `json:"at"`
	Action   string            `json:"action"`
	Actor    string            `json:"actor"`
	ActorID  string            `json:"actor_id,omitempty"`
	UserID   string            `json:"user_id,omitempty"`
	TargetID string            `json:"target_id,omitempty"`
	IP       string            `json:"ip,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

func viewOfEvent(e audit.Event) eventView {
	return eventView{e.ID, e.At, string(e.Action), string(e.ActorType), e.ActorID, e.UserID, e.TargetID, e.IP, e.Metadata}
}

func (o operations) listOrgEvents(r *http.Request, st org.Standing) (any, error) {
	list, _, err := o.app.orgs.Trail(r.Context(), org.Actor{}, st.Slug, r.URL.Query().Get("before"))
	return viewsOf(list, viewOfEvent), err
}
