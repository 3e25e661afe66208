package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
)

// Sessions keeps sessions in Redis. Their limits are ended by the clock of
// Redis, through the expiry of keys.
type Sessions struct {
	c *Client
}

// Sessions returns the session store in Redis.
func (c *Client) Sessions() *Sessions { return &Sessions{c} }

// rotationGrace is how long after a rotation a Delete of the old hash ends the
// session under its new one: a sweep that had listed the session before it was
// rotated must not miss it.
const rotationGrace = 3 * time.Second

func (s *Sessions) key(name string) string { return s.c.prefix + "s:" + name }

// Find implements session.Store.
func (s *Sessions) Find(ctx context.Context, hashes []session.Hash) ([]*session.Record, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	records := make([]*session.Record, len(hashes))
	if len(hashes) == 1 {
		var err error
		records[0], err = readRecord(s.c.rdb.HMGet(ctx, s.key(nameOf(hashes[0])), recordFields...))
		return records, unavailable("finding a session", err)
	}
	reads := make([]*redis.SliceCmd, len(hashes))
	pipe := s.c.rdb.Pipeline()
	for i, h := range hashes {
		reads[i] = pipe.HMGet(ctx, s.key(nameOf(h)), recordFields...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, unavailable("finding sessions", err)
	}
	for i, read := range reads {
		var err error
		if records[i], err = readRecord(read); err != nil {
			return nil, unavailable("finding sessions", err)
		}
	}
	return records, nil
}

func readRecord(read *redis.SliceCmd) (*session.Record, error) {
	values, err := read.Result()
	if err != nil {
		return nil, err
	}
	return recordOf(values)
}

// Create implements session.Store. The record is announced in the index of the
// user before it is stored: a sweep either finds it there, or gives it up so
// that storing it fails.
func (s *Sessions) Create(ctx context.Context, hash session.Hash, r *session.Record) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	stored, err := s.add(ctx, nameOf(hash), r)
	if err == nil && !stored {
		return fmt.Errorf("creating a session: %w: swept meanwhile", authcore.ErrConflict)
	}
	return unavailable("creating a session", err)
}

func (s *Sessions) add(ctx context.Context, name string, r *session.Record) (stored bool, err error) {
	if err := s.announce(ctx, name, r); err != nil {
		return false, err
	}
	return putScript.Run(ctx, s.c.rdb, []string{s.key(name)}, headOf(r), r.Data, r.Deadline().UnixMilli()).Bool()
}

// Replace implements session.Store. On a Cluster the two records are on different
// servers: the new one is stored first, and taken back when the old one is not as
// it should be.
func (s *Sessions) Replace(ctx context.Context, old, new session.Hash, data []byte, r *session.Record) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	const doing = "rotating a session"
	stored, err := s.add(ctx, nameOf(new), r)
	refusal := authcore.ErrNotFound // also when a sweep has given up the new one
	if err == nil && stored {
		refusal, err = s.move(ctx, nameOf(old), nameOf(new), data)
	}
	if err != nil {
		return unavailable(doing, err)
	}
	if refusal != nil {
		if err := s.Delete(context.WithoutCancel(ctx), r.UserID, new); err != nil {
			return err
		}
		return fmt.Errorf("%s: %w", doing, refusal)
	}
	return unavailable(doing, s.forget(ctx, r.UserID, []string{nameOf(old)}))
}

// move ends the old record of a rotation, unless it says why not.
func (s *Sessions) move(ctx context.Context, old, new string, data []byte) (refusal, err error) {
	answer, err := moveScript.Run(ctx, s.c.rdb, []string{s.key(old)}, new, rotationGrace.Milliseconds(), data).Int()
	switch {
	case err != nil:
		return nil, err
	case answer == 0:
		return authcore.ErrNotFound, nil
	case answer == 2:
		return authcore.ErrConflict, nil
	}
	return nil, nil
}

// Rewrite implements session.Store.
func (s *Sessions) Rewrite(ctx context.Context, hash session.Hash, old, new []byte) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	const doing = "rewriting a session"
	done, err := rewriteScript.Run(ctx, s.c.rdb, []string{s.key(nameOf(hash))}, old, new).Bool()
	if err == nil && !done {
		return fmt.Errorf("%s: %w", doing, authcore.ErrConflict)
	}
	return unavailable(doing, err)
}

// Touch implements session.Store.
func (s *Sessions) Touch(ctx context.Context, hash session.Hash, seen session.Seen) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	err := touchScript.Run(ctx, s.c.rdb, []string{s.key(nameOf(hash))}, seen.At.UnixMicro(), seen.IP).Err()
	return unavailable("noting the use of a session", err)
}

// Delete implements session.Store. Records go before their index entries: a
// record that is left without one could not be swept.
func (s *Sessions) Delete(ctx context.Context, userID string, hashes ...session.Hash) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	names := make([]string, len(hashes))
	for i, h := range hashes {
		names[i] = nameOf(h)
	}
	for len(names) > 0 {
		next, err := s.remove(ctx, userID, names)
		if err == nil {
			err = s.forget(ctx, userID, names)
		}
		if err != nil {
			return unavailable("deleting sessions", err)
		}
		names = next
	}
	return nil
}

// remove deletes records and returns the names they have been rotated to.
func (s *Sessions) remove(ctx context.Context, userID string, names []string) (next []string, err error) {
	results, err := s.eachRecord(ctx, removeScript, names, userID)
	if err != nil {
		return nil, err
	}
	for _, result := range results {
		if name, _ := result.Val().(string); name != "" {
			next = append(next, name)
		}
	}
	return next, nil
}

// eachRecord runs a script on records in one pipeline. It sends the source,
// because a pipeline cannot be repeated when a server does not know the script.
func (s *Sessions) eachRecord(ctx context.Context, script *redis.Script, names []string, arg any) ([]*redis.Cmd, error) {
	results := make([]*redis.Cmd, len(names))
	pipe := s.c.rdb.Pipeline()
	for i, name := range names {
		results[i] = script.Eval(ctx, pipe, []string{s.key(name)}, arg)
	}
	_, err := pipe.Exec(ctx)
	return results, err
}

var _ session.Store = (*Sessions)(nil)
