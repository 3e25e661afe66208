package main

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestQuantileInterpolates(t *testing.T) {
	values := []float64{1, 2, 3, 10}
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 0.75: 4.75, 1: 10} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	if got := quantile([]float64{7}, 0.5); got != 7 {
		t.Errorf("of one value: %v", got)
	}
}

func TestComparisonIsRoundByRound(t *testing.T) {
	b := &bench{gateways: []*gateway{{}, {}}}
	samples := [][]sample{
		{{perSecond: 100, cpu: 50}, {perSecond: 200, cpu: 40}, {perSecond: 400, cpu: 30}},
		{{perSecond: 90, cpu: 55, redis: 5}, {perSecond: 180, cpu: 45, redis: 5}, {perSecond: 360, cpu: 35, redis: 5}},
	}
	if got, want := b.comparison(samples, 1), "0.90 (0.90–0.90) | +10.0 (+10.0 to +10.0)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSampleIsOfAllItsTurns(t *testing.T) {
	got := sampleOf([]turn{
		{result: result{Requests: 100, Elapsed: time.Second, P50: time.Millisecond, P99: 5 * time.Millisecond},
			used: meter{proxy: 10 * time.Millisecond, redis: time.Millisecond, own: 30 * time.Millisecond, machine: 40 * time.Millisecond}, memory: 70},
		{result: result{Requests: 300, Elapsed: time.Second, P50: 3 * time.Millisecond, P99: 7 * time.Millisecond},
			used: meter{proxy: 50 * time.Millisecond, redis: 3 * time.Millisecond, own: 60 * time.Millisecond, machine: 70 * time.Millisecond}, memory: 80},
	})
	if want := (sample{perSecond: 200, p50: 2, p99: 6, cpu: 150, redis: 10, memory: 80, foreign: 0.01}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCheckDemandsTheIdentity(t *testing.T) {
	bare, signedIn := &gateway{}, &gateway{configuration: configuration{signedIn: true}}
	redirect := &gateway{configuration: configuration{redirects: true}}
	for _, c := range []struct {
		g  *gateway
		s  seen
		ok bool
	}{
		{bare, seen{Requests: 5}, true},
		{bare, seen{Requests: 5, Partial: 1}, false},
		{bare, seen{Requests: 4}, false},
		{signedIn, seen{Requests: 5, Identified: 5}, true},
		{signedIn, seen{Requests: 5, Identified: 4, Partial: 1}, false},
		{redirect, seen{}, true},
		{redirect, seen{Requests: 1}, false},
	} {
		if err := c.g.check(c.s, 5); (err == nil) != c.ok {
			t.Errorf("%+v of %+v: %v", c.s, c.g.configuration, err)
		}
	}
}

func TestReadResponse(t *testing.T) {
	for text, ok := range map[string]bool{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":  true,
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok":  false,
		"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n":    false,
		"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n":  false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n": false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n":        false,
	} {
		err := readResponse(bufio.NewReader(strings.NewReader(text)), []byte("HTTP/1.1 200"))
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// serve starts a server.
func serve(t *testing.T, handle http.HandlerFunc) (address string) {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestJobSendsEachRequestOnce(t *testing.T) {
	paths := make(chan string, 100)
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path })
	var requests [][]byte
	for _, path := range []string{"/a", "/b", "/c", "/d", "/e"} {
		requests = append(requests, []byte("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"))
	}
	r, err := job{Address: address, Requests: requests, Status: 200, Connections: 2}.run()
	if err != nil || r.Requests != 5 {
		t.Fatalf("%+v, %v", r, err)
	}
	got := make(map[string]bool)
	for range 5 {
		got[<-paths] = true
	}
	if len(got) != 5 || len(paths) != 0 {
		t.Errorf("asked for %v and %d more", got, len(paths))
	}
}

func TestJobFailsOnWrongStatusAndClosedConnection(t *testing.T) {
	request := [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}
	refusing := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	closing := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.(*net.TCPConn).Close()
	})
	for _, address := range []string{refusing, closing} {
		j := job{Address: address, Requests: request, Status: 200, Connections: 2, Duration: 50 * time.Millisecond}
		if r, err := j.run(); err == nil {
			t.Errorf("%+v without an error", r)
		}
	}
}
