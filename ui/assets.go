package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages refer to. Their names hold a hash of their
// content, so that browsers may keep them for good.
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
	for _, name := range []string{"portal.css", "portal.js", "mark.svg"} {
		content, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("reading asset: %w", err)
		}
		a.add(name, content)
	}
	theme, err := themeOf(b)
	if err != nil {
		return nil, err
	}
	a.add("theme.css", []byte(theme))
	if b.LogoFile != "" {
		return a, a.addLogo(b.LogoFile)
	}
	a.named["logo"] = a.named["mark.svg"]
	return a, nil
}

// themeOf returns a style sheet with the operator's colour. It is a file of
// its own because the content policy allows no inline style.
func themeOf(b Brand) (string, error) {
	if b.Accent == "" {
		return "", nil
	}
	if !regexp.MustCompile(`^#[0-9a-fA-F]{6}$`).MatchString(b.Accent) {
		return "", fmt.Errorf("brand: accent %q is not a colour such as #2f6fed", b.Accent)
	}
	return ":root{--accent:" + b.Accent + ";--on-accent:" + onColour(b.Accent) + "}\n", nil
}

// addLogo reads the operator's logo.
func (a *assets) addLogo(file string) error {
	extension := strings.ToLower(path.Ext(file))
	if extension != ".svg" && extension != ".png" {
		return fmt.Errorf("brand: logo %s is neither SVG nor PNG", file)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("brand: logo: %w", err)
	}
	a.add("logo"+extension, content)
	a.named["logo"] = a.named["logo"+extension]
	return nil
}

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
func (a *assets) path(name string) string { return assetPrefix + a.named[name] }

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
	if strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.gzipped
	}
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body) // the client is gone, nothing is left to do
	}
	return nil
}
