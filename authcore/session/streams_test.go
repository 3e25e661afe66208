package session

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// mustTrack opens a stream.
func (b *bench) mustTrack(t *testing.T, live *Live, w http.ResponseWriter) *Stream {
	t.Helper()
	st := new(Stream)
	if !b.Track(st, live, w, nil) {
		t.Fatal("a live session could not be tracked")
	}
	return st
}

// serve runs a handler as a tracked request of a session, on a real server.
func serve(t *testing.T, b *bench, live *Live, h2 bool, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var st Stream
		if !b.Track(&st, live, w, nil) {
			t.Error("a live session could not be tracked")
			return
		}
		defer st.Done()
		handler(w, r)
	}))
	server.EnableHTTP2 = h2
	if h2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

func TestRevokingEndsAResponseUnderWay(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			token, opened := b.open(t, "ada", false)
			cancelled := make(chan struct{})
			server := serve(t, b, b.mustResume(t, token), h2, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "data: 1\n\n")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				close(cancelled)
			})
			response, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body := bufio.NewReader(response.Body)
			if line, err := body.ReadString('\n'); err != nil || line != "data: 1\n" {
				t.Fatalf("%q, %v", line, err)
			}
			if err := b.Revoke(context.Background(), "ada", opened.ID); err != nil {
				t.Fatal(err)
			}
			select {
			case <-cancelled:
			case <-time.After(time.Second):
				t.Fatal("the request was not cancelled within a second")
			}
			if _, err := io.ReadAll(body); err == nil {
				t.Error("the response ended as if it were complete")
			}
		})
	}
}

func TestRevokingEndsAHijackedConnection(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	server := serve(t, b, b.mustResume(t, token), false, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		_, _ = io.Copy(conn, conn)
	})
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
	reader := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		if line, err = reader.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = io.WriteString(conn, "ping\n")
	if line, err := reader.ReadString('\n'); line != "ping\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := b.Revoke(t.Context(), "ada", opened.ID); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("%v, want the end of the stream within a second", err)
	}
}

func TestAStreamCannotOpenAfterARevocation(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	if err := b.Revoke(t.Context(), "ada", opened.ID); err != nil {
		t.Fatal(err)
	}
	if b.Track(new(Stream), live, httptest.NewRecorder(), nil) {
		t.Error("a request of a revoked session was tracked")
	}
	if n := len(b.streams.open()); n != 0 {
		t.Errorf("%d streams left", n)
	}
}

func TestExpiredSessionsLoseTheirStreams(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	st := b.mustTrack(t, live, w)
	defer st.Done()
	b.pass(2 * time.Second)
	b.checkStreams(t.Context())
	if w.closed {
		t.Fatal("a live session lost its stream")
	}
	b.store.set(func() { delete(b.store.records, live.Hash) })
	b.checkStreams(t.Context())
	if !w.closed {
		t.Error("an expired session kept its stream")
	}
}

func TestRotationKeepsStreams(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	st := b.mustTrack(t, live, w)
	defer st.Done()
	if _, _, err := b.Rotate(t.Context(), live, func(*Session) {}); err != nil {
		t.Fatal(err)
	}
	b.pass(2 * time.Second)
	b.checkStreams(t.Context())
	if w.closed {
		t.Error("a rotated session lost its stream")
	}
}

func TestDoneTellsWhetherTheSessionHasEnded(t *testing.T) {
	b := newBench(t)
	token, opened := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	before, during := b.mustTrack(t, live, httptest.NewRecorder()), b.mustTrack(t, live, httptest.NewRecorder())
	if before.Done() {
		t.Error("a request that was over before the revocation has to give up its connection")
	}
	if err := b.Revoke(t.Context(), "ada", opened.ID); err != nil {
		t.Fatal(err)
	}
	if !during.Done() {
		t.Error("a request that the revocation interrupted may keep its connection")
	}
}

// TestFinishedStreamsHoldNothing keeps one finished request, as a client may that does
// not read its answer, while others overlap one another.
func TestFinishedStreamsHoldNothing(t *testing.T) {
	b := newBench(t)
	token, _ := b.open(t, "ada", false)
	live := b.mustResume(t, token)
	const others = 100
	var gone atomic.Int32
	start := func() *Stream {
		w := &deadlines{ResponseWriter: httptest.NewRecorder()}
		runtime.AddCleanup(w, func(int) { gone.Add(1) }, 0)
		return b.mustTrack(t, live, w)
	}
	kept := start()
	last := start()
	kept.Done()
	for range others - 1 {
		next := start()
		last.Done()
		last = next
	}
	last.Done()
	for deadline := time.Now().Add(10 * time.Second); gone.Load() <= others && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		runtime.GC()
	}
	if n := gone.Load(); n != others+1 {
		t.Errorf("%d of %d writers are held by a request that is over", others+1-n, others+1)
	}
	runtime.KeepAlive(kept)
}

// deadlines notes that a deadline was set.
type deadlines struct {
	http.ResponseWriter
	closed bool
}

func (d *deadlines) SetReadDeadline(time.Time) error  { d.closed = true; return nil }
func (d *deadlines) SetWriteDeadline(time.Time) error { d.closed = true; return nil }
