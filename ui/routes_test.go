package ui

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore/account"
)

// everyRoute are the paths of all routes, those with a rest given one.
func everyRoute() []string {
	var paths []string
	for path := range maps.Keys(routes) {
		if path != "/" && strings.HasSuffix(path, "/") {
			path += "x"
		}
		paths = append(paths, testBase+path)
	}
	for path := range maps.Keys(orgRoutes) {
		paths = append(paths, testBase+orgPrefix+"acme"+path)
	}
	slices.Sort(paths)
	return paths
}

// unread is a request body that notices when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a refused request was read")
	return 0, io.EOF
}

// TestEveryPostIsCheckedForItsOrigin walks the routes, so that one that is
// added later cannot be forgotten (login CSRF and all other kinds).
func TestEveryPostIsCheckedForItsOrigin(t *testing.T) {
	p := newPortal(t)
	posts := 0
	for _, path := range everyRoute() {
		route, _ := find(strings.TrimPrefix(path, testBase))
		if route.post == nil {
			continue
		}
		posts++
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "cross-site", "Origin", testOrigin},
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "https://app.example.com.evil.example"}, {"Origin", "https://app.example.com:8443"},
		} {
			r := request(http.MethodPost, path, "", append(headers, "Cookie", cookieLine(), "Content-Type", urlencoded)...)
			r.Body = io.NopCloser(unread{t})
			w := p.serve(r)
			want(t, w, http.StatusForbidden, "This came from another site")
			if p.calls() > 0 || p.sessions.reads.Load() > 0 || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s with %v did %v", path, headers, p.accounts.calls)
			}
			w = p.serve(request(http.MethodPost, path, "", append(headers, "Accept", asJSON)...))
			if want(t, w, http.StatusForbidden); decode(t, w)["title"] != "This came from another site" {
				t.Errorf("%s: %s", path, w.Body)
			}
		}
	}
	if posts != 62 {
		t.Errorf("%d routes take a post; are the new ones tested?", posts)
	}
}

// TestEveryRouteAndMethod asks each route in every way and looks at what all
// answers have in common.
func TestEveryRouteAndMethod(t *testing.T) {
	p := newPortal(t)
	for _, path := range append(everyRoute(), "/_auth/none") {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
			for _, accept := range []string{"text/html", asJSON, ""} {
				for _, line := range []string{"", cookieLine()} {
					w := p.serve(request(method, path, "", "Accept", accept, "Cookie", line))
					if w.Code == http.StatusInternalServerError {
						t.Errorf("%s %s: %d", method, path, w.Code)
					}
					checkAnswer(t, method+" "+path, method, w)
				}
			}
		}
	}
}

func checkAnswer(t *testing.T, name, method string, w *httptest.ResponseRecorder) {
	t.Helper()
	h := w.Header()
	for header, value := range map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
		"Content-Security-Policy": contentPolicy(""), "Access-Control-Allow-Origin": "", "Server": "", "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
	} {
		if got := h.Get(header); got != value {
			t.Errorf("%s: %s is %q, want %q", name, header, got, value)
		}
	}
	if h.Get("Referrer-Policy") == "" || strings.Contains(h.Get("Referrer-Policy"), "unsafe") {
		t.Errorf("%s: Referrer-Policy %q", name, h.Get("Referrer-Policy"))
	}
	public := strings.HasSuffix(name, "/jwks.json") && w.Code == http.StatusOK
	if !public && h.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %d may be cached: %q", name, w.Code, h.Get("Cache-Control"))
	}
	if method == http.MethodHead && w.Body.Len() > 0 {
		t.Errorf("%s has a body", name)
	}
	if w.Code != http.StatusSeeOther && h.Get("Content-Type") == "" {
		t.Errorf("%s: %d has no type", name, w.Code)
	}
}

// TestLookingChangesNothing follows every link as a mail scanner does.
func TestLookingChangesNothing(t *testing.T) {
	p := newPortal(t)
	for _, path := range everyRoute() {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := p.serve(request(method, path, "", "Cookie", cookieLine()))
			if cookies := w.Result().Cookies(); len(cookies) > 0 || w.Header().Get("Clear-Site-Data") != "" {
				t.Errorf("%s %s sets %v", method, path, cookies)
			}
		}
	}
	if len(p.orgs.calls) > 0 {
		t.Errorf("looking did %v", p.orgs.calls)
	}
	for _, call := range p.accounts.calls {
		if call != "Sessions" && !strings.HasPrefix(call, "CheckSetUp") {
			t.Errorf("looking did %s", call)
		}
	}
}

// TestOneAnswerToEveryWrongSignIn compares what a visitor could tell accounts
// apart by; the service gives one error for all of them.
func TestOneAnswerToEveryWrongSignIn(t *testing.T) {
	p := newPortal(t)
	p.accounts.err = account.ErrInvalidCredentials
	known := p.post("/_auth/login", credentials("email", "ada@example.com"))
	unknown := p.post("/_auth/login", credentials("email", "bob@example.com"))
	body := strings.ReplaceAll(unknown.Body.String(), "bob@", "ada@")
	if known.Code != unknown.Code || known.Body.String() != body || !maps.EqualFunc(known.Header(), unknown.Header(), slices.Equal) {
		t.Errorf("%d %v\n%s\n%d %v\n%s", known.Code, known.Header(), known.Body, unknown.Code, unknown.Header(), unknown.Body)
	}
}
