package ui

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"
)

// defaultAccent is Sigra's own colour; the mark is drawn in it.
const defaultAccent = "#3b5bdb"

// addTheme makes the files that wear the operator's colour and logo. They are
// files, because the content policy allows no inline style.
func (a *assets) addTheme(b Brand, mark []byte) error {
	accent, ok := parseColour(b.Accent)
	if !ok {
		return fmt.Errorf("brand: accent %q is not a colour such as %s", b.Accent, defaultAccent)
	}
	a.add("theme.css", []byte(themeOf(accent)))
	if b.LogoFile != "" {
		return a.addLogo(b.LogoFile)
	}
	// The mark is drawn in white, so its ground must not be white too.
	ground := accent.toward(black, white)
	a.add("logo.svg", bytes.ReplaceAll(mark, []byte(defaultAccent), []byte(ground.String())))
	a.named["logo"] = a.named["logo.svg"]
	return nil
}

// themeOf returns the tokens of a colour for both schemes. Whatever the
// operator chose, buttons can be read and the focus ring can be seen.
func themeOf(accent colour) string {
	const tokens = "--accent:%s;--on-accent:%s;--ring:%s"
	onDark := accent.toward(white, darkSoft)
	return fmt.Sprintf(":root{"+tokens+"}\n@media (prefers-color-scheme:dark){:root{"+tokens+"}}\n",
		accent, accent.text(), accent.toward(black, lightPage),
		onDark, onDark.text(), onDark)
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
