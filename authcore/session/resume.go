package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sigra-auth/sigra/authcore"
)

// Resume returns the session of the tokens that a request carries. It fails
// with authcore.ErrNotFound when there is none (any more), and with
// authcore.ErrUnavailable when that cannot be told.
//
// A token of no session hides no good one, since a sibling host may have
// planted it. Tokens of different sessions are refused: one of them may have
// been planted so that the visitor acts in a stranger's account.
func (m *Manager) Resume(ctx context.Context, tokens ...Token) (*Live, error) {
	return m.ResumeAt(ctx, m.now(), tokens...)
}

// ResumeAt is Resume for who has looked at the clock already.
func (m *Manager) ResumeAt(ctx context.Context, now time.Time, tokens ...Token) (*Live, error) {
	var found *Live
	for _, t := range tokens {
		live, err := m.resume(ctx, t, now)
		switch {
		case errors.Is(err, authcore.ErrNotFound):
		case err != nil:
			return nil, err
		case found != nil && found.ID != live.ID:
			return nil, authcore.ErrNotFound
		default:
			found = live
		}
	}
	if found == nil {
		return nil, authcore.ErrNotFound
	}
	return found, nil
}

func (m *Manager) resume(ctx context.Context, t Token, now time.Time) (*Live, error) {
	hash := t.Hash()
	settings := m.settings.Load()
	e := m.cache.get(hash, now)
	if e != nil {
		read := e.confirmed.Load()
		if now.Sub(read.at) < settings.CacheTTL && m.link.trusts(read, now) {
			if e.live.expired(now) {
				return nil, authcore.ErrNotFound
			}
			m.cache.shard(hash).hits.Add(1)
			return e.live, nil
		}
	}
	return m.reload(ctx, hash, e, settings)
}

// reload reads a session from the store, where known is what the cache held.
func (m *Manager) reload(ctx context.Context, hash Hash, known *entry, settings *Settings) (*Live, error) {
	m.counts.reads.Add(1)
	epoch, linked := m.link.epoch.Load(), m.link.trusted.Load()
	ticket := m.cache.ticket(hash)
	record, err := m.loader.load(ctx, hash)
	if err != nil {
		return m.fallBack(known, settings, err)
	}
	now := m.now()
	if record == nil {
		m.gone(hash, known)
		return nil, authcore.ErrNotFound
	}
	live, err := m.liveOf(hash, record, known)
	if err != nil {
		return nil, err
	}
	if live.expired(now) {
		m.gone(hash, known)
		return nil, authcore.ErrNotFound
	}
	if !linked {
		if err := m.checkLog(ctx, live); err != nil {
			return nil, err
		}
	}
	read := &confirmation{linkEpoch: epoch, at: now}
	if known != nil && known.live == live {
		// If it was revoked meanwhile, it is not in the cache any more.
		known.confirmed.Store(read)
		return live, nil
	}
	if cached := m.cache.put(ticket, live, read); cached != nil {
		return cached, nil
	}
	return live, nil
}

// liveOf returns the session of a record, the one already decoded when it has
// not changed.
func (m *Manager) liveOf(hash Hash, r *Record, known *entry) (*Live, error) {
	if known != nil && bytes.Equal(known.live.data, r.Data) {
		known.live.usedAt.Store(r.Seen.At.UnixMicro())
		return known.live, nil
	}
	return newLive(hash, r)
}

// gone forgets a session that the store does not hold, and ends its streams.
func (m *Manager) gone(hash Hash, known *entry) {
	if known != nil {
		m.cache.invalidate(hash)
		m.streams.close(known.live.ID)
	}
}

// fallBack answers from the cache when the store cannot be read, but only for
// as long as a revocation cannot have been missed by more than MaxStaleness.
func (m *Manager) fallBack(known *entry, settings *Settings, cause error) (*Live, error) {
	if errors.Is(cause, context.Canceled) {
		return nil, cause // the client is gone; that is no failure of a store
	}
	now := m.now()
	if known != nil &&
		now.Sub(m.link.knownGood(known.confirmed.Load())) < settings.MaxStaleness && !known.live.expired(now) &&
		m.cache.peek(known.live.Hash) == known {
		m.counts.stale.Add(1)
		return known.live, nil
	}
	m.counts.failures.Add(1)
	return nil, fmt.Errorf("resuming session: %w: %w", authcore.ErrUnavailable, cause)
}

// checkLog asks the revocation log about a session that was read while the
// link was not in order: after a fail-over, the session store may have fallen
// back to a state from before the revocation.
func (m *Manager) checkLog(ctx context.Context, live *Live) error {
	if m.log == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	revoked, err := m.log.Revoked(ctx, live.Hash, live.ID, live.Identity.UserID, live.CreatedAt, live.AuthEpoch)
	if err != nil {
		m.counts.failures.Add(1)
		return fmt.Errorf("checking revocations: %w: %w", authcore.ErrUnavailable, err)
	}
	if revoked {
		return authcore.ErrNotFound
	}
	return nil
}

// Track registers a request that runs in a session, so that it ends with it: by
// deadlines of its connection and, if cancel is not nil, by calling that too.
// It returns false when the session changed since it was resumed: the caller
// resumes it again, or a revocation could be missed by a stream that was just
// about to open. Otherwise the caller must call Done on the stream.
func (m *Manager) Track(s *Stream, live *Live, w http.ResponseWriter, cancel context.CancelFunc) bool {
	return m.streams.add(s, live, w, cancel)
}

// CloseStreams ends all requests that run in a session. The owner calls it when
// it stops to run the manager.
func (m *Manager) CloseStreams() { m.streams.closeAll() }

// checkStreams ends the streams of sessions that the store no longer holds, since
// they have expired or their revocation was missed, or that may do something else
// than when they were opened, if that was missed.
func (m *Manager) checkStreams(ctx context.Context) {
	open := m.streams.open()
	ids := make([]string, 0, len(open))
	hashes := make([]Hash, 0, len(open))
	for id, h := range open {
		ids, hashes = append(ids, id), append(hashes, h)
	}
	for start := 0; start < len(hashes); start += batchSize {
		end := min(start+batchSize, len(hashes))
		records, err := m.store.Find(ctx, hashes[start:end])
		if err != nil {
			m.logger.Debug("streams not checked", slog.Any("error", err))
			return
		}
		for i, r := range records {
			if r == nil {
				m.cache.invalidate(hashes[start+i])
				m.streams.close(ids[start+i])
				continue
			}
			m.streams.retire(ids[start+i], outdatedBy(r))
		}
	}
}

// outdatedBy tells whether a session may do something else by its record.
func outdatedBy(r *Record) func(*Live) bool {
	now := sync.OnceValues(func() (*Session, error) { return decode(r) })
	return func(live *Live) bool {
		if bytes.Equal(live.data, r.Data) {
			return false
		}
		s, err := now()
		return err != nil || !sameRights(&live.Identity, &s.Identity)
	}
}
