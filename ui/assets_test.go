package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var ownFile = regexp.MustCompile(`(?:href|src)="(/_auth/assets/[^"]+)"`)

func TestAssetsOfAPage(t *testing.T) {
	p := newPortal(t)
	found := ownFile.FindAllStringSubmatch(p.get("/_auth/login").Body.String(), -1)
	if len(found) < 4 {
		t.Fatalf("the page has %d files", len(found))
	}
	for _, match := range found {
		w := p.get(match[1], "Cookie", cookieLine())
		want(t, w, http.StatusOK)
		wantHeader(t, w, "Cache-Control", "public, max-age=31536000, immutable")
		wantHeader(t, w, "Vary", "Accept-Encoding")
		wantHeader(t, w, "X-Content-Type-Options", "nosniff")
		wantHeader(t, w, "Content-Encoding", "")
		if w.Header().Get("Content-Type") == "" || w.Header().Get("Content-Length") == "" {
			t.Errorf("%s: %v", match[1], w.Header())
		}
		zipped := p.get(match[1], "Accept-Encoding", "br, gzip")
		wantHeader(t, zipped, "Content-Encoding", "gzip")
		z, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, w.Body.Bytes()) {
			t.Errorf("%s: unzips to something else: %v", match[1], err)
		}
		head := p.serve(request(http.MethodHead, match[1], ""))
		if want(t, head, http.StatusOK); head.Body.Len() > 0 {
			t.Errorf("%s: HEAD has a body", match[1])
		}
	}
	if p.sessions.reads.Load() > 0 {
		t.Error("a file cost a look for a session")
	}
}

func TestAssetsLeadNowhereElse(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{
		"/_auth/assets/", "/_auth/assets", "/_auth/assets/portal.css", "/_auth/assets/../handler.go", "/_auth/assets/..%2fhandler.go",
		"/_auth/assets/%2e%2e/%2e%2e/etc/passwd", "/_auth/assets//etc/passwd", `/_auth/assets/..\x`, "/_auth/assets/x%00",
	} {
		want(t, p.get(path), http.StatusNotFound)
	}
}

func TestAcceptsGzip(t *testing.T) {
	for accept, yes := range map[string]bool{
		"gzip": true, "GZIP": true, "br, gzip;q=0.5": true, "deflate,gzip; q=1": true, "gzip;q=0": false, "gzip; q=0.000": false,
		"": false, "br": false, "xgzip": false, "gzipx": false, "*": false,
	} {
		if acceptsGzip(accept) != yes {
			t.Errorf("%q: %v", accept, !yes)
		}
	}
}

func TestNoPageNeedsAnotherSite(t *testing.T) {
	p := newPortal(t)
	outside := regexp.MustCompile(`(?i)(?:https?:)?//[a-z]`)
	for _, path := range []string{"/_auth/login", "/_auth/setup/x", "/_auth/account", "/_auth/missing"} {
		body := p.get(path, "Cookie", cookieLine()).Body.String()
		if found := outside.FindString(body); found != "" {
			t.Errorf("%s refers to %s", path, found)
		}
		for _, inline := range []string{"<style", " style=", "onclick", "<script>"} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has %s, which the content policy refuses", path, inline)
			}
		}
	}
}

func TestLogo(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "logo.PNG")
	if err := os.WriteFile(file, []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPortal(t, func(o *Options) { o.Brand.LogoFile = file })
	match := regexp.MustCompile(`<img src="([^"]+)"`).FindStringSubmatch(p.get("/_auth/login").Body.String())
	w := p.get(match[1])
	want(t, w, http.StatusOK, "picture")
	wantHeader(t, w, "Content-Type", "image/png")
	for name, message := range map[string]string{filepath.Join(dir, "none.svg"): "none.svg", filepath.Join(dir, "logo.gif"): "neither SVG nor PNG"} {
		if _, err := loadAssets(Brand{Accent: defaultAccent, LogoFile: name}); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
