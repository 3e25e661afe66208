package ui

import (
	"net/http"
	"strings"

	"github.com/sigra-auth/sigra/authcore/mail"
)

// mailboxView is the page of the mail that was captured.
type mailboxView struct {
	Mails []mailView
}

// mailView is one mail.
type mailView struct {
	To, Subject, Text string
	// HTML is the address of the mail as it looks.
	HTML string
}

// captured returns the mail that was captured. Whoever reads it can sign in to
// any account, so there is none but for the machine itself.
func (v *visit) captured() ([]mail.Message, error) {
	if v.Mailbox == nil || !v.facts.Local {
		return nil, statusError(http.StatusNotFound)
	}
	return v.Mailbox.Captured(), nil
}

func (v *visit) showMailbox() error {
	mails, err := v.captured()
	if err != nil {
		return err
	}
	var view mailboxView
	for _, m := range mails {
		view.Mails = append(view.Mails, mailView{m.To, m.Subject, m.Text, v.facts.Base + mailboxPrefix + m.ID})
	}
	return v.show("mailbox", view)
}

// showMail shows a mail as it looks. Its styles are inline, as mails want it;
// nothing else is let in, and no script runs.
func (v *visit) showMail() error {
	mails, err := v.captured()
	if err != nil {
		return err
	}
	for _, m := range mails {
		if m.ID == strings.TrimPrefix(v.path, mailboxPrefix) {
			h := v.w.Header()
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox allow-top-navigation-by-user-activation allow-popups")
			h.Set("Content-Type", "text/html; charset=utf-8")
			v.send([]byte(m.HTML))
			return nil
		}
	}
	return statusError(http.StatusNotFound)
}
