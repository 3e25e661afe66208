package caddymodule

import (
	"context"
	"log/slog"
	"time"
)

// watchEvery is how often the engine asks whether the session store answers.
const watchEvery = 2 * time.Second

// watch tells when the session store is away and when it is back, once each however
// many requests that concerns, until the engine closes.
func (e *engine) watch(ping func(context.Context) error) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for known, away := false, false; ; {
		err := ping(e.ctx)
		switch {
		case e.ctx.Err() != nil:
			return
		case err != nil && !away:
			e.logger.Error("sigra cannot reach its session store: who is signed in cannot be told until it can", slog.Any("error", err))
		case err == nil && away:
			e.logger.Info("sigra has reached its session store")
		}
		if err == nil && (away || !known) { // a server that is back may be another one
			e.checkEviction()
		}
		known, away = known || err == nil, err != nil
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
	}
}

// checkEviction warns when the session store may forget sessions before their time.
func (e *engine) checkEviction() {
	if e.backend.Eviction == nil {
		return
	}
	if policy := e.backend.Eviction(e.ctx); policy != "" {
		e.logger.Warn("Redis throws sessions away when its memory is full: set its maxmemory-policy to noeviction", slog.String("maxmemory_policy", policy))
	}
}
