package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"

	"golang.org/x/net/idna"

	"github.com/sigra-auth/sigra/authcore/job"
)

// TLSMode says how a connection to a mail server is protected.
type TLSMode string

// The modes.
const (
	// TLSStart upgrades the connection and fails when the server cannot: a
	// server that may decline could be one in the middle (RFC 8314).
	TLSStart TLSMode = "starttls"
	// TLSImplicit begins with TLS, as port 465 does.
	TLSImplicit TLSMode = "implicit"
	// TLSOff is for a relay on the same machine.
	TLSOff TLSMode = "off"
)

// SMTPOptions say how mail is submitted (RFC 6409).
type SMTPOptions struct {
	// Address is host or host:port. Default port: 587, or 465 with TLSImplicit.
	Address string
	// From is the sender, such as "Example <no-reply@example.com>".
	From string
	// ReplyTo is where answers go. Default: the sender.
	ReplyTo string
	// Username and Password sign in, by the best mechanism the server offers.
	Username, Password string
	// TLS mode. Default: TLSStart, or TLSImplicit on port 465.
	TLS TLSMode
	// Timeout bounds each step. Default: 15 seconds.
	Timeout time.Duration
	// Hello is the name given to the server. Default: the machine's.
	Hello string
	// Config, when set, is what TLS is made with.
	Config *tls.Config
}

// SMTPSender submits mail to a server. It is safe for concurrent use.
type SMTPSender struct {
	client  *smtp.Client
	from    *netmail.Address
	replyTo *netmail.Address
	domain  string // of Message-IDs
}

// NewSMTP returns a sender. It does not connect.
func NewSMTP(o SMTPOptions) (*SMTPSender, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("from: %q is not an address such as Example <no-reply@example.com>", o.From)
	}
	s := &SMTPSender{from: from, domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:]}
	if o.ReplyTo != "" {
		if s.replyTo, err = netmail.ParseAddress(o.ReplyTo); err != nil {
			return nil, fmt.Errorf("reply_to: %q is not an address", o.ReplyTo)
		}
	}
	host, port, err := o.endpoint()
	if err != nil {
		return nil, err
	}
	options := []smtp.Option{smtp.WithPort(port), smtp.WithTimeout(cmp.Or(o.Timeout, 15*time.Second)), smtp.WithoutNoop()}
	switch o.mode(port) {
	case TLSImplicit:
		options = append(options, smtp.WithSSL())
	case TLSStart:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	case TLSOff:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	default:
		return nil, fmt.Errorf("tls: %q is not starttls, implicit or off", o.TLS)
	}
	if o.Username != "" {
		options = append(options, smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover), smtp.WithUsername(o.Username), smtp.WithPassword(o.Password))
	}
	if o.Hello != "" {
		options = append(options, smtp.WithHELO(o.Hello))
	}
	if o.Config != nil {
		config := o.Config.Clone()
		config.ServerName = host
		options = append(options, smtp.WithTLSConfig(config))
	}
	if s.client, err = smtp.NewClient(host, options...); err != nil {
		return nil, fmt.Errorf("mail server %q: %w", o.Address, err)
	}
	return s, nil
}

const (
	submissionPort         = 587
	submissionImplicitPort = 465
)

func (o SMTPOptions) endpoint() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(o.Address)
	if err != nil {
		host, text = strings.Trim(o.Address, "[]"), strconv.Itoa(submissionPort)
		if o.TLS == TLSImplicit {
			text = strconv.Itoa(submissionImplicitPort)
		}
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 || host == "" {
		return "", 0, fmt.Errorf("%q is not the address of a mail server, such as smtp.example.com:587", o.Address)
	}
	return host, port, nil
}

func (o SMTPOptions) mode(port int) TLSMode {
	if o.TLS == "" && port == submissionImplicitPort {
		return TLSImplicit
	}
	return cmp.Or(o.TLS, TLSStart)
}

// Send implements Sender. What the server refuses for good (a 5yz reply) is
// permanent; all else is tried again.
func (s *SMTPSender) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return job.Permanent(err)
	}
	message := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	message.FromMailAddress(s.from)
	if s.replyTo != nil {
		message.ReplyToMailAddress(s.replyTo)
	}
	message.ToMailAddress(&netmail.Address{Address: deliverable(m.To)})
	message.Subject(m.Subject)
	message.SetMessageIDWithValue(m.ID + "@" + s.domain)
	message.SetDate()
	// Autoresponders leave such mail alone (RFC 3834 section 5).
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(smtp.TypeTextPlain, m.Text)
	message.AddAlternativeString(smtp.TypeTextHTML, m.HTML)
	if err := s.submit(ctx, message); err != nil {
		return scrubbed(err, m.To, deliverable(m.To))
	}
	return nil
}

// deliverable returns an address as all mail servers take it: with the domain in
// A-labels (RFC 5891). A local part beyond ASCII takes SMTPUTF8 (RFC 6531) still.
func deliverable(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	ascii, err := idna.Lookup.ToASCII(domain)
	if !ok || err != nil {
		return address
	}
	return local + "@" + ascii
}

// submit hands a message over. What happens once the server has taken it, such
// as a broken goodbye, is no failure: the message would be sent again.
func (s *SMTPSender) submit(ctx context.Context, message *smtp.Msg) error {
	connection, err := s.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	defer s.client.CloseWithSMTPClient(connection)
	return s.client.SendWithSMTPClient(connection, message)
}

// scrubbed returns an error without the address of the recipient, since it is
// logged. What a server refuses about one recipient or message is permanent;
// refused credentials or a refused sender are for the operator to mend.
func scrubbed(err error, recipients ...string) error {
	text := err.Error()
	for _, recipient := range recipients {
		text = strings.ReplaceAll(text, recipient, "(recipient)")
	}
	var refused *smtp.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 && refused.Reason != smtp.ErrSMTPMailFrom {
		return job.Permanent(errors.New("mail server refused: " + text))
	}
	return errors.New("mail not sent: " + text)
}
