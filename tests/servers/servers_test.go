package servers_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sigra-auth/sigra/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Run(m)) }

func TestPostgresGivesFreshDatabases(t *testing.T) {
	first, second := open(t, servers.Postgres(t)), open(t, servers.Postgres(t))
	if _, err := first.Exec("CREATE TABLE only_in_first (x INT)"); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Exec("SELECT * FROM only_in_first"); err == nil {
		t.Error("two calls share a database")
	}
}

func TestDedicatedPostgresStopsPausesAndKeepsItsData(t *testing.T) {
	s := servers.DedicatedPostgres(t)
	db := open(t, s.DSN)
	if _, err := db.Exec("CREATE TABLE kept (x INT)"); err != nil {
		t.Fatal(err)
	}
	s.Pause(t)
	if err := s.Ping(); err == nil {
		t.Error("a paused server answers")
	}
	s.Resume(t)
	if err := s.Ping(); err != nil {
		t.Errorf("a resumed server does not answer: %v", err)
	}
	s.Stop(t)
	if err := s.Ping(); err == nil {
		t.Error("a stopped server answers")
	}
	s.Start(t)
	if _, err := open(t, s.DSN).Exec("SELECT * FROM kept"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestRedisStopKeepsKillLoses(t *testing.T) {
	ctx := context.Background()
	s := servers.Redis(t)
	set := func(key string) {
		t.Helper()
		c := redis.NewClient(&redis.Options{Addr: s.Addr})
		defer c.Close()
		if err := c.Set(ctx, key, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("kept")
	s.Stop(t)
	s.Start(t)
	set("lost")
	s.Kill(t)
	s.Start(t)
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer c.Close()
	if n := c.Exists(ctx, "kept").Val(); n != 1 {
		t.Error("an orderly stop lost data")
	}
	if n := c.Exists(ctx, "lost").Val(); n != 0 {
		t.Error("a kill kept what was not saved")
	}
}

func TestRedisPauseHangs(t *testing.T) {
	s := servers.Redis(t)
	c := redis.NewClient(&redis.Options{Addr: s.Addr, ReadTimeout: 200 * time.Millisecond, MaxRetries: -1})
	defer c.Close()
	if err := c.Ping(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	s.Pause(t)
	if err := c.Ping(context.Background()).Err(); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("a paused server: %v, want a timeout", err)
	}
	s.Resume(t)
	if err := c.Ping(context.Background()).Err(); err != nil {
		t.Errorf("a resumed server: %v", err)
	}
}

func TestSentinelFailsOver(t *testing.T) {
	s := servers.RedisSentinel(t)
	before, err := s.Master()
	if err != nil {
		t.Fatal(err)
	}
	if before != s.Nodes[0] {
		t.Error("the first node is not the master")
	}
	s.Failover(t)
	if after, err := s.Master(); err != nil || after != s.Nodes[1] {
		t.Errorf("the second node did not take over: %v", err)
	}
}

func TestClusterSpreadsKeys(t *testing.T) {
	ctx := context.Background()
	s := servers.RedisCluster(t)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Nodes[0].Addr}})
	defer c.Close()
	for key := range strings.SplitSeq("a b c d e f g h i j k l m n o p", " ") {
		if err := c.Set(ctx, key, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range s.Nodes {
		single := redis.NewClient(&redis.Options{Addr: node.Addr})
		if n := single.DBSize(ctx).Val(); n == 0 {
			t.Errorf("%s holds nothing", node.Addr)
		}
		single.Close()
	}
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
