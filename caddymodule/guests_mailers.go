package caddymodule

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sigra-auth/sigra/authcore/mail"
)

func init() {
	caddy.RegisterModule(new(LogMailer))
	caddy.RegisterModule(new(SMTPMailer))
}

// Mailer is a guest in sigra.mailer: how mail is sent.
type Mailer interface {
	mail.Sender
}

// LogMailer writes mail to Caddy's log. It is the default, for a first run.
type LogMailer struct {
	*mail.LogSender `json:"-"`
}

// CaddyModule returns the Caddy module information.
func (*LogMailer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sigra.mailer.log", New: func() caddy.Module { return new(LogMailer) }}
}

// Provision takes the logger.
func (m *LogMailer) Provision(ctx caddy.Context) error {
	m.LogSender = mail.NewLogSender(ctx.Slogger())
	return nil
}

// UnmarshalCaddyfile reads `log`.
func (m *LogMailer) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	return noBlock(d)
}

// SMTPMailer submits mail to a server.
type SMTPMailer struct {
	// Address is host or host:port. Default port: 587, or 465 with implicit
	// TLS.
	Address string `json:"address"`
	// From is the sender, such as "Example <no-reply@example.com>".
	From string `json:"from"`
	// ReplyTo is where answers go. Default: the sender.
	ReplyTo string `json:"reply_to,omitempty"`
	// Username and Password sign in; the password as a placeholder such as
	// {env.SMTP_PASSWORD}.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// TLS is starttls, implicit or off. Default: starttls, or implicit on port
	// 465. A server that cannot is an error, never a reason to do without.
	TLS string `json:"tls,omitempty"`
	// Timeout bounds each step. Default: 15s.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// Hello is the name that the server is told. Default: the machine's.
	Hello string `json:"hello,omitempty"`

	*mail.SMTPSender `json:"-"`
}

// CaddyModule returns the Caddy module information.
func (*SMTPMailer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sigra.mailer.smtp", New: func() caddy.Module { return new(SMTPMailer) }}
}

// Provision expands the placeholders; it does not connect.
func (m *SMTPMailer) Provision(caddy.Context) error {
	o := mail.SMTPOptions{TLS: mail.TLSMode(m.TLS), Timeout: time.Duration(m.Timeout)}
	for _, field := range []struct {
		from string
		to   *string
	}{
		{m.Address, &o.Address}, {m.From, &o.From}, {m.ReplyTo, &o.ReplyTo},
		{m.Username, &o.Username}, {m.Password, &o.Password}, {m.Hello, &o.Hello},
	} {
		if field.from == "" {
			continue
		}
		expanded, err := expand("mailer smtp", field.from)
		if err != nil {
			return err
		}
		*field.to = expanded
	}
	sender, err := mail.NewSMTP(o)
	if err != nil {
		return fmt.Errorf("mailer smtp: %w", err)
	}
	m.SMTPSender = sender
	return nil
}

// UnmarshalCaddyfile reads
//
//	smtp <host[:port]> {
//		from     <address>
//		reply_to <address>
//		username <name>
//		password <placeholder>
//		tls      starttls|implicit|off
//		timeout  <duration>
//		hello    <name>
//	}
func (m *SMTPMailer) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.AllArgs(&m.Address) {
		return d.ArgErr()
	}
	return eachOption(d, options{
		"from": textOption(&m.From), "reply_to": textOption(&m.ReplyTo), "username": textOption(&m.Username),
		"tls": textOption(&m.TLS), "timeout": durationOption(&m.Timeout), "hello": textOption(&m.Hello),
		"password": func(d *caddyfile.Dispenser) error {
			if !d.AllArgs(&m.Password) {
				return d.ArgErr()
			}
			if !strings.Contains(m.Password, "{") {
				return d.Err("mailer smtp: a password in the configuration would be shown by `caddy adapt`; use {env.SMTP_PASSWORD} or {file.<path>}")
			}
			return nil
		},
	})
}

var (
	_ Mailer            = (*LogMailer)(nil)
	_ Mailer            = (*SMTPMailer)(nil)
	_ caddy.Provisioner = (*LogMailer)(nil)
	_ caddy.Provisioner = (*SMTPMailer)(nil)
)
