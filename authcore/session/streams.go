package session

import (
	"context"
	"hash/maphash"
	"net/http"
	"sync"
	"time"
)

const streamShards = 64

// streams knows the requests that are under way in a session, so that its
// WebSockets, event streams and downloads end with it.
type streams struct {
	seed   maphash.Seed
	shards [streamShards]streamShard
}

type streamShard struct {
	mu   sync.Mutex
	sets map[string]*streamSet // by session id
}

// streamSet is the list of streams of one session.
type streamSet struct {
	id    string
	hash  Hash // the latest known
	first *Stream
}

// Stream is one request under way.
type Stream struct {
	shard      *streamShard
	set        *streamSet
	prev, next *Stream
	live       *Live // the session as it was let through with
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

func newStreams() *streams {
	s := &streams{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].sets = make(map[string]*streamSet)
	}
	return s
}

func (s *streams) shard(id string) *streamShard {
	return &s.shards[maphash.String(s.seed, id)%streamShards]
}

// add registers a request, unless its session is not the cached one any more.
// It looks under the lock that a revocation takes after it has emptied the
// cache: either the request is not registered, or the revocation finds it.
func (s *streams) add(live *Live, w http.ResponseWriter, cancel context.CancelFunc, c *cache) *Stream {
	shard := s.shard(live.ID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if !c.holds(live) {
		return nil
	}
	set := shard.sets[live.ID]
	if set == nil {
		set = &streamSet{id: live.ID}
		shard.sets[live.ID] = set
	}
	set.hash = live.Hash
	st := &Stream{shard: shard, set: set, next: set.first, live: live, conn: innermost(w), cancel: cancel}
	if set.first != nil {
		set.first.prev = st
	}
	set.first = st
	return st
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
		st.set.first = st.next
	}
	if st.set.first == nil && st.shard.sets[st.set.id] == st.set {
		delete(st.shard.sets, st.set.id)
	}
	return st.ended
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
	shard := s.shard(sessionID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if set := shard.sets[sessionID]; set != nil {
		for st := set.first; st != nil; st = st.next {
			st.ending = st.ending || outdated(st.live)
			found = found || st.ending
		}
	}
	return found
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
	shard := s.shard(sessionID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	set := shard.sets[sessionID]
	if set == nil {
		return false
	}
	for st := set.first; st != nil; st = st.next {
		if !st.ending {
			continue
		}
		st.ended, found = true, true
		rc := http.NewResponseController(st.conn)
		_ = rc.SetReadDeadline(longAgo) // an error means that it is closed already
		_ = rc.SetWriteDeadline(longAgo)
		if st.cancel != nil {
			st.cancel()
		}
	}
	return found
}

// rehash notes that a session has a new token.
func (s *streams) rehash(sessionID string, h Hash) {
	shard := s.shard(sessionID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if set := shard.sets[sessionID]; set != nil {
		set.hash = h
	}
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
		for id, set := range shard.sets {
			open[id] = set.hash
		}
		shard.mu.Unlock()
	}
	return open
}
