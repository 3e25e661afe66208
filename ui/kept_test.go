package ui

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/kept"
)

func TestKeptForm(t *testing.T) {
	p := newPortal(t)
	p.kept.form = kept.Form{Action: "/orders?a=1&b=2", Site: testOrigin, Body: "title=%3Cb%3E&title=two&csrf_token=s3cret&long=" + strings.Repeat("x", 200) + "&empty="}
	path := "/_auth/resend/" + strings.Repeat("A", 43)
	w := p.get(path, "Cookie", cookieLine())
	want(t, w, http.StatusOK, `action="/orders?a=1&amp;b=2"`, `name="title" value="&lt;b&gt;"`, `name="title" value="two"`, `value="s3cret"`, `name="empty" value=""`,
		strings.Repeat("x", 80)+"…</dd>", ">•••</dd>")
	if strings.Count(w.Body.String(), "s3cret") != 1 || p.kept.site != testOrigin {
		t.Errorf("asked for %q and shown\n%s", p.kept.site, w.Body)
	}
	for _, action := range []string{"//evil.example/x", "https://evil.example/", `/\evil.example`, "javascript:alert(1)", ""} {
		p.kept.form.Action = action
		want(t, p.get(path, "Cookie", cookieLine()), http.StatusNotFound)
	}
	p.kept.err = authcore.ErrNotFound
	want(t, p.get(path, "Cookie", cookieLine()), http.StatusNotFound)
	wantNext(t, p.get(path), "/_auth/login?return_to=%2F_auth%2Fresend%2F"+strings.Repeat("A", 43))
}
