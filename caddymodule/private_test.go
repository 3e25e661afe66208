package caddymodule

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestSharedCachesStoreNothing(t *testing.T) {
	for _, directives := range []string{"sigra", "sigra\nsigra /page\nsigra"} {
		checkPrivate(t, newGateway(t, "", directives))
	}
}

func checkPrivate(t *testing.T, g *gateway) {
	t.Helper()
	cookie := g.signIn(t)
	for said, want := range map[string]string{
		"":                               "private",
		"public, max-age=3600":           "private, max-age=3600",
		"Public,S-MaxAge=60, max-age=10": "private, max-age=10",
		"max-age=60":                     "private, max-age=60",
		"no-store":                       "no-store",
		"private, max-age=5":             "private, max-age=5",
		`private="Set-Cookie", public`:   `private, private="Set-Cookie"`,
	} {
		for how, answer := range map[string]func(http.ResponseWriter){
			"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
			"Write":       func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
			"Flush":       func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
			"early hints": func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusOK)
			},
			"nothing at all": func(http.ResponseWriter) {},
		} {
			g.upstream = func(w http.ResponseWriter, _ *http.Request) {
				if said != "" {
					w.Header().Add("Cache-Control", said)
				}
				answer(w)
			}
			if got := g.do(t, get("/page", "Cookie", cookie)).Header()["Cache-Control"]; !slices.Equal(got, []string{want}) {
				t.Errorf("%s after %q: %q, want %q", how, said, strings.Join(got, " | "), want)
			}
		}
	}
	g.upstream = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "public") }
	if got := g.do(t, get("/open/page")).Header().Get("Cache-Control"); got != "no-store" { // a challenge
		t.Errorf("an anonymous visitor gets %q", got)
	}
}

// TestAnswersToErrorsArePrivate lets the app fail, as the `error` directive does: who
// answers instead may say what it knows of the user, and does so to the same header.
func TestAnswersToErrorsArePrivate(t *testing.T) {
	g := newGateway(t, "", "sigra {\npublic /page\n}")
	for cookie, want := range map[string]string{g.signIn(t): "private, max-age=60", "": "public, max-age=60"} {
		w := httptest.NewRecorder()
		g.fail = errors.New("not here")
		w.Header().Set("Cache-Control", "public, max-age=60")
		if err := g.chain.ServeHTTP(w, get("/page", "Cookie", cookie)); !errors.Is(err, g.fail) {
			t.Fatal(err)
		}
		if got := w.Header().Get("Cache-Control"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNoCacheIsToldOtherwise has the app speak to caches by fields that are theirs.
func TestNoCacheIsToldOtherwise(t *testing.T) {
	g := newGateway(t, "", "sigra")
	g.upstream = func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "Edge-Control", "X-Accel-Expires"} {
			w.Header().Set(name, "max-age=60")
		}
		w.Header().Set("X-Own", "1")
	}
	h := g.do(t, get("/page", "Cookie", g.signIn(t))).Header()
	if delete(h, "X-Own"); len(h) != 1 || h.Get("Cache-Control") != "private" {
		t.Errorf("left: %v", h)
	}
}

// TestPrivateStaysSaid lets a second handler answer after the first has marked a header
// that was not sent, as behind a writer that holds it back.
func TestPrivateStaysSaid(t *testing.T) {
	var p privateWriter
	w := httptest.NewRecorder()
	for range 2 {
		_ = p.serve(caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
			if got := p.Header()["Cache-Control"]; len(got) > 0 && got[0] != "private" {
				t.Errorf("blanked to %q", got)
			}
			p.personal = true
			_, _ = w.Write(nil)
			return errors.New("the app is away")
		}), w, nil)
	}
	if got := w.Header()["Cache-Control"]; !slices.Equal(got, []string{"private"}) {
		t.Errorf("%q", got)
	}
}

// TestAnonymousAnswersStayAsTheyAre passes a public request, and one without a session
// after one with: what an app says to everybody may be stored.
func TestAnonymousAnswersStayAsTheyAre(t *testing.T) {
	g := newGateway(t, "", "sigra {\npublic /page\n}")
	g.upstream = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		_, _ = w.Write([]byte("x"))
	}
	for _, test := range []struct{ cookie, want string }{{g.signIn(t), "private, max-age=60"}, {"", "public, max-age=60"}} {
		if got := g.do(t, get("/page", "Cookie", test.cookie)).Header().Get("Cache-Control"); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
