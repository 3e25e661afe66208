package ui

import "github.com/sigra-auth/sigra/authcore/totp"

// rehearse renders every page, full and empty, so that an operator's template
// that names a field, a message or an asset that does not exist, or that puts a
// value where it cannot be escaped, is found before a visitor does.
func (p *pages) rehearse() error {
	for _, tag := range p.handler.languages.tags {
		for _, name := range pageNames {
			t, err := p.parse(pageKey{tag, name})
			for _, view := range rehearsalsOf(name) {
				if err == nil {
					_, err = p.execute(t, page{Base: "/_auth", Brand: p.handler.Brand, Name: name, Again: "/_auth/login", View: view})
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// rehearsalsOf are views of a page.
func rehearsalsOf(name string) []any { return append(rehearsals[name], orgRehearsals[name]...) }

var rehearsedSession = sessionView{ID: "id", Device: "device", Mobile: true, IP: "ip", Active: "active", Stamp: "stamp", Since: "since", Began: "began", Current: true}

var rehearsedFields = []fieldView{
	{Name: "text", Label: "label", Type: "text", Value: "value", Max: 100, Required: true, Error: "error"}, {Name: "number", Label: "label", Type: "number"},
	{Name: "choice", Label: "label", Required: true, Error: "error", Options: []optionView{{"value", "Value", true}, {"other", "Other", false}}},
}

// rehearsals are views of each page that take every branch of our templates.
var rehearsals = map[string][]any{
	"login": {loginView{}, loginView{Errors: map[string]string{"email": "error", "password": "error"}}, loginView{Email: "email", Remember: true, ReturnTo: "/", Error: "error", Notice: "notice", SignUp: true, Passkey: &passkeyView{"/ask", "/answer", forLogin}}},
	"register": {registerView{}, registerView{
		Email: "email", Name: "name", ReturnTo: "/", Passkey: true, Fields: rehearsedFields, Errors: map[string]string{"email": "error", "name": "error", "password": "error"},
	}, registerView{Errors: map[string]string{"form": "error"}}},
	"confirm":      {confirmView{}, confirmView{Email: "email", ReturnTo: "/", Resent: true, Again: true, Errors: map[string]string{"code": "error"}}},
	"confirm_link": {confirmLinkView{}, confirmLinkView{Action: "/", ReturnTo: "/", Same: true}},
	"password": {passwordView{}, passwordView{
		Email: "email", Has: true, Others: true, ReturnTo: "/", Errors: map[string]string{"current": "error", "password": "error"},
	}},
	"profile": {profileView{}, profileView{
		Name: "name", Anew: true, ReturnTo: "/", Languages: []optionView{{"en", "English", true}, {"de", "Deutsch", false}}, Fields: rehearsedFields, Errors: map[string]string{"name": "error"},
	}},
	"email": {emailView{}, emailView{
		Current: "current", Pending: "pending", Email: "email", HasPassword: true, Errors: map[string]string{"email": "error", "current": "error"},
	}},
	"email_link": {emailLinkView{}, emailLinkView{Action: "/", Email: "email"}},
	"keep_email": {emailLinkView{}, emailLinkView{Action: "/", Email: "email"}},
	"activity": {activityView{}, activityView{Older: "/", Events: []eventView{
		{}, {Text: "text", Device: "device", IP: "ip", When: "when", Stamp: "stamp", Warn: true},
	}}},
	"data": {nil},
	"delete": {deleteView{}, deleteView{Email: "email", Until: "until", HasPassword: true, Errors: map[string]string{"current": "error", "confirm": "error"}}, deleteView{
		Owned: []orgItem{{Name: "name", Path: "/orgs/slug"}}, Errors: map[string]string{"form": "error"},
	}},
	"reactivate": {reactivateView{}, reactivateView{Email: "email", When: "when"}},
	"invitation": {invitationView{}, invitationView{
		Action: "/", Email: "email", Name: "name", Passkey: true, Fields: rehearsedFields, Errors: map[string]string{"name": "error", "password": "error"},
	}},
	"kept":       {keptView{}, keptView{Action: "/", Fields: []keptField{{"name", "value", "shown"}}}},
	"mailbox":    {mailboxView{}, mailboxView{Mails: []mailView{{"to", "subject", "text", "/html"}}}},
	"waiting":    {waitingView{}, waitingView{Email: "email"}},
	"magic":      {askView{}, askView{Email: "email", ReturnTo: "/", Errors: map[string]string{"email": "error"}}, askView{Sent: true}, askView{Email: "email", ReturnTo: "/", Sent: true, Again: true}},
	"magic_link": {linkView{}, linkView{Action: "/", ReturnTo: "/"}},
	"reset":      {askView{}, askView{Email: "email", ReturnTo: "/", Errors: map[string]string{"email": "error"}}, askView{Sent: true}, askView{Email: "email", ReturnTo: "/", Sent: true, Again: true}},
	"reset_link": {linkView{}, linkView{Action: "/", ReturnTo: "/", Errors: map[string]string{"password": "error"}}},
	"logout":     {logoutView{}, logoutView{Email: "email"}},
	"setup": {setUpView{}, setUpView{
		Action: "/", Email: "email", Name: "name",
		Errors: map[string]string{"email": "error", "name": "error", "password": "error"},
	}},
	"stepup": {stepUpView{}, stepUpView{SetUp: true}, stepUpView{SetUp: true, SetUpKey: true}, stepUpView{Link: true}, stepUpView{Elsewhere: []string{"example.com"}}, stepUpView{
		Email: "email", ReturnTo: "/", Need: "totp", Password: true, App: true, Code: true, Passkey: &passkeyView{"/ask", "/answer", forProof},
		Errors: map[string]string{"password": "error", "code": "error"},
	}},
	"challenge": {challengeView{}, challengeView{Backup: true}, challengeView{
		Email: "email", ReturnTo: "/", Action: "/", Password: true, App: true, Codes: true, Trust: true, Passkey: &passkeyView{"/ask", "/answer", forProof},
		Errors: map[string]string{"code": "error", "password": "error"},
	}},
	"twostep": {twoStepView{}, twoStepView{Passkeys: 1}, twoStepView{On: true, Few: true, Done: "done"}, twoStepView{
		On: true, Once: "once", AppSince: "date", None: true, ReturnTo: "/", Browsers: []browserView{{"id", "device", "ip", "until", true}},
	}},
	"passkeys": {passkeysView{Welcome: true, Done: "done"}, passkeysView{Full: true}, passkeysView{
		Error: "error", Add: &passkeyView{"/ask", "/answer", forCreate}, ReturnTo: "/", Known: "{}", Passkeys: []passkeyItem{
			{Ref: "a", Name: "name", Model: "model", Added: "added", Used: "used", Synced: true, BackedUp: true, Discoverable: true},
			{Ref: "b", Name: "name", Added: "added", Synced: true}, {Ref: "c", Name: "name", Added: "added", Elsewhere: true},
		},
	}},
	"app":      {appView{}, appView{Key: "key", URI: "otpauth://totp/uri", QR: totp.QR{Size: 1, Path: "M0 0"}, Offer: "offer", ReturnTo: "/", Errors: map[string]string{"code": "error"}}},
	"codes":    {codesView{}, codesView{[]string{"code"}, "email", "/"}},
	"account":  {accountView{}, accountView{Orgs: true, Org: "org"}, accountView{Name: "name", Email: "email", Admin: true, Deletable: true, TwoStep: true, Passkeys: true, Orgs: true, This: rehearsedSession, Changed: "changed"}},
	"sessions": {sessionsView{Done: "done"}, sessionsView{Sessions: []sessionView{{}, rehearsedSession}, Others: true}},
	"problem": {problemView{}, problemView{
		Status: 403, Title: "title", Detail: "detail", Account: "account", Reasons: []string{"reason"}, ID: "id",
		SignIn: "/", Retry: "/", Switch: "/", ReturnTo: "/", Home: "/",
	}, problemView{Steps: []step{{"text", "/"}, {"text", "/"}}, Home: "/", SignedOut: true}},
}
