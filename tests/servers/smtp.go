package servers

import (
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTP is a mail server that keeps what it is given.
type SMTP struct {
	Addr string

	server *smtp.Server
	mu     sync.Mutex
	mails  []Mail
	faults SMTPFaults
	change chan struct{} // closed with the next change of the faults
	hung   int
}

// Mail is a mail that was taken.
type Mail struct {
	*mail.Message
	From, To string
	Body     string // as it came
}

// SMTPFaults are what goes wrong. They may be changed at any time.
type SMTPFaults struct {
	// Refuse answers 550 to recipients that begin so.
	Refuse string
	// Busy answers 451 to every recipient.
	Busy bool
	// Hang makes the server silent after DATA for so long, or until the faults change.
	Hang time.Duration
	// Die breaks the connection amid DATA.
	Die bool
	// Lose takes the mail and breaks the connection before it says so.
	Lose bool
}

// StartSMTP starts a mail server; with a certificate it offers STARTTLS, and a
// password makes it ask for one.
func StartSMTP(t testing.TB, config *tls.Config, password string) *SMTP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveSMTP(t, l, config, password)
}

// WithoutUTF8 makes the server take addresses in ASCII alone, as many do.
func (s *SMTP) WithoutUTF8() { s.server.EnableSMTPUTF8 = false }

// StartSMTPS starts a mail server that begins with TLS.
func StartSMTPS(t testing.TB, config *tls.Config, password string) *SMTP {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	return serveSMTP(t, l, nil, password)
}

func serveSMTP(t testing.TB, l net.Listener, config *tls.Config, password string) *SMTP {
	s := &SMTP{Addr: l.Addr().String(), change: make(chan struct{})}
	s.serve(l, config, password)
	t.Cleanup(s.Stop)
	return s
}

func (s *SMTP) serve(l net.Listener, config *tls.Config, password string) {
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &smtpSession{server: s, conn: c, password: password}, nil
	}))
	s.server.TLSConfig, s.server.AllowInsecureAuth, s.server.EnableSMTPUTF8 = config, true, true
	s.server.ErrorLog = quiet{}
	go s.server.Serve(l)
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// Fail sets what goes wrong from now on.
func (s *SMTP) Fail(f SMTPFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	close(s.change)
	s.change = make(chan struct{})
}

// Hung tells how many mails have met with Hang so far.
func (s *SMTP) Hung() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hung
}

// Stop stops the server.
func (s *SMTP) Stop() { s.server.Close() }

// Restart starts the server again where it was, without TLS and password.
func (s *SMTP) Restart(t testing.TB) {
	t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var l net.Listener
		if l, err = net.Listen("tcp", s.Addr); err == nil {
			s.serve(l, nil, "")
			return
		}
	}
	t.Fatal(err)
}

// Mails returns what was taken for a recipient, or for all with none.
func (s *SMTP) Mails(to string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Mail
	for _, m := range s.mails {
		if to == "" || strings.EqualFold(m.To, to) {
			found = append(found, m)
		}
	}
	return found
}

// Await returns the nth mail to a recipient, counted from one, once it is there.
func (s *SMTP) Await(t testing.TB, to string, n int) Mail {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if mails := s.Mails(to); len(mails) >= n {
			return mails[n-1]
		}
	}
	t.Fatalf("%s has %d mails, want %d", to, len(s.Mails(to)), n)
	return Mail{}
}

type smtpSession struct {
	server   *SMTP
	conn     *smtp.Conn
	password string
	signedIn bool
	from, to string
}

func (s *smtpSession) fault() SMTPFaults {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return s.server.faults
}

func (s *smtpSession) AuthMechanisms() []string {
	if s.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, password string) error {
		if password != s.password {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.password != "" && !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch f := s.fault(); {
	case f.Busy:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Try again later, <" + to + ">"}
	case f.Refuse != "" && strings.HasPrefix(to, f.Refuse):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox <" + to + ">"}
	}
	s.to = to
	return nil
}

func (s *smtpSession) Data(r io.Reader) error {
	f := s.fault()
	if f.Die {
		s.conn.Conn().Close()
		return errors.New("died")
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if f.Hang > 0 {
		s.hang(f.Hang)
	}
	m, err := mail.ReadMessage(strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, Mail{m, s.from, s.to, string(body)})
	s.server.mu.Unlock()
	if f.Lose {
		s.conn.Conn().Close()
	}
	return nil
}

func (s *smtpSession) hang(long time.Duration) {
	s.server.mu.Lock()
	s.server.hung++
	change := s.server.change
	s.server.mu.Unlock()
	select {
	case <-change:
	case <-time.After(long):
	}
}

func (*smtpSession) Reset()        {}
func (*smtpSession) Logout() error { return nil }

// Plain returns the text part, decoded.
func (m Mail) Plain() string { return m.part(0) }

// HTML returns the HTML part, decoded.
func (m Mail) HTML() string { return m.part(1) }

func (m Mail) part(n int) string {
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	_, body, _ := strings.Cut(m.Body, "\r\n\r\n")
	parts := multipart.NewReader(strings.NewReader(body), params["boundary"])
	for i := 0; ; i++ {
		part, err := parts.NextPart()
		if err != nil {
			return ""
		}
		text, err := io.ReadAll(part)
		if err == nil && i == n {
			return string(text)
		}
	}
}
