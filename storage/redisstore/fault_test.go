package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/throttle"
	"github.com/sigra-auth/sigra/storage/redisstore"
	"github.com/sigra-auth/sigra/tests/servers"
)

var limit = throttle.Limit{Name: "signin", Max: 1000, Window: time.Minute}

func someRecord(userID string) *session.Record {
	return &session.Record{
		ID: uuid.Must(uuid.NewV7()).String(), UserID: userID, Data: []byte("data"),
		Seen: session.Seen{At: time.Now(), IP: "192.0.2.7"}, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Minute,
	}
}

// everyCall is each call of the stores, on a session that exists.
func everyCall(c *redisstore.Client, hash session.Hash) map[string]func(context.Context) error {
	s := c.Sessions()
	return map[string]func(context.Context) error{
		"ping":      c.Ping,
		"find one":  func(ctx context.Context) error { _, err := s.Find(ctx, []session.Hash{hash}); return err },
		"find many": func(ctx context.Context) error { _, err := s.Find(ctx, make([]session.Hash, 20)); return err },
		"create": func(ctx context.Context) error {
			return s.Create(ctx, session.NewToken().Hash(), someRecord("other"))
		},
		"touch":    func(ctx context.Context) error { return s.Touch(ctx, hash, session.Seen{At: time.Now()}) },
		"delete":   func(ctx context.Context) error { return s.Delete(ctx, "other", session.NewToken().Hash()) },
		"of user":  func(ctx context.Context) error { _, err := s.OfUser(ctx, "user"); return err },
		"throttle": func(ctx context.Context) error { _, err := c.Throttle().Take(ctx, "k", limit); return err },
		"reset":    func(ctx context.Context) error { return c.Throttle().Reset(ctx, limit, "a", "b") },
		"publish":  func(ctx context.Context) error { return c.Bus(quiet).Publish(ctx, []byte("x")) },
	}
}

func wantWorks(t *testing.T, when string, calls map[string]func(context.Context) error) {
	t.Helper()
	for name, call := range calls {
		if err := call(context.Background()); err != nil {
			t.Errorf("%s, %s: %v", when, name, err)
		}
	}
}

// wantRecovers fails the test unless Redis is used again soon after it is back:
// the pool tries to connect once a second while it is away.
func wantRecovers(t *testing.T, when string, c *redisstore.Client, calls map[string]func(context.Context) error) {
	t.Helper()
	for end := time.Now().Add(2 * time.Second); c.Ping(context.Background()) != nil && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	wantWorks(t, when, calls)
}

// wantUnavailable fails the test unless every call says in time that Redis
// cannot answer.
func wantUnavailable(t *testing.T, when string, within time.Duration, calls map[string]func(context.Context) error) {
	t.Helper()
	t.Run(when, func(t *testing.T) {
		for name, call := range calls {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				start := time.Now()
				if err := call(context.Background()); !errors.Is(err, authcore.ErrUnavailable) {
					t.Errorf("%v, want unavailable", err)
				}
				if took := time.Since(start); took > within {
					t.Errorf("took %s, want at most %s", took, within)
				}
			})
		}
	})
}

// TestRedisAway stops, hangs and kills the server. Calls say so in time, and
// work again without a restart of the gateway.
func TestRedisAway(t *testing.T) {
	server := servers.Redis(t)
	c := openURL(t, server.URL)
	hash := session.NewToken().Hash()
	if err := c.Sessions().Create(context.Background(), hash, someRecord("user")); err != nil {
		t.Fatal(err)
	}
	calls := everyCall(c, hash)
	wantWorks(t, "at first", calls)
	server.Stop(t)
	wantUnavailable(t, "stopped", time.Second, calls)
	server.Start(t)
	wantRecovers(t, "started again", c, calls)
	if records, err := c.Sessions().Find(context.Background(), []session.Hash{hash}); err != nil || records[0] == nil {
		t.Errorf("the session after the restart: %v, %v", records, err)
	}
	server.Pause(t)
	wantUnavailable(t, "hung", 1700*time.Millisecond, calls)
	server.Resume(t)
	wantRecovers(t, "resumed", c, calls)
	server.Kill(t)
	server.Start(t)
	wantRecovers(t, "restarted empty", c, calls) // the scripts are unknown to it
	if records, err := c.Sessions().Find(context.Background(), []session.Hash{hash}); err != nil || records[0] == nil {
		// The server was stopped in an orderly way after the session was made.
		t.Errorf("the saved session after the kill: %v, %v", records, err)
	}
}

func TestRedisRefuses(t *testing.T) {
	server := servers.Redis(t)
	c := openURL(t, server.URL)
	hash := session.NewToken().Hash()
	command(t, server, "CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
	writes := everyCall(c, hash)
	for _, read := range []string{"ping", "find one", "find many", "touch", "delete", "of user", "reset", "publish"} {
		delete(writes, read)
	}
	wantUnavailable(t, "out of memory", time.Second, writes)
	command(t, server, "CONFIG", "SET", "maxmemory", "0")
	command(t, server, "CONFIG", "SET", "requirepass", "other")
	fresh := openURL(t, server.URL)
	wantUnavailable(t, "wrong password", time.Second, everyCall(fresh, hash))
}

// TestSentinelFailOver kills the master. What was replicated is there after the
// replica has taken over, and the client follows by itself.
func TestSentinelFailOver(t *testing.T) {
	ctx := context.Background()
	server := servers.RedisSentinel(t)
	c := openURL(t, server.URL)
	hash := session.NewToken().Hash()
	if err := c.Sessions().Create(ctx, hash, someRecord("user")); err != nil {
		t.Fatal(err)
	}
	server.AwaitReplica(t) // replication is asynchronous
	server.Failover(t)
	var records []*session.Record
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if records, err = c.Sessions().Find(ctx, []session.Hash{hash}); err == nil {
			break
		}
		if !errors.Is(err, authcore.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if err != nil || records[0] == nil {
		t.Fatalf("after the fail-over: %v, %v", records, err)
	}
	wantWorks(t, "after the fail-over", everyCall(c, hash))
}
