package mail

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// captured is how many messages a LogSender keeps.
const captured = 50

// LogSender writes mail to a log and keeps the latest in memory, for a first run
// without a mail server. It is safe for concurrent use.
type LogSender struct {
	logger *slog.Logger
	mu     sync.Mutex
	latest []Message
}

// NewLogSender returns a sender that writes to a log.
func NewLogSender(logger *slog.Logger) *LogSender { return &LogSender{logger: logger} }

// Send writes a message to the log.
func (s *LogSender) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "mail", slog.String("to", m.To), slog.String("subject", m.Subject), slog.String("text", m.Text))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = append(s.latest, m)
	if extra := len(s.latest) - captured; extra > 0 {
		s.latest = slices.Delete(s.latest, 0, extra)
	}
	return nil
}

// Captured returns the latest messages, the newest first.
func (s *LogSender) Captured() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.latest)
	slices.Reverse(list)
	return list
}
