package mail

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestLogSender(t *testing.T) {
	var out bytes.Buffer
	s := NewLogSender(slog.New(slog.NewTextHandler(&out, nil)))
	if err := s.Send(t.Context(), Message{To: "ada@example.com", Subject: "Hello", Text: "line 1\nline 2"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ada@example.com", "Hello", `line 1\nline 2`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log has no %q: %s", want, &out)
		}
	}
}

func TestHeaderInjection(t *testing.T) {
	var out bytes.Buffer
	s := NewLogSender(slog.New(slog.NewTextHandler(&out, nil)))
	for _, m := range []Message{
		{To: "a@b\r\nBcc: c@d", Subject: "x"}, {To: "a@b", Subject: "x\nBcc: c@d"}, {To: "a@b\r", Subject: "x"}, {ID: "a\n", To: "a@b"},
	} {
		if err := s.Send(t.Context(), m); !errors.Is(err, ErrHeaderInjection) {
			t.Errorf("%q: %v", m, err)
		}
	}
	if out.Len() > 0 {
		t.Errorf("sent %s", &out)
	}
}
