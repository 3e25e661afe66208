package ui

import (
	"slices"
	"strings"
	"testing"
)

// Whatever a browser prefers, it gets a catalogue that there is.
func FuzzAcceptLanguage(f *testing.F) {
	for _, header := range []string{"", "de", "de-CH, fr;q=0.5", "*", "en;q=0", "x-klingon", "zh-Hant-TW", "de;q=NaN", "de;q=1e309", ",,;q", "\x00", "und", strings.Repeat("de,", 90)} {
		f.Add(header)
	}
	l, err := loadLanguages("")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		tag := l.best(header)
		if !slices.Contains(l.tags, tag) || l.of(tag) == nil || l.of(header) == nil {
			t.Errorf("%q gets %q", header, tag)
		}
		if l.best(header) != tag {
			t.Errorf("%q gets one language, then another", header)
		}
	})
}
