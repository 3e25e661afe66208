package caddymodule

import (
	"slices"
	"sync"
)

// running are the apps that have begun to start and not to stop, the oldest first.
var running runningApps

// runningApps tells the app that serves. Caddy replaces its admin endpoint before it
// knows whether a new configuration works, so that endpoint cannot tell. It starts a new
// app before it stops the old one and, when the new configuration is rejected, never
// stops the old one: the oldest is what serves.
type runningApps struct {
	mu   sync.Mutex
	apps []*App
}

func (r *runningApps) add(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apps = append(r.apps, a)
}

func (r *runningApps) remove(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apps = slices.DeleteFunc(r.apps, func(other *App) bool { return other == a })
}

// serving returns the app that serves, nil when there is none.
func (r *runningApps) serving() *App {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.apps) == 0 {
		return nil
	}
	return r.apps[0]
}
