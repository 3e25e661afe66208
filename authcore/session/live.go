package session

import (
	"sync"
	"sync/atomic"
	"time"
)

// Live is a session as resumed for a request. All requests of a session share
// one Live while its content does not change; what callers derive from the
// content (header values, a signed assertion) is kept with it by [Live.Memo]
// and goes away with it.
type Live struct {
	*Session
	// Hash is the key that the session is stored under.
	Hash Hash

	data    []byte       // the stored form, to recognise an unchanged session
	usedAt  atomic.Int64 // Unix microseconds of the last noted use
	cached  atomic.Bool  // the cache holds it, as it is
	memos   atomic.Pointer[[]memo]
	memoize sync.Mutex
}

type memo struct {
	key   any
	value any
}

// maxMemos bounds the values kept with one session: one per gate in use and
// organization that the user acts in, with room for those of a configuration that
// is being replaced.
const maxMemos = 64

func newLive(hash Hash, r *Record) (*Live, error) {
	s, err := decode(r)
	if err != nil {
		return nil, err
	}
	l := &Live{Session: s, Hash: hash, data: r.Data}
	l.usedAt.Store(r.Seen.At.UnixMicro())
	return l, nil
}

// Memo returns the value kept under a comparable key, or keeps and returns what
// build makes. The value must be safe for concurrent use.
func (l *Live) Memo(key any, build func() any) any {
	if v, ok := l.memoFor(key); ok {
		return v
	}
	l.memoize.Lock()
	defer l.memoize.Unlock()
	if v, ok := l.memoFor(key); ok {
		return v
	}
	value := build()
	var kept []memo
	if old := l.memos.Load(); old != nil && len(*old) < maxMemos {
		kept = append(kept, *old...)
	}
	kept = append(kept, memo{key, value})
	l.memos.Store(&kept)
	return value
}

func (l *Live) memoFor(key any) (any, bool) {
	if memos := l.memos.Load(); memos != nil {
		for i := range *memos {
			if (*memos)[i].key == key {
				return (*memos)[i].value, true
			}
		}
	}
	return nil, false
}

// expired applies the idle and the absolute limit. It is the one place where
// they are judged; stores only forget what has passed them.
func (l *Live) expired(now time.Time) bool {
	if !now.Before(l.ExpiresAt) {
		return true
	}
	return l.Idle > 0 && now.Sub(time.UnixMicro(l.usedAt.Load())) > l.Idle
}
