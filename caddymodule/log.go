package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"
)

// processLog is a log handler that outlives configurations: it writes to
// Caddy's default logger as it is at that moment.
type processLog struct {
	attrs []slog.Attr
}

func (p processLog) handler() slog.Handler {
	// A level above all others: no stack traces, errors say what is wrong.
	handler := zapslog.NewHandler(caddy.Log().Core(), zapslog.WithName(appID), zapslog.AddStacktraceAt(slog.Level(127)))
	return handler.WithAttrs(p.attrs)
}

// Enabled implements slog.Handler.
func (p processLog) Enabled(ctx context.Context, level slog.Level) bool {
	return p.handler().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (p processLog) Handle(ctx context.Context, r slog.Record) error {
	return p.handler().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (p processLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return processLog{append(p.attrs[:len(p.attrs):len(p.attrs)], attrs...)}
}

// WithGroup implements slog.Handler; groups are not used below.
func (p processLog) WithGroup(string) slog.Handler { return p }
