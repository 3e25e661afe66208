package redisstore

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
)

const (
	// indexGrace is how long an index outlives the last session in it.
	indexGrace = time.Hour
	// creationTime is how long after its announcement a record may still come.
	creationTime = 2 * time.Second
	// sweepWaits and firstWait are how often and how long a listing waits for
	// records that are announced but not there yet (75 ms in all).
	sweepWaits = 4
	firstWait  = 5 * time.Millisecond
	// buriedFor is how long a record that did not come in time is refused.
	buriedFor = time.Minute
)

func (s *Sessions) index(userID string) string { return s.c.prefix + "u:" + userID }

func (s *Sessions) announce(ctx context.Context, name string, r *session.Record) error {
	needed := r.ExpiresAt.Add(indexGrace).UnixMilli()
	return announceScript.Run(ctx, s.c.rdb, []string{s.index(r.UserID)}, name, needed).Err()
}

func (s *Sessions) forget(ctx context.Context, userID string, names []string) error {
	members := make([]any, len(names))
	for i, name := range names {
		members[i] = name
	}
	return s.c.rdb.ZRem(ctx, s.index(userID), members...).Err()
}

// OfUser implements session.Store. It waits for records that are just being
// stored, and gives up those that do not come: a Create that is stuck must not
// succeed behind the back of a sweep.
func (s *Sessions) OfUser(ctx context.Context, userID string) ([]session.Owned, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	const doing = "listing sessions"
	for attempt := 0; ; attempt++ {
		list, err := s.list(ctx, userID)
		if err != nil {
			return nil, unavailable(doing, err)
		}
		if list.coming && attempt < sweepWaits {
			if err := sleep(ctx, firstWait<<attempt); err != nil {
				return nil, unavailable(doing, err)
			}
			continue
		}
		complete, err := s.bury(ctx, userID, list.missing)
		if err != nil {
			return nil, unavailable(doing, err)
		}
		if complete {
			slices.SortFunc(list.owned, func(a, b session.Owned) int { return cmp.Compare(b.ID, a.ID) })
			return list.owned, nil
		}
	}
}

// listing is what the index and the records of a user say.
type listing struct {
	owned   []session.Owned
	missing []string // announced, but there is no record
	coming  bool     // some of them may still come
}

func (s *Sessions) list(ctx context.Context, userID string) (l listing, err error) {
	entries, err := indexScript.Run(ctx, s.c.rdb, []string{s.index(userID)}).StringSlice()
	if err != nil {
		return l, err
	}
	var hashes []session.Hash
	var ages []time.Duration
	for i := 0; i+1 < len(entries); i += 2 {
		hash, ok := hashOf(entries[i])
		age, err := strconv.ParseInt(entries[i+1], 10, 64)
		if ok && err == nil {
			hashes, ages = append(hashes, hash), append(ages, time.Duration(age)*time.Millisecond)
		}
	}
	records, err := s.Find(ctx, hashes)
	if err != nil {
		return l, err
	}
	for i, r := range records {
		if r != nil {
			l.owned = append(l.owned, session.Owned{Hash: hashes[i], Record: *r})
			continue
		}
		l.missing = append(l.missing, nameOf(hashes[i]))
		l.coming = l.coming || ages[i] < creationTime
	}
	return l, nil
}

// bury refuses the records that are missing and takes them out of the index.
// It reports false when one of them has come meanwhile.
func (s *Sessions) bury(ctx context.Context, userID string, missing []string) (complete bool, err error) {
	if len(missing) == 0 {
		return true, nil
	}
	results, err := s.eachRecord(ctx, buryScript, missing, buriedFor.Milliseconds())
	if err != nil {
		return false, err
	}
	var buried []string
	for i, result := range results {
		if done, _ := result.Bool(); done {
			buried = append(buried, missing[i])
		}
	}
	if len(buried) > 0 {
		if err := s.forget(ctx, userID, buried); err != nil {
			return false, err
		}
	}
	return len(buried) == len(missing), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
