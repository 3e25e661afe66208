package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Upstream is an app that knows nothing of users and remembers every request.
type Upstream struct {
	Addr string

	mu       sync.Mutex
	requests []Recorded
}

// Recorded is a request as the app got it.
type Recorded struct {
	Proto   string
	Method  string
	URI     string
	Header  http.Header
	Trailer http.Header
}

// NewUpstream starts an app.
func NewUpstream(t testing.TB) *Upstream {
	t.Helper()
	u := new(Upstream)
	server := httptest.NewUnstartedServer(u)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true) // for `reverse_proxy h2c://{upstream}`
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	u.Addr = strings.TrimPrefix(server.URL, "http://")
	return u
}

// Last returns the latest request.
func (u *Upstream) Last() Recorded {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.requests) == 0 {
		return Recorded{}
	}
	return u.requests[len(u.requests)-1]
}

// Count returns how many requests came.
func (u *Upstream) Count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.requests)
}

// For returns the requests for an address: a browser asks for more than that.
func (u *Upstream) For(uri string) (requests []Recorded) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range u.requests {
		if r.URI == uri {
			requests = append(requests, r)
		}
	}
	return requests
}

// SlowAnswer is how long /slow takes.
const SlowAnswer = 800 * time.Millisecond

// maxRecorded bounds what is remembered.
const maxRecorded = 10000

// ServeHTTP answers /ws with an echoing WebSocket, /sse with a tick every 50
// milliseconds, /silent with a stream on which nothing comes, /slow with
// "hello" after SlowAnswer, and everything else with "hello".
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := r.Header.Clone()
	_, _ = io.Copy(io.Discard, r.Body) // trailers come with its end
	u.mu.Lock()
	if len(u.requests) >= maxRecorded {
		u.requests = nil
	}
	u.requests = append(u.requests, Recorded{r.Proto, r.Method, r.RequestURI, header, r.Trailer.Clone()})
	u.mu.Unlock()
	switch r.URL.Path {
	case "/ws":
		u.echo(w, r)
	case "/sse":
		tick(w, r)
	case "/silent":
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "/slow":
		time.Sleep(SlowAnswer)
		fmt.Fprint(w, "hello")
	default:
		fmt.Fprint(w, "hello")
	}
}

func (u *Upstream) echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

func tick(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		if _, err := fmt.Fprint(w, "data: tick\n\n"); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
