package ui

import (
	"net/http"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// accountView is the account's home.
type accountView struct {
	Name  string
	Email string
	Admin bool
	// Deletable says that users can delete their account.
	Deletable bool
	// TwoStep says that the site asks for second factors.
	TwoStep bool
	// Passkeys says that there can be any here.
	Passkeys bool
	// Orgs says that organizations are anything to the user, Org is the active one.
	Orgs bool
	Org  string
	This sessionView
	// Changed is a message about what has just been changed; may be empty.
	Changed string
}

func (v *visit) showAccount() error {
	if v.wantsJSON() {
		return v.whoami()
	}
	id := &v.live.Identity
	return v.show("account", accountView{
		Changed: v.changed(), Orgs: v.hasOrgs(), Org: id.Org.Name, Name: id.Name, Email: id.Email, Admin: id.Role == authcore.RoleAdmin, Deletable: v.Deletions.Allowed(), TwoStep: !v.facts.Client.OneStep, Passkeys: v.facts.RelyingParty.ID != "", This: v.viewSession(v.live.Session),
	})
}

// changed returns the message about what the visitor has just changed.
func (v *visit) changed() string {
	switch v.r.URL.Query().Get("changed") {
	case "password":
		return v.messages.text("account.changed_password")
	case "email":
		return v.messages.text("account.changed_email")
	case "kept":
		return v.messages.text("account.changed_kept")
	case "profile":
		return v.messages.text("account.changed_profile")
	default:
		return ""
	}
}

// sessionView is one session in a list.
type sessionView struct {
	ID     string
	Device string
	Mobile bool
	IP     string
	// Active is relative, such as "active 5 minutes ago"; Stamp is the same
	// time for machines.
	Active string
	Stamp  string
	// Since is when it began; Began is the same time for machines.
	Since   string
	Began   string
	Current bool
}

// sessionsView is the list of where the user is signed in.
type sessionsView struct {
	Sessions []sessionView
	Others   bool
	// Done is what was done before; may be empty.
	Done string
}

func (v *visit) showSessions() error {
	list, err := v.Accounts.Sessions(v.r.Context(), v.live)
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.sessionsJSON(list)
	}
	view := sessionsView{Others: len(list) > 1, Done: v.wasDone()}
	for i := range list {
		view.Sessions = append(view.Sessions, v.viewSession(&list[i]))
	}
	return v.show("sessions", view)
}

func (v *visit) viewSession(s *session.Session) sessionView {
	name, mobile := deviceName(s.UserAgent, v.messages)
	ip := s.Seen.IP
	if ip == "" {
		ip = s.FirstIP
	}
	// What a request tells of its session is kept now and then only.
	current, idle := s.ID == v.live.ID, v.Clock().Sub(s.Seen.At)
	if current {
		idle = 0
	}
	return sessionView{
		ID: s.ID, Device: name, Mobile: mobile, IP: ip, Current: current,
		Active: v.messages.ago(idle), Stamp: s.Seen.At.UTC().Format(time.RFC3339),
		Since: s.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"), Began: s.CreatedAt.UTC().Format(time.RFC3339),
	}
}

// sessionsJSON lists the sessions for a single-page app.
func (v *visit) sessionsJSON(list []session.Session) error {
	type item struct {
		ID         string `json:"id"`
		Device     string `json:"device"`
		UserAgent  string `json:"user_agent"`
		IP         string `json:"ip"`
		CreatedAt  string `json:"created_at"`
		LastActive string `json:"last_active_at"`
		Current    bool   `json:"current"`
	}
	items := make([]item, len(list))
	for i := range list {
		view := v.viewSession(&list[i])
		items[i] = item{view.ID, view.Device, list[i].UserAgent, view.IP, view.Began, view.Stamp, view.Current}
	}
	return v.json(http.StatusOK, map[string]any{"status": "ok", "sessions": items})
}

func (v *visit) revokeSession() error {
	id := v.form["session"]
	if err := v.Accounts.RevokeSession(v.r.Context(), v.live, id, v.facts.Client); err != nil {
		return err
	}
	if id == v.live.ID {
		v.forget()
		return v.acknowledge(v.facts.Base+"/login", "signed_out")
	}
	return v.acknowledge(v.facts.Base+"/account/sessions", "device_out")
}

func (v *visit) revokeOthers() error {
	if _, err := v.Accounts.RevokeOthers(v.r.Context(), v.live, v.facts.Client); err != nil {
		return err
	}
	return v.acknowledge(v.facts.Base+"/account/sessions", "others_out")
}
