package mail_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"mime"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/mail"
	"github.com/sigra-auth/sigra/tests/servers"
)

// certificate returns TLS configurations of a server at 127.0.0.1 and of a
// client that trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool}
}

func sender(t *testing.T, o mail.SMTPOptions) *mail.SMTPSender {
	t.Helper()
	o.From, o.Hello = "Exämple <no-reply@example.com>", "gateway.example.com"
	s, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var hello = mail.Message{ID: "0190-id", To: "ada@example.net", Subject: "Grüße", Text: "Hello\n<Ada>", HTML: "<p>Hello &lt;Ada&gt;"}

func TestSMTPModes(t *testing.T) {
	server, client := certificate(t)
	for name, test := range map[string]struct {
		start   func(testing.TB, *tls.Config, string) *servers.SMTP
		options mail.SMTPOptions
		fails   bool
	}{
		"starttls":          {servers.StartSMTP, mail.SMTPOptions{Config: client}, false},
		"implicit":          {servers.StartSMTPS, mail.SMTPOptions{Config: client, TLS: mail.TLSImplicit}, false},
		"with a password":   {servers.StartSMTP, mail.SMTPOptions{Config: client, Username: "ada", Password: "secret"}, false},
		"wrong password":    {servers.StartSMTP, mail.SMTPOptions{Config: client, Username: "ada", Password: "wrong"}, true},
		"stranger's server": {servers.StartSMTP, mail.SMTPOptions{}, true},
	} {
		password := test.options.Password
		if password == "wrong" {
			password = "secret"
		}
		s := test.start(t, server, password)
		test.options.Address = s.Addr
		if err := sender(t, test.options).Send(t.Context(), hello); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
		if got := len(s.Mails(hello.To)); (got == 0) != test.fails {
			t.Errorf("%s: %d mails", name, got)
		}
	}
	plain := servers.StartSMTP(t, nil, "")
	if err := sender(t, mail.SMTPOptions{Address: plain.Addr}).Send(t.Context(), hello); err == nil || len(plain.Mails("")) > 0 {
		t.Errorf("mail was sent in the clear to a server without TLS: %v", err)
	}
	if err := sender(t, mail.SMTPOptions{Address: plain.Addr, TLS: mail.TLSOff}).Send(t.Context(), hello); err != nil {
		t.Errorf("off: %v", err)
	}
}

func TestSMTPMessage(t *testing.T) {
	s := servers.StartSMTP(t, nil, "")
	if err := sender(t, mail.SMTPOptions{Address: s.Addr, TLS: mail.TLSOff, ReplyTo: "help@example.com"}).Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	got := s.Await(t, hello.To, 1)
	decode := new(mime.WordDecoder).DecodeHeader
	subject, _ := decode(got.Header.Get("Subject"))
	for name, pair := range map[string][2]string{
		"subject": {subject, hello.Subject}, "id": {got.Header.Get("Message-Id"), "<0190-id@example.com>"},
		"reply to": {got.Header.Get("Reply-To"), "<help@example.com>"}, "auto": {got.Header.Get("Auto-Submitted"), "auto-generated"},
		"to": {got.Header.Get("To"), "<ada@example.net>"}, "sender": {got.From, "no-reply@example.com"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", name, pair[0], pair[1])
		}
	}
	_, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(got.Message.Body, params["boundary"])
	for _, want := range []string{hello.Text, hello.HTML} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(part); strings.ReplaceAll(string(text), "\r\n", "\n") != want {
			t.Errorf("a part says %q, want %q", text, want)
		}
	}
}

func TestSMTPFaults(t *testing.T) {
	for name, test := range map[string]struct {
		faults    servers.SMTPFaults
		permanent bool
	}{
		"refused":  {servers.SMTPFaults{Refuse: "ada@"}, true},
		"busy":     {servers.SMTPFaults{Busy: true}, false},
		"dies":     {servers.SMTPFaults{Die: true}, false},
		"hangs":    {servers.SMTPFaults{Hang: 3 * time.Second}, false},
		"loses it": {servers.SMTPFaults{Lose: true}, false},
	} {
		s := servers.StartSMTP(t, nil, "")
		s.Fail(test.faults)
		err := sender(t, mail.SMTPOptions{Address: s.Addr, TLS: mail.TLSOff, Timeout: time.Second}).Send(t.Context(), hello)
		if err == nil || job.IsPermanent(err) != test.permanent {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), hello.To) {
			t.Errorf("%s: the error tells the address: %v", name, err)
		}
	}
	if err := sender(t, mail.SMTPOptions{Address: "127.0.0.1:1", Timeout: time.Second}).Send(t.Context(), hello); err == nil || job.IsPermanent(err) {
		t.Errorf("away: %v", err)
	}
}

func TestSMTPOptions(t *testing.T) {
	for name, o := range map[string]mail.SMTPOptions{
		"no sender":  {Address: "mail.example.com"},
		"bad sender": {Address: "mail.example.com", From: "nobody"},
		"bad port":   {Address: "mail.example.com:smtp", From: "a@b.c"},
		"no host":    {Address: ":25", From: "a@b.c"},
		"bad reply":  {Address: "mail.example.com", From: "a@b.c", ReplyTo: "x"},
		"bad mode":   {Address: "mail.example.com", From: "a@b.c", TLS: "maybe"},
	} {
		if _, err := mail.NewSMTP(o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, address := range []string{"mail.example.com", "mail.example.com:465", "[2001:db8::1]:25", "192.0.2.1"} {
		if _, err := mail.NewSMTP(mail.SMTPOptions{Address: address, From: "a@b.c"}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestSMTPInternationalDomain sends to a server that knows ASCII alone.
func TestSMTPInternationalDomain(t *testing.T) {
	s := servers.StartSMTP(t, nil, "")
	s.WithoutUTF8()
	to := hello
	to.To = "ada@bücher.example"
	if err := sender(t, mail.SMTPOptions{Address: s.Addr, TLS: mail.TLSOff}).Send(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if got := s.Mails("ada@xn--bcher-kva.example"); len(got) != 1 || got[0].Header.Get("To") != "<ada@xn--bcher-kva.example>" {
		t.Errorf("%+v", got)
	}
}
