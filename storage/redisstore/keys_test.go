package redisstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/redisstore"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestWhatStandsInRedis checks that every key is under the prefix, ends by
// itself, and holds neither a token nor an address that was throttled.
func TestWhatStandsInRedis(t *testing.T) {
	ctx := context.Background()
	server := servers.Redis(t)
	c := openShared(t, server.URL, "") // the default prefix
	token := session.NewToken()
	if err := c.Sessions().Create(ctx, token.Hash(), someRecord("user")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Throttle().Take(ctx, "ada@example.com|203.0.113.7", limit); err != nil {
		t.Fatal(err)
	}
	keys := command(t, server, "KEYS", "*").([]any)
	if len(keys) != 3 {
		t.Errorf("there are %d keys, want a session, an index and a counter: %v", len(keys), keys)
	}
	for _, key := range keys {
		name := key.(string)
		if !strings.HasPrefix(name, redisstore.DefaultPrefix) {
			t.Errorf("%s is not under the prefix", name)
		}
		if strings.Contains(name, "ada") || strings.Contains(name, "203.0") || strings.Contains(name, token.String()) {
			t.Errorf("%s tells too much", name)
		}
		if ttl := command(t, server, "PTTL", name).(int64); ttl <= 0 || ttl > (2*time.Hour+time.Minute).Milliseconds() {
			t.Errorf("%s lives for %d ms", name, ttl)
		}
	}
}

// TestStaleIndexEntriesArePruned: sessions that ended by themselves must not
// pile up in the index of their user.
func TestStaleIndexEntriesArePruned(t *testing.T) {
	ctx := context.Background()
	server := servers.Redis(t)
	c := openShared(t, server.URL, "p:")
	for i := range 20 {
		r := someRecord("user")
		if i > 0 {
			r.Idle = 100 * time.Millisecond
		}
		if err := c.Sessions().Create(ctx, session.NewToken().Hash(), r); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(200 * time.Millisecond)
	owned, err := c.Sessions().OfUser(ctx, "user")
	if err != nil || len(owned) != 1 {
		t.Errorf("the user has %d sessions, %v, want 1", len(owned), err)
	}
	if n := command(t, server, "ZCARD", "p:u:user"); n != int64(1) {
		t.Errorf("the index has %v entries, want 1", n)
	}
}

// TestStuckCreateFails plays a Create that was stopped between its two steps
// while a sweep went over it: it must not bring the session to life afterwards.
func TestStuckCreateFails(t *testing.T) {
	ctx := context.Background()
	server := servers.Redis(t)
	c := openShared(t, server.URL, "p:")
	hash := session.NewToken().Hash()
	name := session.Token(hash).String()
	command(t, server, "ZADD", "p:u:user", fmt.Sprint(time.Now().UnixMilli()), name)
	if owned, err := c.Sessions().OfUser(ctx, "user"); err != nil || len(owned) != 0 {
		t.Fatalf("%d sessions, %v", len(owned), err)
	}
	if err := c.Sessions().Create(ctx, hash, someRecord("user")); err == nil {
		t.Error("the session was made behind the back of the sweep")
	}
	if records, err := c.Sessions().Find(ctx, []session.Hash{hash}); err != nil || records[0] != nil {
		t.Errorf("the session is there: %v, %v", records, err)
	}
}

// TestGarbageIsUnavailable: what somebody else wrote under our keys is not
// taken for a session, and not for the absence of one.
func TestGarbageIsUnavailable(t *testing.T) {
	server := servers.Redis(t)
	c := openShared(t, server.URL, "p:")
	hash := session.NewToken().Hash()
	key := "p:s:" + session.Token(hash).String()
	calls := everyCall(c, hash)
	find := map[string]func(context.Context) error{"find": calls["find one"]}
	command(t, server, "SET", key, "text")
	wantUnavailable(t, "wrong type", time.Second, find)
	command(t, server, "DEL", key)
	command(t, server, "HSET", key, "head", "not ours", "data", "x")
	wantUnavailable(t, "wrong content", time.Second, find)
}

// rawSubscription is a subscriber that never answers.
func rawSubscription(t *testing.T, s *servers.RedisServer, channel string) *redis.PubSub {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	t.Cleanup(func() { c.Close() })
	sub := c.Subscribe(context.Background(), channel)
	if _, err := sub.Receive(context.Background()); err != nil {
		t.Fatal(err)
	}
	return sub
}

func BenchmarkFind(b *testing.B) {
	ctx := context.Background()
	c := openURL(b, servers.Redis(b).URL)
	for _, n := range []int{1, 16, 128} {
		hashes := make([]session.Hash, n)
		for i := range hashes {
			hashes[i] = session.NewToken().Hash()
			r := someRecord("user")
			r.Data = make([]byte, 500)
			if err := c.Sessions().Create(ctx, hashes[i], r); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Sessions().Find(ctx, hashes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
