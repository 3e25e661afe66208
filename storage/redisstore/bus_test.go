package redisstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/storage/storetest"
	"github.com/sigra-auth/sigra/tests/servers"
)

// TestHungNodeIsReported: a revocation must not be called complete while a node
// may still serve the session.
func TestHungNodeIsReported(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := servers.Redis(t)
	well, hung := &storetest.Listener{}, &storetest.Listener{Slow: time.Second}
	storetest.Listen(t, openShared(t, server.URL, "p:").Bus(quiet), well)
	storetest.Listen(t, openShared(t, server.URL, "p:").Bus(quiet), hung)
	well.Await(t, "up")
	hung.Await(t, "up")
	publisher := openShared(t, server.URL, "p:").Bus(quiet)
	start := time.Now()
	if err := publisher.Publish(ctx, []byte("x")); !errors.Is(err, authcore.ErrUnavailable) {
		t.Errorf("published to a hung node: %v", err)
	}
	if took := time.Since(start); took > 700*time.Millisecond {
		t.Errorf("it took %s to say so", took)
	}
	if got := well.Payloads(); !slices.Equal(got, []string{"x"}) {
		t.Errorf("the other node has applied %q", got)
	}
}

// TestNodeWithoutLeaseIsNotWaitedFor is a node that is cut off for good: its
// subscription lives on in Redis, but it trusts nothing any more.
func TestNodeWithoutLeaseIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	well := &storetest.Listener{}
	storetest.Listen(t, openShared(t, server.URL, "p:").Bus(quiet), well)
	well.Await(t, "up")
	dead := rawSubscription(t, server, "p:{bus0}:all")
	defer dead.Close()
	if err := openShared(t, server.URL, "p:").Bus(quiet).Publish(context.Background(), []byte("x")); err != nil {
		t.Error(err)
	}
}

// TestLinkLostAndBack stops and hangs Redis under a listener.
func TestLinkLostAndBack(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	bus := openShared(t, server.URL, "p:").Bus(quiet)
	l := &storetest.Listener{}
	storetest.Listen(t, bus, l)
	l.Await(t, "up")
	start := time.Now()
	server.Kill(t)
	l.Await(t, "up", "down")
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("a closed connection was noticed after %s", took)
	}
	server.Start(t)
	l.Await(t, "up", "down", "up")
	publish(t, bus, l, "after the restart")

	start = time.Now()
	server.Pause(t)
	l.Await(t, "up", "down", "up", "down")
	if took := time.Since(start); took > 2500*time.Millisecond {
		t.Errorf("a hung server was noticed after %s", took)
	}
	if age := l.BeatAge(); age < 1400*time.Millisecond {
		t.Errorf("there was a beat %s ago while the server hung", age)
	}
	server.Resume(t)
	l.Await(t, "up", "down", "up", "down", "up")
	publish(t, bus, l, "after the pause")
}

// TestSubscriptionCut closes the subscription alone, as a firewall does.
func TestSubscriptionCut(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	bus := openShared(t, server.URL, "p:").Bus(quiet)
	l := &storetest.Listener{}
	storetest.Listen(t, bus, l)
	l.Await(t, "up")
	command(t, server, "CLIENT", "KILL", "TYPE", "pubsub")
	l.Await(t, "up", "down", "up")
	publish(t, bus, l, "again")
}

// TestBusFollowsFailOver: after the master has changed, publishers and
// listeners must meet on the new one.
func TestBusFollowsFailOver(t *testing.T) {
	t.Parallel()
	server := servers.RedisSentinel(t)
	bus := openShared(t, server.URL, "p:").Bus(quiet)
	l := &storetest.Listener{}
	storetest.Listen(t, bus, l)
	l.Await(t, "up")
	server.Failover(t)
	l.Await(t, "up", "down", "up")
	publish(t, bus, l, "on the new master")
}

// TestListenersOfOtherDatabasesAreApart: Redis shares channels between its
// databases, the gateways that use them must not.
func TestListenersOfOtherDatabasesAreApart(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	zero, one := &storetest.Listener{}, &storetest.Listener{}
	bus := openShared(t, server.URL, "p:").Bus(quiet)
	storetest.Listen(t, bus, zero)
	storetest.Listen(t, openShared(t, "redis://"+server.Addr+"/1", "p:").Bus(quiet), one)
	zero.Await(t, "up")
	one.Await(t, "up")
	publish(t, bus, zero, "x")
	if got := one.Payloads(); len(got) != 0 {
		t.Errorf("database 1 has heard %q", got)
	}
}

// publish fails the test unless the listener has the payload when Publish
// returns.
func publish(t *testing.T, bus interface {
	Publish(context.Context, []byte) error
}, l *storetest.Listener, payload string) {
	t.Helper()
	if err := bus.Publish(context.Background(), []byte(payload)); err != nil {
		t.Fatal(err)
	}
	if got := l.Payloads(); len(got) == 0 || got[len(got)-1] != payload {
		t.Errorf("applied so far: %q, want %q at the end", got, payload)
	}
}
