package caddymodule

import (
	"math"
	"net/http"
	"runtime/debug"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sigra-auth/sigra/authcore/session"
)

// discard is a response writer without a network behind it.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkGate measures what Sigra adds to a request: strip, portal and gate,
// without Caddy's server and the proxy. Hashing a token, which a cached hit does once,
// tells how fast the machine is at the moment.
func BenchmarkGate(b *testing.B) {
	g := newGateway(b, "", "sigra")
	signedIn := get("/page", "Cookie", g.signIn(b), "Accept", "text/html", "User-Agent", "bench")
	b.Run("hash of a token", func(b *testing.B) {
		for token := session.NewToken(); b.Loop(); {
			token.Hash()
		}
	})
	b.Run("cached hit", func(b *testing.B) { g.measure(b, signedIn) })
	b.Run("anonymous", func(b *testing.B) { g.measure(b, get("/page", "Accept", "text/html", "User-Agent", "bench")) })
	orgs, cookie := two(b, "sigra {\norg from header X-Org\nrequire role member\n}")
	b.Run("organization", func(b *testing.B) {
		orgs.measure(b, get("/page", "Cookie", cookie, "Accept", "text/html", "User-Agent", "bench", "X-Org", "initech"))
	})
}

// measure serves a request again and again. Requests are made in batches while the
// clock is stopped: making one as Caddy does takes longer than the gate, and ten times
// the memory, so the collector runs as often as for what the gate uses alone.
func (g *gateway) measure(b *testing.B, from *http.Request) {
	before, signatures := g.app.engine.sessions.Stats(), g.app.engine.signer.Signatures()
	var batch [16]struct {
		w http.ResponseWriter
		r *http.Request
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		next := &batch[n%len(batch)]
		if next == &batch[0] {
			b.StopTimer()
			for i := range batch {
				batch[i].w, batch[i].r = arrive(from)
			}
			b.StartTimer()
		}
		if err := g.chain.ServeHTTP(next.w, next.r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(g.app.engine.sessions.Stats().Reads-before.Reads), "store-reads")
	b.ReportMetric(float64(g.app.engine.signer.Signatures()-signatures), "signatures")
}

// server is what requests arrive at; it is as large as some requests.
var server caddyhttp.Server

// arrive makes a fresh request and its writer as Caddy's server does.
func arrive(from *http.Request) (http.ResponseWriter, *http.Request) {
	r := *from
	r.Header = make(http.Header, len(from.Header))
	for name, values := range from.Header {
		r.Header[name] = values
	}
	w := &discard{header: http.Header{"Server": {"Caddy"}}}
	return w, caddyhttp.PrepareRequest(&r, caddy.NewReplacer(), w, &server)
}

func TestHotPathTouchesNoStoreAndSignsOnce(t *testing.T) {
	g := newGateway(t, "", "sigra")
	cookie := g.signIn(t)
	passed := 0
	g.upstream = func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sigra-Assertion") != "" {
			passed++
		}
	}
	g.do(t, get("/", "Cookie", cookie))
	before, signatures := g.app.engine.sessions.Stats(), g.app.engine.signer.Signatures()
	for range 200 {
		g.do(t, get("/", "Cookie", cookie))
	}
	for range 200 {
		if w := g.do(t, get("/", "Sec-Fetch-Mode", "navigate")); w.Code != http.StatusSeeOther {
			t.Fatalf("anonymous: %d", w.Code)
		}
	}
	after := g.app.engine.sessions.Stats()
	if passed != 201 {
		t.Errorf("%d of 201 requests carried an assertion", passed)
	}
	if after.Reads != before.Reads || after.Hits != before.Hits+200 {
		t.Errorf("%+v became %+v", before, after)
	}
	if n := g.app.engine.signer.Signatures() - signatures; n != 0 || signatures != 1 {
		t.Errorf("%d signatures, %d more", signatures, n)
	}
}

func TestGateStaysWithinItsAllocations(t *testing.T) {
	for place, most := range map[string]float64{"session": 2, "header X-Org": 9} {
		g, cookie := two(t, "sigra {\norg from "+place+"\n}")
		g.mustStayWithin(t, get("/page", "Cookie", cookie, "Accept", "text/html", "X-Org", "initech"), most)
	}
}

// mustStayWithin counts a few times: what works in the background allocates too.
func (g *gateway) mustStayWithin(t *testing.T, base *http.Request, most float64) {
	t.Helper()
	added := math.Inf(1)
	for try := 0; try < 5 && added > most; try++ {
		request := testing.AllocsPerRun(100, func() {
			arrive(base)
		})
		served := testing.AllocsPerRun(100, func() {
			if err := g.chain.ServeHTTP(arrive(base)); err != nil {
				t.Fatal(err)
			}
		})
		added = min(added, served-request)
	}
	if added > most {
		t.Errorf("the gate makes %.0f allocations, want at most %.0f", added, most)
	}
}
