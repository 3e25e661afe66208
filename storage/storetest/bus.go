package storetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/session"
)

// Listener records what a bus tells.
type Listener struct {
	// Slow is how long Receive takes.
	Slow time.Duration

	mu       sync.Mutex
	calls    []string
	payloads []string
	beat     time.Time
	inside   bool
	overlap  bool
}

// Up implements session.Listener.
func (l *Listener) Up() { l.note("up") }

// Down implements session.Listener.
func (l *Listener) Down() { l.note("down") }

// Beat implements session.Listener.
func (l *Listener) Beat() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beat = time.Now()
}

// Receive implements session.Listener.
func (l *Listener) Receive(payload []byte) {
	l.mu.Lock()
	l.overlap = l.overlap || l.inside
	l.inside = true
	l.mu.Unlock()
	time.Sleep(l.Slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inside = false
	l.payloads = append(l.payloads, string(payload))
}

func (l *Listener) note(call string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, call)
}

// Calls returns the calls of Up and Down so far.
func (l *Listener) Calls() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// Payloads returns what was received so far.
func (l *Listener) Payloads() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.payloads)
}

// BeatAge returns how long ago the last beat was.
func (l *Listener) BeatAge() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.beat)
}

// Await waits until the calls of Up and Down are the given ones.
func (l *Listener) Await(t testing.TB, calls ...string) {
	t.Helper()
	for range 1000 {
		if slices.Equal(l.Calls(), calls) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the listener was told %v, want %v", l.Calls(), calls)
}

// Listen lets a listener hear a bus until the test ends or stop is called,
// which returns when the bus has let go of the listener.
func Listen(t testing.TB, b session.Bus, l session.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Listen(ctx, l)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// Nodes makes another node of one bus at each call.
type Nodes func() session.Bus

// Bus tests session.Bus.
func Bus(t *testing.T, open func(testing.TB) Nodes) {
	cases(t, open, map[string]func(context.Context, *testing.T, Nodes){
		"reaches every node before it returns": testPublish,
		"without listeners":                    testPublishAlone,
		"many at once":                         testPublishMany,
		"up, beats, down":                      testBeats,
		"does not wait for who has left":       testLeft,
	})
}

func testPublish(ctx context.Context, t *testing.T, nodes Nodes) {
	publisher := nodes()
	listeners := []*Listener{{}, {Slow: 100 * time.Millisecond}, {}}
	for i, l := range listeners {
		node := publisher
		if i > 0 {
			node = nodes()
		}
		Listen(t, node, l)
		l.Await(t, "up")
	}
	must(t, publisher.Publish(ctx, []byte("one\x00\xff")))
	must(t, publisher.Publish(ctx, nil))
	for i, l := range listeners {
		same(t, "what a node has applied", l.Payloads(), []string{"one\x00\xff", ""})
		if l.overlap {
			t.Errorf("listener %d was called twice at once", i)
		}
	}
}

func testPublishAlone(ctx context.Context, t *testing.T, nodes Nodes) {
	must(t, nodes().Publish(ctx, []byte("to nobody")))
	listener := &Listener{}
	Listen(t, nodes(), listener)
	listener.Await(t, "up")
	must(t, nodes().Publish(ctx, []byte("from one who does not listen")))
	same(t, "what was applied", listener.Payloads(), []string{"from one who does not listen"})
}

func testPublishMany(ctx context.Context, t *testing.T, nodes Nodes) {
	publisher, listener := nodes(), &Listener{}
	Listen(t, nodes(), listener)
	listener.Await(t, "up")
	errs := concurrently(50, func(i int) error { return publisher.Publish(ctx, []byte{byte(i)}) })
	wantWinners(t, errs, 50)
	got := listener.Payloads()
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 50 {
		t.Errorf("%d different payloads have come, want 50", len(got))
	}
	if listener.overlap {
		t.Error("the listener was called twice at once")
	}
}

func testBeats(_ context.Context, t *testing.T, nodes Nodes) {
	listener := &Listener{}
	stop := Listen(t, nodes(), listener)
	listener.Await(t, "up")
	for range 15 {
		time.Sleep(100 * time.Millisecond)
		if age := listener.BeatAge(); age > time.Second {
			t.Errorf("the last beat was %s ago", age)
		}
	}
	stop()
	listener.Await(t, "up", "down")
}

func testLeft(ctx context.Context, t *testing.T, nodes Nodes) {
	leaving, staying := &Listener{}, &Listener{}
	stop := Listen(t, nodes(), leaving)
	Listen(t, nodes(), staying)
	leaving.Await(t, "up")
	staying.Await(t, "up")
	stop()
	must(t, nodes().Publish(ctx, []byte("late")))
	same(t, "what the one that left has applied", leaving.Payloads(), []string{})
	same(t, "what the other has applied", staying.Payloads(), []string{"late"})
}
