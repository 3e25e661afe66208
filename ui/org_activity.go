package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore/audit"
)

// orgActivityView is a page of what has happened in an organization.
type orgActivityView struct {
	Org    orgRef
	Events []orgEventView
	// Older is the address of the next page; empty on the last.
	Older string
}

// orgEventView is one thing that has happened: who did it, and to whom; may be
// empty.
type orgEventView struct {
	eventView
	Actor, Subject string
	// Details are what was changed, a line each.
	Details []string
}

func (v *visit) showOrgActivity() error {
	before := v.r.URL.Query().Get("before")
	if before != "" && uuid.Validate(before) != nil {
		return statusError(http.StatusBadRequest)
	}
	ref, err := v.standing()
	if err != nil {
		return err
	}
	events, next, err := v.Orgs.Trail(v.r.Context(), v.actor(), ref.Slug, before)
	if err != nil {
		return err
	}
	older := ""
	if next != "" {
		older = v.orgPath("/activity?before=" + url.QueryEscape(next))
	}
	people, err := v.people(events)
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.orgActivityJSON(events, people, older)
	}
	view := orgActivityView{Org: ref, Older: older}
	for _, e := range events {
		view.Events = append(view.Events, v.viewOrgEvent(e, people))
	}
	return v.show("org_activity", view)
}

// people returns the addresses of those whom events are about.
func (v *visit) people(events []audit.Event) (map[string]string, error) {
	var ids []string
	for _, e := range events {
		for _, id := range []string{e.ActorID, e.UserID} {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return v.People(v.r.Context(), ids)
}

func (v *visit) viewOrgEvent(e audit.Event, people map[string]string) orgEventView {
	view := orgEventView{eventView: v.viewEvent(e), Actor: people[e.ActorID]}
	switch {
	case e.ActorType == audit.ActorOperator:
		view.Actor = v.messages.text("org_activity.operator")
	case e.ActorType == audit.ActorSystem:
		view.Actor = v.messages.text("org_activity.system")
	case view.Actor == "" && e.ActorID != "":
		view.Actor = v.messages.text("org_activity.gone")
	}
	if e.UserID != e.ActorID {
		view.Subject = people[e.UserID]
	}
	view.Details = v.eventDetails(e)
	return view
}

// detailsTold is the metadata that managers see, here and as JSON. The rest may be about
// another organization.
var detailsTold = []string{"old", "new", "name", "slug", "domain", "mailbox", "email", "role", "reason"}

// eventDetails are what an event says of the change, of detailsTold.
func (v *visit) eventDetails(e audit.Event) []string {
	var details []string
	before, after := e.Metadata["old"], e.Metadata["new"]
	switch e.Action {
	case audit.OrgRoleChange:
		before, after = v.messages.role(before), v.messages.role(after)
	case audit.OrgRulesChange:
		before, after = v.messages.rules(before), v.messages.rules(after)
	}
	if before != "" || after != "" {
		details = append(details, v.messages.text("org_activity.change", "old", dash(before), "new", dash(after)))
	}
	for _, name := range []string{"name", "slug", "domain", "mailbox", "email"} {
		if value := e.Metadata[name]; value != "" {
			details = append(details, value)
		}
	}
	if role := e.Metadata["role"]; role != "" {
		details = append(details, v.messages.text("org_activity.role", "role", v.messages.role(role)))
	}
	if reason, ok := v.messages["org_activity.reason."+e.Metadata["reason"]]; ok {
		details = append(details, reason)
	}
	return details
}

// rules are what an event says of security rules, in words: two_step, max_age with
// a duration, and kinds of proof.
func (m messages) rules(described string) string {
	var words []string
	for word := range strings.FieldsSeq(described) {
		age, isAge := strings.CutPrefix(word, "max_age=")
		switch {
		case word == "two_step":
			words = append(words, m.text("twostep.title"))
		case isAge:
			words = append(words, m.text("org_rules.age")+": "+age)
		default:
			words = append(words, m.text("org_rules.method."+word))
		}
	}
	return strings.Join(words, ", ")
}

// dash stands for a value that there is not.
func dash(value string) string {
	if value == "" {
		return "–"
	}
	return value
}

func (v *visit) orgActivityJSON(events []audit.Event, people map[string]string, older string) error {
	type item struct {
		At        string            `json:"at"`
		Action    string            `json:"action"`
		ActorType audit.ActorType   `json:"actor_type"`
		Actor     string            `json:"actor,omitempty"`
		User      string            `json:"user,omitempty"`
		Details   map[string]string `json:"details,omitempty"`
	}
	items := make([]item, len(events))
	for i, e := range events {
		details := make(map[string]string)
		for _, name := range detailsTold {
			if value := e.Metadata[name]; value != "" {
				details[name] = value
			}
		}
		items[i] = item{stamp(e.At), string(e.Action), e.ActorType, people[e.ActorID], people[e.UserID], details}
	}
	return v.json(http.StatusOK, map[string]any{"status": "ok", "events": items, "older": older})
}
