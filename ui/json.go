package ui

import (
	"maps"
	"net/http"
)

// teller is a view that says in JSON what its page shows. What it tells is no
// secret: the address of a link that the visitor opened is theirs already, and is
// not repeated. The views of pages that only hold a form tell nothing.
type teller interface{ tell() map[string]any }

// showJSON answers with what a page shows.
func (v *visit) showJSON(view any) error {
	body := map[string]any{"status": "ok"}
	if t, ok := view.(teller); ok {
		maps.Copy(body, t.tell())
	}
	return v.json(http.StatusOK, body)
}

// fieldJSON is a field that the operator asks for.
type fieldJSON struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Type     string   `json:"type"`
	Required bool     `json:"required"`
	Max      int      `json:"max,omitempty"`
	Options  []string `json:"options,omitempty"`
	Value    string   `json:"value,omitempty"`
}

func fieldsJSON(fields []fieldView) []fieldJSON {
	items := make([]fieldJSON, len(fields))
	for i, f := range fields {
		items[i] = fieldJSON{Name: f.Name, Label: f.Label, Type: f.Type, Required: f.Required, Max: f.Max, Value: f.Value}
		for _, option := range f.Options {
			items[i].Options = append(items[i].Options, option.Value)
		}
	}
	return items
}

// optionJSON is one of several values.
type optionJSON struct {
	Value    string `json:"value"`
	Label    string `json:"label"`
	Selected bool   `json:"selected"`
}

func optionsJSON(options []optionView) []optionJSON {
	items := make([]optionJSON, len(options))
	for i, o := range options {
		items[i] = optionJSON(o)
	}
	return items
}

func (view loginView) tell() map[string]any {
	return map[string]any{"sign_up": view.SignUp, "passkey": view.Passkey != nil, "notice": view.Notice}
}

func (view registerView) tell() map[string]any {
	return map[string]any{"fields": fieldsJSON(view.Fields), "passkey": view.Passkey}
}

func (view invitationView) tell() map[string]any {
	return map[string]any{"email": view.Email, "fields": fieldsJSON(view.Fields), "passkey": view.Passkey}
}

func (view confirmView) tell() map[string]any {
	return map[string]any{"email": view.Email, "resent": view.Resent}
}

func (view confirmLinkView) tell() map[string]any {
	return map[string]any{"email": view.Email, "same_browser": view.Same}
}

func (view askView) tell() map[string]any {
	return map[string]any{"email": view.Email, "sent": view.Sent}
}

func (view linkView) tell() map[string]any    { return map[string]any{"email": view.Email} }
func (view logoutView) tell() map[string]any  { return map[string]any{"email": view.Email} }
func (view waitingView) tell() map[string]any { return map[string]any{"email": view.Email} }

func (view passwordView) tell() map[string]any {
	return map[string]any{"email": view.Email, "has_password": view.Has}
}

func (view emailView) tell() map[string]any {
	return map[string]any{"email": view.Current, "pending": view.Pending, "has_password": view.HasPassword}
}

func (view emailLinkView) tell() map[string]any { return map[string]any{"email": view.Email} }

func (view deleteView) tell() map[string]any {
	return map[string]any{"email": view.Email, "until": view.Until, "has_password": view.HasPassword}
}

func (view reactivateView) tell() map[string]any {
	return map[string]any{"email": view.Email, "when": view.When}
}

// tell shows of a form that was kept what the page shows: no secrets.
func (view keptView) tell() map[string]any {
	type field struct {
		Name  string `json:"name"`
		Shown string `json:"shown"`
	}
	fields := make([]field, len(view.Fields))
	for i, f := range view.Fields {
		fields[i] = field{f.Name, f.Shown}
	}
	return map[string]any{"action": view.Action, "fields": fields}
}

// tell lists mails without their texts, whose links sign in.
func (view mailboxView) tell() map[string]any {
	type item struct {
		To      string `json:"to"`
		Subject string `json:"subject"`
		HTML    string `json:"html"`
	}
	items := make([]item, len(view.Mails))
	for i, m := range view.Mails {
		items[i] = item{m.To, m.Subject, m.HTML}
	}
	return map[string]any{"mails": items}
}

func (view profileView) tell() map[string]any {
	return map[string]any{
		"name": view.Name, "language": view.Language, "profile": view.Profile, "languages": optionsJSON(view.Languages), "fields": fieldsJSON(view.Fields),
	}
}

func (view twoStepView) tell() map[string]any {
	type browser struct {
		ID     string `json:"id"`
		Device string `json:"device"`
		IP     string `json:"ip"`
		Until  string `json:"until"`
	}
	browsers := make([]browser, len(view.Browsers))
	for i, b := range view.Browsers {
		browsers[i] = browser{b.ID, b.Device, b.IP, b.Until}
	}
	return map[string]any{
		"two_step": view.On, "app": view.AppSince != "", "app_since": view.AppSince, "backup_codes": view.Codes, "passkeys": view.Passkeys,
		"trusted_browsers": len(browsers), "browsers": browsers,
	}
}

func (view passkeysView) tell() map[string]any {
	type item struct {
		ID           string `json:"id"`
		Name         string `json:"name"`
		Model        string `json:"model,omitempty"`
		Added        string `json:"added"`
		Used         string `json:"used,omitempty"`
		Elsewhere    bool   `json:"elsewhere"`
		Synced       bool   `json:"synced"`
		BackedUp     bool   `json:"backed_up"`
		Discoverable bool   `json:"discoverable"`
	}
	items := make([]item, len(view.Passkeys))
	for i, p := range view.Passkeys {
		items[i] = item{p.Ref, p.Name, p.Model, p.Added, p.Used, p.Elsewhere, p.Synced, p.BackedUp, p.Discoverable}
	}
	return map[string]any{"passkeys": items, "may_add": view.Add != nil, "full": view.Full}
}

func (view orgSettingsView) tell() map[string]any {
	return map[string]any{"slug": view.Org.Slug, "name": view.Name}
}

func (view typedView) tell() map[string]any {
	return map[string]any{"slug": view.Org.Slug, "name": view.Org.Name}
}

func (view transferView) tell() map[string]any {
	type item struct {
		ID    string `json:"id"`
		Email string `json:"email"`
		Name  string `json:"name"`
	}
	items := make([]item, len(view.Members))
	for i, m := range view.Members {
		items[i] = item{m.ID, m.Email, m.Name}
	}
	return map[string]any{"slug": view.Org.Slug, "name": view.Org.Name, "members": items, "cut": view.Cut}
}

func (view newDomainView) tell() map[string]any {
	return map[string]any{"roles": optionsJSON(view.Roles), "ask": view.Ask}
}
