package session

import (
	"context"
	"hash/maphash"
	"net/http"
	"sync"
	"time"
)

// streamShards keeps the lists short: a hundred thousand open WebSockets are a
// hundred in each.
const streamShards = 1024

// streams knows the requests that are under way in a session, so that its
// WebSockets, event streams and downloads end with it.
type streams struct {
	seed   maphash.Seed
	shards [streamShards]streamShard
}

// streamShard is a list, newest first. Requests come and go far more often than
// somebody looks for those of a session.
type streamShard struct {
	mu    sync.Mutex
	first *Stream
}

// Stream is one request under way. It is the caller's, who has a place for it that
// lives as long as the request; it must not be copied between Track and Done.
type Stream struct {
	shard      *streamShard
	prev, next *Stream
	live       *Live // the session as it was let through with
	renamed    *Hash // what the session is stored under now, unless that is as it was
	ending     bool  // its session has ended, or may do something else now
	ended      bool  // by us
	// conn is the innermost response writer. Those around it keep state of
	// their own about deadlines, which is not for other goroutines to change.
	conn http.ResponseWriter
	// cancel ends a request that deadlines do not reach; may be nil.
	cancel context.CancelFunc
}

// innermost returns the response writer of the server, below those of
// middleware.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}

func newStreams() *streams { return &streams{seed: maphash.MakeSeed()} }

func (s *streams) shard(id string) *streamShard {
	return &s.shards[maphash.String(s.seed, id)%streamShards]
}

// add registers a request, unless its session is not the cached one any more.
// It looks under the lock that a revocation takes after it has emptied the
// cache: either the request is not registered, or the revocation finds it.
func (s *streams) add(st *Stream, live *Live, w http.ResponseWriter, cancel context.CancelFunc) bool {
	shard := s.shard(live.ID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if !live.cached.Load() {
		return false
	}
	*st = Stream{shard: shard, next: shard.first, live: live, conn: innermost(w), cancel: cancel}
	if shard.first != nil {
		shard.first.prev = st
	}
	shard.first = st
	return true
}

// Done says that the request is over, and reports whether its session has ended
// it. The caller must give up the connection then: net/http may have
// cancelled the context of all later requests on it, which would fail even
// after the user has signed in again. Done must be called exactly once, before
// the connection can serve another request.
func (st *Stream) Done() (ended bool) {
	st.shard.mu.Lock()
	defer st.shard.mu.Unlock()
	if st.next != nil {
		st.next.prev = st.prev
	}
	if st.prev != nil {
		st.prev.next = st.next
	} else {
		st.shard.first = st.next
	}
	// Whoever still holds the request, such as a connection to a client that does not
	// read, must not hold its neighbours, and theirs.
	st.prev, st.next, st.live, st.renamed, st.conn, st.cancel = nil, nil, nil, nil, nil, nil
	return st.ended
}

// storedUnder returns the key of the session now.
func (st *Stream) storedUnder() Hash {
	if st.renamed != nil {
		return *st.renamed
	}
	return st.live.Hash
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

const (
	// closeAgain is how soon streams that are still open are closed again:
	// middleware may just have set a deadline of its own.
	closeAgain = 250 * time.Millisecond
	// closeTries bounds that.
	closeTries = 8
)

// settleTime is how long requests of a session that may do something else now can
// still finish. Most do, and none is a stream then that goes on.
const settleTime = 400 * time.Millisecond

// close ends the requests of a session that has ended.
func (s *streams) close(sessionID string) {
	if s.mark(sessionID, func(*Live) bool { return true }) {
		s.closeOften(sessionID, closeTries)
	}
}

// retire ends those requests of a session which were let through with an outdated
// state of it. Those that are let through from now on are left alone.
func (s *streams) retire(sessionID string, outdated func(*Live) bool) {
	if s.mark(sessionID, outdated) {
		time.AfterFunc(settleTime, func() { s.closeOften(sessionID, closeTries) })
	}
}

// mark chooses the requests of a session that are to end, and reports whether
// there are any.
func (s *streams) mark(sessionID string, outdated func(*Live) bool) (found bool) {
	s.each(sessionID, func(st *Stream) {
		st.ending = st.ending || outdated(st.live)
		found = found || st.ending
	})
	return found
}

// each looks at the requests of a session, under the lock of their shard.
func (s *streams) each(sessionID string, look func(*Stream)) {
	shard := s.shard(sessionID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	for st := shard.first; st != nil; st = st.next {
		if st.live.ID == sessionID {
			look(st)
		}
	}
}

func (s *streams) closeOften(sessionID string, tries int) {
	if tries > 0 && s.expireDeadlines(sessionID) {
		time.AfterFunc(closeAgain, func() { s.closeOften(sessionID, tries-1) })
	}
}

// expireDeadlines ends the marked requests of a session, and reports whether
// there are any. A passed read deadline cancels the request's context on HTTP/1
// and breaks a hijacked connection; a passed write deadline stops the response
// and resets an HTTP/2 stream.
func (s *streams) expireDeadlines(sessionID string) (found bool) {
	s.each(sessionID, func(st *Stream) {
		if !st.ending {
			return
		}
		st.ended, found = true, true
		rc := http.NewResponseController(st.conn)
		_ = rc.SetReadDeadline(longAgo) // an error means that it is closed already
		_ = rc.SetWriteDeadline(longAgo)
		if st.cancel != nil {
			st.cancel()
		}
	})
	return found
}

// rehash notes that a session has a new token.
func (s *streams) rehash(sessionID string, h Hash) {
	s.each(sessionID, func(st *Stream) { st.renamed = &h })
}

// closeAll ends the requests of all sessions.
func (s *streams) closeAll() {
	for id := range s.open() {
		s.close(id)
	}
}

// open returns the sessions that have requests under way.
func (s *streams) open() map[string]Hash {
	open := make(map[string]Hash)
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.Lock()
		for st := shard.first; st != nil; st = st.next {
			if _, newer := open[st.live.ID]; !newer {
				open[st.live.ID] = st.storedUnder()
			}
		}
		shard.mu.Unlock()
	}
	return open
}
