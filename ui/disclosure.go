package ui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore/audit"
)

// activityView is a page of what has happened to the account.
type activityView struct {
	Events []eventView
	// Older is the address of the next page; empty on the last.
	Older string
}

// eventView is one thing that has happened.
type eventView struct {
	Text   string
	Device string
	IP     string
	// When is for people, Stamp the same time for machines.
	When  string
	Stamp string
	// Warn marks what should not happen often.
	Warn bool
}

// warned are the actions that may mean that somebody else is at it.
var warned = map[audit.Action]bool{
	audit.LoginFailure: true, audit.Lockout: true, audit.StepUpFailure: true,
	audit.TwoStepFailure: true, audit.TwoStepLockout: true, audit.PasskeyRegression: true,
}

func (v *visit) showActivity() error {
	before := v.r.URL.Query().Get("before")
	if before != "" && uuid.Validate(before) != nil {
		return statusError(http.StatusBadRequest)
	}
	events, next, err := v.Disclosure.Activity(v.r.Context(), v.live, before)
	if err != nil {
		return err
	}
	var view activityView
	for _, e := range events {
		view.Events = append(view.Events, v.viewEvent(e))
	}
	if next != "" {
		view.Older = v.facts.Base + "/account/activity?before=" + url.QueryEscape(next)
	}
	if v.wantsJSON() {
		return v.activityJSON(events, view.Older)
	}
	return v.show("activity", view)
}

func (v *visit) viewEvent(e audit.Event) eventView {
	view := eventView{
		Text: v.messages.text("activity." + string(e.Action)), IP: e.IP, Warn: warned[e.Action],
		When: e.At.UTC().Format("2006-01-02 15:04 UTC"), Stamp: e.At.UTC().Format(time.RFC3339),
	}
	if e.UserAgent != "" {
		view.Device, _ = deviceName(e.UserAgent, v.messages)
	}
	return view
}

// activityJSON lists the events for a single-page app.
func (v *visit) activityJSON(events []audit.Event, older string) error {
	type item struct {
		At        string `json:"at"`
		Action    string `json:"action"`
		IP        string `json:"ip,omitempty"`
		UserAgent string `json:"user_agent,omitempty"`
	}
	items := make([]item, len(events))
	for i, e := range events {
		items[i] = item{e.At.UTC().Format(time.RFC3339), string(e.Action), e.IP, e.UserAgent}
	}
	return v.json(http.StatusOK, map[string]any{"status": "ok", "events": items, "older": older})
}

func (v *visit) showData() error { return v.show("data", nil) }

// exportData sends all that is kept about the user as a file.
func (v *visit) exportData() error {
	export, err := v.Disclosure.Export(v.r.Context(), v.live, v.facts.Client)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(export, "", "  ")
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="account-`+v.Clock().UTC().Format(time.DateOnly)+`.json"`)
	v.send(body)
	return nil
}
