package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages refer to. Their names hold a hash of their
// content, so that browsers may keep them for good. They are looked up by name
// in a map, so no path leads out of it.
type assets struct {
	byName map[string]asset
	named  map[string]string // plain name to hashed name
}

type asset struct {
	mediaType string
	plain     []byte
	gzipped   []byte
}

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png",
}

// loadAssets reads our files and makes those of the brand.
func loadAssets(b Brand) (*assets, error) {
	a := &assets{byName: make(map[string]asset), named: make(map[string]string)}
	for _, name := range []string{"portal.css", "portal.js"} {
		content, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("reading asset: %w", err)
		}
		a.add(name, content)
	}
	mark, err := assetFiles.ReadFile("assets/mark.svg")
	if err != nil {
		return nil, fmt.Errorf("reading asset: %w", err)
	}
	return a, a.addTheme(b, mark)
}

// add keeps a file, compressed ahead of time.
func (a *assets) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	extension := path.Ext(name)
	hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is valid
	_, _ = z.Write(content)                                    // a buffer takes everything
	_ = z.Close()
	a.byName[hashed] = asset{mediaTypes[extension], content, zipped.Bytes()}
	a.named[name] = hashed
}

// path returns the address of a file, relative to the portal.
func (a *assets) path(name string) (string, error) {
	hashed, ok := a.named[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return assetPrefix + hashed, nil
}

// asset serves a file.
func (v *visit) asset() error {
	file, ok := v.assets.byName[strings.TrimPrefix(v.path, assetPrefix)]
	if !ok {
		return statusError(http.StatusNotFound)
	}
	h := v.w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", file.mediaType)
	body := file.plain
	if acceptsGzip(v.r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = file.gzipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.send(body)
	return nil
}

// acceptsGzip reports whether a client takes gzip (RFC 9110 section 12.5.3).
func acceptsGzip(accept string) bool {
	for offer := range strings.SplitSeq(strings.ToLower(accept), ",") {
		coding, weight, _ := strings.Cut(offer, ";")
		if strings.TrimSpace(coding) != "gzip" {
			continue
		}
		q, ok := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		return !ok || strings.Trim(q, "0.") != ""
	}
	return false
}
