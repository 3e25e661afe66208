package session

import "time"

// Settings are the lifetimes of sessions and the limits of the cache. They can
// be replaced while running, when a configuration is reloaded.
type Settings struct {
	// Idle ends a session that was not used for so long. Default 30 minutes.
	Idle time.Duration
	// Absolute ends every session. Default 24 hours.
	Absolute time.Duration
	// Remember is the life of a session the user asked to be remembered, which
	// has no idle limit. Default 60 days.
	Remember time.Duration
	// Activity is how often a use is noted in the store. Default 5 minutes.
	Activity time.Duration
	// CacheTTL is how old a cached session may be before the store is read
	// again, even while the invalidation link is up. Zero turns the cache off:
	// every request reads the store. Default 10 seconds.
	CacheTTL time.Duration
	// MaxStaleness is how long after the last proof that it was valid a cached
	// session still serves when the store cannot be read. Default 5 seconds;
	// zero refuses at once.
	MaxStaleness time.Duration
}

// DefaultSettings returns the settings of a gateway that configures nothing.
func DefaultSettings() Settings {
	return Settings{
		Idle: 30 * time.Minute, Absolute: 24 * time.Hour, Remember: 60 * 24 * time.Hour,
		Activity: 5 * time.Minute, CacheTTL: 10 * time.Second, MaxStaleness: 5 * time.Second,
	}
}

const (
	// cacheEntries bounds the sessions decoded in process (about 2 KB each
	// with a prepared assertion).
	cacheEntries = 1 << 16
	// sessionsPerUser bounds how many sessions one account may hold; the
	// oldest ends when one more is opened.
	sessionsPerUser = 100
	// storeTimeout bounds every use of the session store.
	storeTimeout = 2 * time.Second
	// beatWindow is how recently the invalidation link must have been seen to
	// work for the cache to be trusted without a read.
	beatWindow = 2 * time.Second
)
