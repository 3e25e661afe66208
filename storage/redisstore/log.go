package redisstore

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogTo sends what the Redis client library has to say to a logger, at debug
// level: what matters of it comes back as an error as well. The library has one
// logger per process, which writes to standard error by default.
func LogTo(logger *slog.Logger) { redis.SetLogger(libraryLogger{logger}) }

type libraryLogger struct {
	logger *slog.Logger
}

// Printf implements the interface of the library.
func (l libraryLogger) Printf(ctx context.Context, format string, v ...any) {
	if l.logger.Enabled(ctx, slog.LevelDebug) {
		l.logger.DebugContext(ctx, "redis client: "+fmt.Sprintf(format, v...))
	}
}
